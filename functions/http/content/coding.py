"""Answers packed with gzip or zstd, for clients that say they take them.

BREACH reads a secret out of packed answers that also hold what an attacker has chosen. No answer
holds a key, a token or a password; the form of an upload to S3, whose signature is good for one
file, repeats nothing of the request; and the address of results is no secret to who asks for it.
"""

import asyncio
import zlib
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any, Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.http.content.caching import VARY, weakened

SMALLEST = 1_024
"""A smaller answer is sent as it is: packing would hardly make it shorter."""
_PACKED_IN_PLACE = 32_768
"""A larger one is packed in a thread: this takes some 0.3 ms."""
_GZIP_LEVEL, _ZSTD_LEVEL = 5, 1
"""The least time for nearly the shortest text, of batches, pages and tables."""
_TEXT = (b"text/", b"image/svg+xml", b"application/json", b"application/problem+json",
         b"application/x-ndjson", b"application/vnd.apache.arrow.stream")  # fmt: skip
"""Media types that packing makes shorter; workbooks, Parquet, zip and pictures are packed."""
_NOT_WHOLE = frozenset({204, 206, 304})
"""Statuses without a body, or with a part of one."""
_KEPT = frozenset({b"content-length", b"accept-ranges", b"etag", b"vary"})
"""Headers that another text needs otherwise."""
_PREFERRED = ("zstd", "gzip")


class ContentCoding:
    """ASGI middleware that packs what an application answers; it looks at one header else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Let the application answer, and pack it where the client takes that.

        What the application does is given back as it is: to await it in here, too, would take
        longer than to look for the header.
        """
        if scope["type"] == "http":
            for name, _ in scope["headers"]:
                if name == b"accept-encoding":
                    send = _packing(scope, send)
                    break
        return self.app(scope, receive, send)


def _packing(scope: Scope, send: Send) -> Send:
    """What packs an answer for a client that says what it takes, if that is anything of ours."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
    coding = chosen(accepted)
    return send if coding is None or _is_text_only(scope) else _Packing(send, coding)


class Packer(Protocol):
    """What packs an answer piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Take a piece; gives what is packed so far and not given yet."""
        ...

    def flush(self) -> bytes:
        """The rest."""
        ...


class _Packing:
    """Sends one answer, packed where it is worth it: known with the first piece of its body."""

    def __init__(self, send: Send, coding: str) -> None:
        self._send, self._coding = send, coding
        self._start: Message | None = None
        self._packer: Packer | None = None

    async def __call__(self, message: Message) -> None:
        """Take what the application sends."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        body, more = message.get("body", b""), message.get("more_body", False)
        if start is not None:
            if message["type"] == "http.response.body" and _is_worth_it(start, len(body), more):
                self._packer = packer(self._coding)
                if not more:
                    body = await self._packed(body, more=False)
                _relabel(start["headers"], self._coding, None if more else len(body))
                await self._send(start)
                if not more:
                    await self._send({"type": "http.response.body", "body": body})
                    return
            else:
                await self._send(start)
        if self._packer is not None:
            message = {**message, "body": await self._packed(body, more=more)}
        await self._send(message)

    async def _packed(self, body: bytes, *, more: bool) -> bytes:
        if len(body) > _PACKED_IN_PLACE:
            return await asyncio.to_thread(self._pack, body, more)
        return self._pack(body, more)

    def _pack(self, body: bytes, more: bool) -> bytes:
        assert self._packer is not None
        packed = self._packer.compress(body)
        return packed if more else packed + self._packer.flush()


@lru_cache(maxsize=64)  # clients are of few kinds
def chosen(accepted: bytes) -> str | None:
    """The coding that a client likes best of those that we know; None for none.

    Args:
        accepted: Its Accept-Encoding.
    """
    weights: dict[str, float] = {}
    for item in accepted.decode("latin-1").lower().split(","):
        name, _, parameters = item.partition(";")
        weights[name.strip().removeprefix("x-")] = _weight(parameters)
    others = weights.get("*", 0.0)
    best = max(_PREFERRED, key=lambda coding: weights.get(coding, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _weight(parameters: str) -> float:
    """The q of an item; 0 where nobody can tell what was meant."""
    name, _, value = parameters.partition("=")
    if not name.strip():
        return 1.0
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def packer(coding: str) -> Packer:
    """What packs one answer."""
    if coding == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, wbits=16 + zlib.MAX_WBITS)
    from functions.http.content.zstandard import compressor  # few ask for it

    return compressor(_ZSTD_LEVEL)


def _is_text_only(scope: Scope) -> bool:
    """Whether the way back takes no bytes, as that of REST APIs on AWS unless they are told to."""
    event: Any = scope.get("aws.event")
    if not isinstance(event, dict):
        return False
    context = event.get("requestContext")
    return "version" not in event and isinstance(context, dict) and "elb" not in context


def _is_worth_it(start: Message, size: int, more: bool) -> bool:
    """Whether an answer is packed: a text of some length that is whole, and not packed yet."""
    headers = dict(start["headers"])
    if more:
        length = headers.get(b"content-length", b"")
        size = int(length) if length.isdigit() else SMALLEST
    return (
        size >= SMALLEST
        and start["status"] not in _NOT_WHOLE
        and headers.get(b"content-type", b"").startswith(_TEXT)
        and b"content-encoding" not in headers
        and b"no-transform" not in headers.get(b"cache-control", b"")
    )


def _relabel(headers: list[tuple[bytes, bytes]], coding: str, length: int | None) -> None:
    """Let the headers tell of a packed body."""
    before = dict(headers)
    headers[:] = [field for field in headers if field[0] not in _KEPT]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    if b"etag" in before:
        headers.append((b"etag", weakened(before[b"etag"])))
    known = before.get(b"vary", b"")
    both = known if VARY in known.lower() else b", ".join(filter(None, [known, b"Accept-Encoding"]))
    headers.append((b"vary", both))
    headers.append((b"content-encoding", coding.encode()))
