"""How the document says by what a client is known."""

from collections.abc import Mapping
from typing import Any

from functions.settings import Settings

Schemes = Mapping[str, Mapping[str, Any]]
_KEYS: Schemes = {
    "bearerKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer KEY`.",
    },
    "headerKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same key in a header of its own: `X-API-Key: KEY`.",
    },
    "basicKey": {
        "type": "http",
        "scheme": "basic",
        "description": "The same key as password of HTTP Basic, for browsers; any name will do.",
    },
}


_TOKENS: Schemes = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the sign-in that this server knows, as it comes from there.",
    },
}


def schemes(settings: Settings) -> Schemes:
    """The ways to show who asks, any of which will do; none where the server is open to all."""
    tokens = _TOKENS if settings.access.jwt_issuer else {}
    return {**(_KEYS if settings.api_keys else {}), **tokens}
