"""Plain routes that are cheap to make at a cold start; what answers them is made when it is asked.

They are no FastAPI's: none of them is in the API's document by itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

Paths = Mapping[str, tuple[str, Sequence[str]]]
"""Path → the name of the method that answers it, and the HTTP methods that it takes."""


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
