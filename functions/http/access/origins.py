"""Pages of other sites whose scripts may ask the API: CORS, for a list of origins."""

from collections.abc import Sequence

from starlette.responses import Response

from functions.http.access.credentials import Fields, Headers, is_basic
from functions.http.problems import ProblemError

API = ("/v1/", "/v2", "/mcp", "/invocations", "/ping", "/health/", "/openapi.json")
"""What other sites may ask: nothing that is a page, or shows one."""
_METHODS = b"GET, HEAD, POST, PUT, DELETE"
_HEADERS = (
    b"Accept, Authorization, Content-Encoding, Content-Type, Idempotency-Key, If-None-Match, "
    b"Inference-Header-Content-Length, MCP-Method, MCP-Name, MCP-Protocol-Version, X-API-Key, "
    b"X-Request-Id, Traceparent, Tracestate"
)
_EXPOSED = (
    b"Content-Disposition, Customers-Assigned, Customers-Rejected, ETag, "
    b"Inference-Header-Content-Length, Link, Location, Model-Version, RateLimit, "
    b"RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id, "
    b"X-Trace-Id"
)
MAX_AGE_SECONDS = 7_200
"""How long a browser need not ask again whether it may; Chromium takes no longer time."""
SETTING = "CUSTOMER_CLUSTERS_CORS_ORIGINS"
_ASKS = b"access-control-request-method"
_VARY = (b"vary", b"Origin")


class Origins:
    """Knows which pages may ask."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def allow(self, path: str, headers: Headers, fields: Fields) -> bool:
        """Whether a page of the list asks; `fields` gets what lets its script see the answer.

        Args:
            path: Ours, without what stands before it.
            headers: Of the request.
            fields: Headers of the answer.

        Raises:
            ProblemError: It asks with a password that the browser may have sent by itself.
        """
        if not path.startswith(API):
            return False
        fields.append(_VARY)  # also where nobody is named: a cache must not give that to a page
        origin = headers.get(b"origin", b"")
        if origin not in self._origins:
            return False
        fields += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if is_basic(headers):
            raise ProblemError(403, "a page of another site sends the key as X-API-Key or bearer")
        return True

    def preflight(self, method: str, headers: Headers, allowed: bool) -> Response | None:
        """The answer to a browser that asks whether a page may ask, which has no key to send.

        Returns:
            None where it asks for something else.

        Raises:
            ProblemError: No page of that origin may ask.
        """
        if method != "OPTIONS" or _ASKS not in headers or b"origin" not in headers:
            return None
        if not allowed:
            raise ProblemError(403, f"pages of this origin may not ask here; see {SETTING}")
        answer = Response(status_code=204)
        answer.raw_headers += [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", str(MAX_AGE_SECONDS).encode()),
        ]
        return answer
