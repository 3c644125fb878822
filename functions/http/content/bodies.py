"""Reading what a client sends: bounded in size and time, and read one way only."""

import asyncio
import json
import zlib
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from types import coroutine
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive

from functions.http.problems import ProblemError

T = TypeVar("T")
FORM_FIELDS = 100
DEEPEST = 32
"""Arrays and objects within each other that a JSON body may have; a batch needs three."""
_PARSED_IN_PLACE = 16_384
"""A larger body is taken apart in a thread: the worst of this size takes some 6 ms."""
_FORM = "application/x-www-form-urlencoded"
_GZIP = 16 + zlib.MAX_WBITS
_CODINGS = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}


async def read_json(request: Request, limit: int, seconds: float) -> Any:
    """The value of a JSON body.

    Args:
        request: The request.
        limit: Bytes that the body may have, unpacked.
        seconds: How long it may take to arrive.

    Raises:
        ProblemError: As by `read_body` and `parse_json`.
    """
    return await _parsed(parse_json, await read_body(request, "application/json", limit, seconds))


async def read_form(request: Request, limit: int, seconds: float) -> dict[str, str]:
    """The fields of a form; ProblemError as by `read_body` and `parse_form`."""
    return await _parsed(parse_form, await read_body(request, _FORM, limit, seconds))


async def _parsed(parse: Callable[[bytes], T], body: bytes) -> T:
    return parse(body) if len(body) <= _PARSED_IN_PLACE else await asyncio.to_thread(parse, body)


async def read_body(request: Request, media_type: str | None, limit: int, seconds: float) -> bytes:
    """The body's bytes, unpacked; ProblemError for another type, too large or too slow.

    Args:
        request: The request.
        media_type: What the body has to be; None where somebody has looked at that.
        limit: Bytes that it may have, unpacked.
        seconds: How long it may take to arrive.
    """
    headers = dict(request.scope["headers"])
    if media_type is not None:
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        if content_type != media_type:
            _check_type(content_type, media_type)
    coding = content_coding(headers) if b"content-encoding" in headers else ""
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)
    body = await _in_time(_received(request.receive, limit), seconds)
    if not coding:
        return body
    if len(body) <= _PARSED_IN_PLACE:
        return unpacked(body, coding, limit)
    return await asyncio.to_thread(unpacked, body, coding, limit)


async def _in_time(receiving: Coroutine[Any, Any, bytes], seconds: float) -> bytes:
    """What is received; ProblemError where that takes too long.

    Most bodies are there with their headers: then nothing waits, and no timer is started, which
    would take a tenth of a look-up's time.
    """
    try:
        awaited = receiving.send(None)
    except StopIteration as received:
        return bytes(received.value)
    try:
        async with asyncio.timeout(seconds):
            return await _resumed(receiving, awaited)
    except TimeoutError:
        raise ProblemError(408, f"the body did not arrive within {seconds:g} seconds") from None


@coroutine
def _resumed(begun: Coroutine[Any, Any, bytes], awaited: Any) -> Generator[Any, Any, bytes]:
    """The rest of a coroutine that was begun and awaits something."""
    try:
        yield awaited
    except BaseException:
        begun.close()
        raise
    rest: bytes = yield from begun
    return rest


def content_coding(headers: Mapping[bytes, bytes]) -> str:
    """How a body is packed, by its Content-Encoding: gzip, zstd, or empty for not at all.

    Raises:
        ProblemError: It is packed in another way.
    """
    coding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if coding not in _CODINGS:
        accepted = {"Accept-Encoding": "gzip, zstd"}
        detail = f"Content-Encoding: expected gzip, zstd or none, found {coding!r:.100}"
        raise ProblemError(415, detail, headers=accepted)
    return _CODINGS[coding]


async def _received(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(400, "the client went away before the body was complete")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


def unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """What a packed body holds; never more than the limit is unpacked.

    Args:
        body: One gzip member, or one frame of zstd.
        coding: As `content_coding` gives it.
        limit: Bytes that it may have, unpacked.

    Raises:
        ProblemError: It holds more, or is not what it should be.
    """
    content = _from_gzip(body, limit) if coding == "gzip" else _from_zstd(body, limit)
    if content is None:
        detail = "the body is not what its Content-Encoding says: expected one stream of "
        raise ProblemError(400, detail + coding, code="invalid_encoding")
    if len(content) > limit:
        raise _too_large(limit)
    return content


def _from_gzip(body: bytes, limit: int) -> bytes | None:
    unpacking = zlib.decompressobj(_GZIP)
    try:
        content = unpacking.decompress(body, limit + 1)
    except zlib.error:
        return None
    whole = unpacking.eof and not unpacking.unused_data
    return content if whole or len(content) > limit else None


def _from_zstd(body: bytes, limit: int) -> bytes | None:
    from functions.http.content.zstandard import unpacked as unpacked_frame  # few send it

    return unpacked_frame(body, limit)


def _check_type(content_type: str, media_type: str) -> None:
    kind, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != media_type or (parameters and charset not in ("", "utf-8")):
        found = f"{content_type!r:.100}" if content_type else "none"
        raise ProblemError(415, f"expected content type {media_type} in UTF-8, found {found}")


def parse_json(body: bytes) -> Any:
    """The value of an I-JSON text (RFC 7493): UTF-8, no key twice, no NaN, no half character.

    A byte order mark before it is ignored, as RFC 8259 allows.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8-sig"))
        if body.count(b"[") + body.count(b"{") > DEEPEST and _is_deeper(value, DEEPEST):
            raise RecursionError
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise ProblemError(
            400, "the body is not valid Unicode in UTF-8", code="invalid_json"
        ) from None
    except RecursionError:
        detail = f"the body is nested too deeply: expected at most {DEEPEST} levels"
        raise ProblemError(400, detail, code="invalid_json") from None
    except ValueError as error:
        why = f"not JSON: {error}" if body.strip() else "empty: expected JSON"
        raise ProblemError(400, f"the body is {why}", code="invalid_json") from None
    return value


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of an HTML form; a field that is sent twice is refused."""
    try:
        pairs = parse_qsl(body.decode("ascii"), True, errors="strict", max_num_fields=FORM_FIELDS)
    except ValueError as error:  # UnicodeError is one
        raise ProblemError(400, "the form cannot be read", code="invalid_form") from error
    form = dict(pairs)
    if len(form) < len(pairs):
        raise ProblemError(400, "the form has a field twice", code="invalid_form")
    return form


def _too_large(limit: int) -> ProblemError:
    return ProblemError(413, f"a request may have at most {limit:,} bytes")


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether arrays and objects lie within each other more than so many levels deep."""
    level = [value]
    for _ in range(levels):
        level = [item for outer in level for item in _items(outer)]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the key {name[:40]!r} is there twice")
            seen.add(name)
    return members


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_twins, parse_constant=_no_constant)
