"""What every request passes: its id, its key, security headers, and one line in the log."""

import base64
import binascii
import hashlib
import hmac
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from pydantic_core import to_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.problems import Refused, response

OPEN = frozenset({"/health/live"})
"""What answers without a key."""
_SECURITY = [
    (b"content-security-policy", (
        b"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        b"frame-ancestors 'none'; base-uri 'none'"
    )),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]  # fmt: skip
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="customer clusters", charset="UTF-8"'}
Log = Callable[[str], object]


class Gate:
    """ASGI middleware; plain, because the ready-made base class costs more than an assignment."""

    def __init__(self, app: ASGIApp, api_keys: Sequence[str] = (), log: Log | None = None) -> None:
        self.app = app
        self.api_keys = [bytes.fromhex(key) for key in api_keys]
        self.log = log or _standard_output

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()
        scope["request_id"] = request_id
        head = scope["method"] == "HEAD"
        if head:
            scope["method"] = "GET"
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                fields = message["headers"]
                fields.extend(_SECURITY)
                fields.append((b"x-request-id", request_id.encode()))
                if b"cache-control" not in dict(fields):
                    fields.append((b"cache-control", b"no-store"))
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            if self._may_pass(scope, headers):
                await self.app(scope, receive, answer)
            else:
                refused = Refused(
                    401,
                    "send a key as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the "
                    "password of HTTP Basic",
                    headers=_CHALLENGE,
                )
                await response(refused, request_id)(scope, receive, answer)
        finally:
            self._log(scope, request_id, "HEAD" if head else scope["method"], status, started)

    def _may_pass(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        if not self.api_keys or scope["path"].removeprefix(scope.get("root_path", "")) in OPEN:
            return True
        digest = hashlib.sha256(presented_key(headers)).digest()
        # all are compared, so that the time tells nothing about which one matched
        matches = [hmac.compare_digest(digest, key) for key in self.api_keys]
        return any(matches)

    def _log(self, scope: Scope, request_id: str, method: str, status: int, started: float) -> None:
        route = scope.get("route")
        line = {
            "time": time.time(),
            "level": "error" if status >= 500 else "info",
            "message": "request",
            "request_id": request_id,
            "method": method,
            "route": getattr(route, "path", None),
            "status": status,
            "ms": round((time.perf_counter() - started) * 1000, 3),
            "model_version": scope.get("model_version"),
        }
        self.log(to_json(line).decode())


def presented_key(headers: Mapping[bytes, bytes]) -> bytes:
    """The key that a client sent, in any of the three ways; empty when it sent none."""
    if b"x-api-key" in headers:
        return headers[b"x-api-key"]
    scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return credentials.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(credentials, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def _standard_output(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
