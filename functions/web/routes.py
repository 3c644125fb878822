"""The routes of the pages, and nothing that an assignment over HTTP would have to wait for.

What answers them is `functions.web.pages`, imported with the first page.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.settings import Settings

if TYPE_CHECKING:
    from functions.web.history import HistoryPages
    from functions.web.pages import Pages

Paths = Mapping[str, tuple[str, Sequence[str]]]
"""Path → the name of the method that answers it, and the HTTP methods that it takes."""
_READ = ("GET",)
_PAGES: Paths = {
    "/result": ("result", ("GET", "POST")),
    "/": ("form", _READ),
    "/clusters": ("clusters", _READ),
    "/about": ("about", _READ),
    "/docs": ("docs", _READ),
    "/report": ("report", _READ),
    "/figures/{name}": ("figure", _READ),
    "/static/{name}": ("static", _READ),
    "/favicon.ico": ("icon", _READ),
}
"""Answered by `functions.web.pages.Pages`."""
_HISTORY: Paths = {
    "/history": ("history", _READ),
    "/history/{entry}/report": ("report", _READ),
}
"""Answered by `functions.web.history.HistoryPages`, where the settings name results."""


class PageRoute(Route):
    """A plain route, cheap to make at a cold start, that the log can name."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the route answers a request, and what it adds to its scope."""
        match, child_scope = super().matches(scope)
        return match, {**child_scope, "route": self}


def lazy_routes(pages: Callable[[], object], paths: Paths) -> list[PageRoute]:
    """Routes whose answers are methods of an object that is made with the first request.

    Args:
        pages: Makes the object, or gives the one that was made.
        paths: What each of its methods answers.
    """

    def endpoint(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            page: Callable[[Request], Awaitable[Response]] = getattr(pages(), name)
            return await page(request)

        return answer

    return [
        PageRoute(path, endpoint(name), methods=methods) for path, (name, methods) in paths.items()
    ]


class PageRoutes:
    """The routes for people, none of them in the API's document."""

    def __init__(self, live_model: LiveModel, settings: Settings) -> None:
        self.live_model, self.settings = live_model, settings
        self.routes = lazy_routes(lambda: self._pages, _PAGES)
        if settings.results:
            self.routes += lazy_routes(lambda: self._history, _HISTORY)

    def problem_page(self, request: Request, problem: ProblemError) -> Response | None:
        """The problem as a page where a person asked for one, None where a machine did."""
        path = str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))
        for_machines = path.startswith(("/v1/", "/health/", "/openapi.json"))
        if for_machines or not by_person(request):
            return None
        return self._pages.problem(request, problem)

    @cached_property
    def _pages(self) -> "Pages":
        from functions.web.pages import Pages  # with the first page: it brings jinja2

        return Pages(self.live_model, self.settings)

    @cached_property
    def _history(self) -> "HistoryPages":
        from functions.web.history import HistoryPages

        return HistoryPages(self.settings)


def by_person(request: Request) -> bool:
    """Whether a browser asks, and not a program."""
    return "text/html" in request.headers.get("accept", "")
