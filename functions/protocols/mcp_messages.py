"""Messages of the Model Context Protocol over HTTP: JSON-RPC, of its two eras.

Since revision 2026-07-28 each request says its own version, in its `_meta` and in headers that
must agree with it. Before, a client asked once, with `initialize`, and named the version in a
header. No era needs a session here.
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from pipeline.errors import shortened

STATELESS = ("2026-07-28",)
"""Revisions whose requests stand alone."""
WITH_HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Revisions that begin with `initialize`, the newest first."""
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
VERSION_HEADER, METHOD_HEADER, NAME_HEADER = "mcp-protocol-version", "mcp-method", "mcp-name"
_VERSION = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_ENCODED = re.compile(r"=\?base64\?(.*)\?=")
_STATUS = {METHOD_NOT_FOUND: 404}


class RpcError(Exception):
    """Raised when a message is answered by an error of JSON-RPC."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        self.code, self.message, self.data = code, message, data
        super().__init__(message)

    def status(self, *, stateless: bool) -> int:
        """The status of HTTP: of a request with a handshake only one that is none fails there."""
        if stateless or self.code in (PARSE_ERROR, INVALID_REQUEST, UNSUPPORTED_VERSION):
            return _STATUS.get(self.code, 400)
        return 200

    def document(self, request_id: str | int | None) -> dict[str, Any]:
        """As it is sent."""
        more = {} if self.data is None else {"data": self.data}
        error = {"code": self.code, "message": self.message, **more}
        return {"jsonrpc": "2.0", "id": request_id, "error": error}


@dataclass(frozen=True, slots=True)
class Message:
    """One request, or a notification, which wants no answer."""

    method: str
    params: Mapping[str, Any]
    request_id: str | int | None
    """None for a notification."""

    @classmethod
    def of(cls, document: object) -> "Message":
        """A message; RpcError where it is none."""
        if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
            raise RpcError(INVALID_REQUEST, "expected one JSON-RPC 2.0 request or notification")
        method, params = document.get("method"), document.get("params", {})
        request_id = document.get("id")
        is_id = isinstance(request_id, str | int) and not isinstance(request_id, bool)
        if not isinstance(method, str) or ("id" in document and not is_id):
            raise RpcError(
                INVALID_REQUEST, "expected a method, and an id that is a text or a whole number"
            )
        if not isinstance(params, dict):
            raise RpcError(INVALID_REQUEST, "expected params to be an object")
        return cls(method, params, request_id)

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the message says of itself."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


def is_stateless(request: Request, message: Message) -> bool:
    """Whether a message says itself what it is, as all do since revision 2026-07-28."""
    version = request.headers.get(VERSION_HEADER)
    return _VERSION in message.meta or version not in (None, *WITH_HANDSHAKE)


def check_stateless(request: Request, message: Message) -> None:
    """RpcError where the headers of a request differ from it, or its version is not known."""
    version, header = message.meta.get(_VERSION), request.headers.get(VERSION_HEADER)
    if version is None and header not in STATELESS:
        raise _unsupported(header)
    if absent := [key for key in (_VERSION, _CAPABILITIES) if key not in message.meta]:
        raise RpcError(INVALID_PARAMS, f"params._meta: expected {' and '.join(absent)}")
    _check_headers(request, message)
    if version not in STATELESS:
        raise _unsupported(version)


def _check_headers(request: Request, message: Message) -> None:
    counts = Counter(name.lower().decode("latin-1") for name, _ in request.headers.raw)
    expected = {VERSION_HEADER: message.meta[_VERSION], METHOD_HEADER: message.method}
    if message.method == "tools/call" and "name" in message.params:
        expected[NAME_HEADER] = message.params["name"]
    for name, value in expected.items():
        found = request.headers.get(name)
        if found is not None and name == NAME_HEADER:
            found = _decoded(found)
        if counts[name] != 1 or found != value:
            raise RpcError(
                HEADER_MISMATCH,
                f"header {name}: expected it once, as the body says: {shortened(value)}",
            )


def _decoded(value: str) -> str | None:
    """What a header says that may be in base64; None where that cannot be read."""
    encoded = _ENCODED.fullmatch(value)
    if not encoded:
        return value
    try:
        return base64.b64decode(encoded[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _unsupported(version: object) -> RpcError:
    data = {"supported": [*STATELESS, *WITH_HANDSHAKE], "requested": shortened(version)}
    return RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)
