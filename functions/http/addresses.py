"""Addresses of ours as whoever asks has them: behind the public address, where one is set."""

from typing import Any

from starlette.requests import Request
from starlette.types import Scope


def site(request: Request) -> str:
    """The whole address before our paths, as the browser of whoever asks has it.

    Where no public address is set it follows the `Host` header, which is the asker's own word:
    it may stand in an answer to the asker, and in nothing that is kept for others.
    """
    public = getattr(request.app.state, "public_url", None)
    if public is None:
        return str(request.base_url).rstrip("/")
    scope = request.scope
    root = str(scope.get("app_root_path", scope.get("root_path", "")))
    return f"{public.origin}{root.rstrip('/')}"


def server_address(scope: Scope, below: str = "") -> str:
    """What the API's document calls its server: whole, where a public address is set.

    Args:
        scope: Of the request for the document.
        below: What follows the path before ours.
    """
    public: Any = getattr(scope["app"].state, "public_url", None)
    root = str(scope.get("root_path", "")).rstrip("/")
    return f"{public.origin if public else ''}{root}{below}" or "/"
