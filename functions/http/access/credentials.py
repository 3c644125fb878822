"""What a client sends to say who it is."""

import base64
import binascii
from collections.abc import Mapping

Headers = Mapping[bytes, bytes]
"""Of the request."""
Fields = list[tuple[bytes, bytes]]
"""Headers of the answer."""


def presented_key(headers: Headers) -> bytes:
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


def is_basic(headers: Headers) -> bool:
    """Whether the key is one that a browser sends by itself."""
    given = headers.get(b"authorization", b"")
    return b"x-api-key" not in headers and given[:6].lower() == b"basic "
