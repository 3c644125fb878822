"""What clients may keep, and how they ask whether it still holds.

Answers about customers are not for keeping: `no-store` is what the middleware adds to every answer
that says nothing else.
"""

import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

VARY = b"accept-encoding"
"""What else than the address decides about the bytes of an answer."""


def kept(
    request: Request,
    content: bytes,
    control: str,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that a client may keep; 304 without it where the client has it already.

    Args:
        request: The request that it answers.
        content: The answer.
        control: For how long, as Cache-Control says it.
        media_type: What it is.
        headers: Further ones.
    """
    tag = etag(content)
    named = {**(headers or {}), "ETag": tag, "Cache-Control": control, "Vary": "Accept-Encoding"}
    if is_known(request.headers.get("if-none-match"), tag):
        return Response(None, 304, named)
    return Response(content, 200, named, media_type)


def for_seconds(seconds: float) -> str:
    """The Cache-Control of what may be kept by one client, so long without asking again."""
    return f"private, max-age={int(seconds)}"


def etag(content: bytes) -> str:
    """A weak entity tag: the same of a text, however it is packed."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'


def weakened(tag: bytes) -> bytes:
    """A tag of a text as that of the same text packed."""
    return tag if tag.startswith(b"W/") else b"W/" + tag


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether a client's If-None-Match names a tag, weakly compared (RFC 9110)."""
    if if_none_match is None:
        return False
    names = [name.strip().removeprefix("W/") for name in if_none_match.split(",")]
    return tag.removeprefix("W/") in names or names == ["*"]
