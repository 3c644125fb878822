"""Which scope an address needs, and whether a client has it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

NEEDED: Mapping[str, str | None] = {
    "/openapi.json": None,
    "/docs": None,
    "/health": None,
    "/v1": "assign",
    "/v2/health": None,
    "/v2": "assign",
    "/invocations": "assign",
    "/ping": "assign",
    "/execution-parameters": "assign",
    "/mcp": "assign",
    "/": "assign",
    "/result": "assign",
    "/clusters": "assign",
    "/about": "assign",
    "/report": "assign",
    "/figures": "assign",
    "/v1/jobs": "files",
    "/files": "files",
    "/v1/customers": "customers",
    "/history": "customers",
    "/metrics": "metrics",
}
"""The beginning of a path, up to a slash → the scope that it needs, None where any client may ask.
The longest one holds; what none begins needs `admin`."""
OF_MODELS = {"/v1/models/": "/v1/", "/models/": "/"}
"""What follows a model's name there → what it needs the scope of."""
LONGEST_PATH = 1_024
"""No address is longer: what else is asked for is neither taken apart nor remembered."""
_SCOPES = "caller_scopes"


def scope_needed(path: str) -> str | None:
    """The scope that a path needs; None where any client may ask."""
    return _needed(path) if len(path) <= LONGEST_PATH else "admin"


@lru_cache(1_024)
def _needed(path: str) -> str | None:
    while before := next(filter(path.startswith, OF_MODELS), ""):
        path = OF_MODELS[before] + path.removeprefix(before).partition("/")[2]
    beginning = path
    while beginning:
        if beginning in NEEDED:
            return NEEDED[beginning]
        beginning = beginning.rpartition("/")[0]
    return "admin"


def may(scope: Mapping[str, Any], wanted: str) -> bool:
    """Whether who sent a request may do what a scope stands for.

    Args:
        scope: The ASGI scope of the request, as it comes from the middleware.
        wanted: One of `functions.settings.clients.SCOPES`.

    Returns:
        True as well where no keys are set: then all may do all.
    """
    scopes = scope.get(_SCOPES)
    return scopes is None or wanted in scopes or "admin" in scopes
