"""Reading what a client sends: bounded in size and time, and read one way only."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Receive

from functions.problems import Refused

FORM_FIELDS = 100


async def read_body(request: Request, media_type: str, limit: int, seconds: float) -> bytes:
    """The body's bytes; Refused when it is of another type, too large or too slow."""
    headers = dict(request.scope["headers"])
    found = headers.get(b"content-type", b"").decode("latin-1")
    if found != media_type:
        _check_type(found, media_type)
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _received(request.receive, limit)
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {seconds:g} seconds") from None


async def _received(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away before the body was complete")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


def _check_type(found: str, media_type: str) -> None:
    kind, _, parameters = found.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != media_type or (parameters and charset not in ("", "utf-8")):
        raise Refused(415, f"expected content type {media_type} in UTF-8, found {found!r:.100}")


def parse_json(body: bytes) -> Any:
    """The value of an I-JSON text (RFC 7493): UTF-8, no key twice, no NaN, no half character."""
    try:
        value = _DECODER.decode(body.decode())
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise Refused(400, "the body is not valid Unicode in UTF-8", code="invalid_json") from None
    except RecursionError:
        raise Refused(400, "the body is nested too deeply", code="invalid_json") from None
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}", code="invalid_json") from None
    return value


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of an HTML form; a field that is sent twice is refused."""
    try:
        pairs = parse_qsl(body.decode("ascii"), True, errors="strict", max_num_fields=FORM_FIELDS)
    except ValueError as error:  # UnicodeError is one
        raise Refused(400, "the form cannot be read", code="invalid_form") from error
    form = dict(pairs)
    if len(form) < len(pairs):
        raise Refused(400, "the form has a field twice", code="invalid_form")
    return form


def _too_large(limit: int) -> Refused:
    return Refused(413, f"a request may have at most {limit:,} bytes")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} is there twice")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_twins, parse_constant=_no_constant)
