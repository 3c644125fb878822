"""What every request passes: its id, who asks, security headers, and one line in the log."""

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions import logs
from functions.http.problems import ProblemError, problem_response, to_problem
from functions.logs import Log

if TYPE_CHECKING:
    from functions.http.access.callers import Callers
    from functions.http.access.hosts import Hosts
    from functions.http.access.origins import Origins

OPEN = frozenset({"/health/live", "/v2/health/live", "/favicon.ico"})
"""What answers without a key."""
PROBES = frozenset({"/health/ready", "/v2/health/ready"})
"""What answers without one too, and says no more than whether it is so."""
ANONYMOUS = "anonymous"
"""In the scope of a probe that was sent without a key where keys are set."""
_CREDENTIALS = (b"authorization", b"x-api-key")
LOGGED = "logged"
"""In the scope: further fields of the request's line in the log, by their names."""
ANSWERED = "answered"
"""In the scope of a request about customers: the cluster of the one, or how many of a batch were
assigned and how many rejected."""
LISTED = "listed origin"
"""In the scope of a request that a page of another site sends which is in the list of origins."""
_OPEN_FOLDER = "/static/"
"""The same: the page that asks for a key has a style, and what shows a link its picture."""
Page = Callable[[Request, ProblemError], Response | None]
"""A problem as a page, where a person asked for one."""
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'{}; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_SECURITY = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY.format("").encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"same-origin"),  # with none at all a form's Origin would be null
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]  # fmt: skip
_SECURED = frozenset(name for name, _ in _SECURITY)
STYLED_INSIDE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
"""The policy for a report or drawing: its style is inside it, and it may do nothing else."""
WITH_SCRIPT = {"Content-Security-Policy": f"{_POLICY.format('')}; script-src 'self'"}
"""The policy for `/docs`: a script of ours copies its samples, and may ask nobody for anything."""
_HARMLESS = frozenset({"GET", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def forms_may_go_to(address: str) -> dict[str, str]:
    """The headers of a page with a form that is sent elsewhere, and there alone."""
    return {"Content-Security-Policy": _POLICY.format(f" {address}")}


class Middleware:
    """ASGI middleware; plain, because the ready-made base class costs more than an assignment.

    Args:
        app: What answers.
        callers: Who may ask; None where all may.
        origins: Which pages of other sites may; None where none may.
        log: Takes one line of each request.
        page: Makes pages of problems.
        hosts: Under which names requests come; None where any will do.
        public_host: The host of the address that people use, where a proxy may change `Host`.
        open_to_all: More paths that answer without a key.
    """

    def __init__(
        self,
        app: ASGIApp,
        callers: "Callers | None" = None,
        origins: "Origins | None" = None,
        log: Log = logs.write,
        page: Page = lambda request, problem: None,
        hosts: "Hosts | None" = None,
        public_host: bytes | None = None,
        open_to_all: frozenset[str] = frozenset(),
    ) -> None:
        self._open = OPEN | open_to_all
        self.app, self.page, self.log = app, page, log
        self.callers, self.origins, self.hosts = callers, origins, hosts
        self.public_host = public_host
        self.guarded = not (callers is None and origins is None and hosts is None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        fields: list[tuple[bytes, bytes]] = []
        headers = dict(scope["headers"])
        request_id = _request_id(headers)
        head = scope["method"] == "HEAD"
        method = "GET" if head else scope["method"]
        inner = {**scope, "method": method, "request_id": request_id, "caller": None}
        inner["path"] = _without_slash(scope)
        if b"traceparent" in headers:
            _take_trace(inner, fields)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if fields:
                    message["headers"].extend(fields)
                _secure(message["headers"], request_id)
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._answer(inner, headers, fields, receive, answer)
        except Exception as error:  # never the server's business: its message may hold values
            problem = to_problem(error)
            inner["code"] = problem.code
            if problem.code == "internal_error":
                inner["error"] = logs.where(error)
            if not status:
                await self._problem(inner, problem)(inner, receive, answer)
        finally:
            self._log(inner, scope["method"], status or 500, time.perf_counter() - started)

    async def _answer(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        fields: list[tuple[bytes, bytes]],
        receive: Receive,
        send: Send,
    ) -> None:
        harmless = scope["method"] in _HARMLESS
        if self.guarded:
            if self.hosts is not None:
                self.hosts.check(headers)
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if self.origins is not None:
                listed = self.origins.allow(path, headers, fields)
                if preflight := self.origins.preflight(scope["method"], headers, listed):
                    await preflight(scope, receive, send)
                    return
                if listed:
                    harmless = scope[LISTED] = True
            if path in PROBES and not any(name in headers for name in _CREDENTIALS):
                scope[ANONYMOUS] = self.callers is not None
            elif self.callers is not None and not self._is_open(path):
                pending = self.callers.admit(scope, path, headers, fields)
                if pending is not None:
                    await pending
        if not harmless and not of_this_site(headers, self.public_host):
            raise ProblemError(403, "a form is taken from a page of this site only")
        await self.app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open or path.startswith(_OPEN_FOLDER)

    def _problem(self, scope: Scope, problem: ProblemError) -> Response:
        """For a person as a page, but where it is our fault: the page might be it."""
        page = None if problem.code == "internal_error" else self.page(Request(scope), problem)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return page or problem_response(problem, scope["request_id"], path)

    def _log(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        route = scope.get("route")
        line = {
            "level": "error" if status >= 500 else "info",
            "message": "request",
            "request_id": scope["request_id"],
            "method": method,
            "route": getattr(route, "path", None),
            "status": status,
            "ms": round(seconds * 1000, 3),
            "model_version": scope.get("model_version"),
        }
        if LOGGED in scope:
            line |= scope[LOGGED]
        if scope["caller"] is not None:
            line["client"] = scope["caller"]
        if "model_name" in scope:
            line["model"] = scope["model_name"]
        if "challenger" in scope:
            line["challenger"] = scope["challenger"]
        if "code" in scope:
            line["code"] = scope["code"]
        if "error" in scope:
            line["error"] = scope["error"]
        self.log(line)


def of_this_site(headers: Mapping[bytes, bytes], public_host: bytes | None = None) -> bool:
    """Whether a request comes from our own page, or from no page at all.

    A browser sends the password of HTTP Basic along with whatever page asks it to, and says where
    that is from: in Sec-Fetch-Site over HTTPS, in Origin else. Programs send neither. What a
    proxy writes besides is not asked: anybody can write it.

    Args:
        headers: Of the request.
        public_host: Under which host people see our pages; None: under that of the request.
    """
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in (b"same-origin", b"none")
    if origin is None:
        return True
    return origin.partition(b"://")[2] in (headers.get(b"host"), public_host)


def _without_slash(scope: Scope) -> str:
    """The path without slashes at its end: /docs/ is /docs, with no redirect to any host."""
    path, root = str(scope["path"]), scope.get("root_path", "")
    if not path.endswith("/"):
        return path
    short = path.rstrip("/")
    return f"{short}/" if short in ("", root) else short


def _take_trace(scope: Scope, fields: list[tuple[bytes, bytes]]) -> None:
    """Log of what a request is a part, and tell that it was understood."""
    from functions.http.trace_context import TraceParent  # with the first one that says it

    if trace := TraceParent.of(scope["headers"]):
        scope[LOGGED] = {**scope.get(LOGGED, {}), **trace._asdict()}
        fields.append((b"x-trace-id", trace.trace_id.encode()))


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()


def _secure(fields: list[tuple[bytes, bytes]], request_id: str) -> None:
    own = {name for name, _ in fields}
    if own.isdisjoint(_SECURED):
        fields.extend(_SECURITY)
    else:
        fields.extend(field for field in _SECURITY if field[0] not in own)
    fields.append((b"x-request-id", request_id.encode()))
