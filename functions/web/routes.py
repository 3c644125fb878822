"""The routes of the pages, and nothing that an assignment over HTTP would have to wait for.

What answers them is `functions.web.pages`, imported with the first page.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from functions.http.lazy_routes import PageRoute, Paths, lazy_routes
from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.settings import Settings

if TYPE_CHECKING:
    from functions.web.history import HistoryPages
    from functions.web.pages import Pages

__all__ = ["PAGES_OF_ONE_MODEL", "PageRoute", "PageRoutes", "Paths", "by_person", "lazy_routes"]
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
PAGES_OF_ONE_MODEL = frozenset(path.split("/")[1] for path in _PAGES) - {"favicon.ico"}
"""What the paths of pages about one model begin with."""
_HISTORY: Paths = {
    "/history": ("history", _READ),
    "/history/{entry}/report": ("report", _READ),
}
"""Answered by `functions.web.history.HistoryPages`, where the settings name results."""
_FOR_MACHINES = ("/v1/", "/v2", "/health/", "/invocations", "/mcp", "/openapi.json", "/ping")
"""What answers with no page, whoever asks, but where a key is asked for."""


class PageRoutes:
    """The routes for people, none of them in the API's document."""

    def __init__(self, live_model: LiveModel, settings: Settings) -> None:
        self.live_model, self.settings = live_model, settings
        self.routes = lazy_routes(lambda: self._pages, _PAGES)
        if settings.results:
            self.routes += lazy_routes(lambda: self._history, _HISTORY)

    def problem_page(self, request: Request, problem: ProblemError) -> Response | None:
        """The problem as a page where a person asked for one, None where a machine did.

        What is for machines is a document for persons too, but where a key is asked for: a browser
        asks for it, and shows this when it gets none.
        """
        path = str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))
        for_machines = path.startswith(_FOR_MACHINES)
        if (for_machines and problem.status != 401) or not by_person(request):
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
