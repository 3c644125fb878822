"""zstd: Python's own from 3.14 on, and the same from a package before."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
else:
    from compression import zstd

__all__ = ["compressor", "unpacked", "zstd"]
_LARGEST_WINDOW = 23
"""Unpacking may take two to this power of memory: 8 MB, as RFC 9659 has it for the web."""


def compressor(level: int) -> "zstd.ZstdCompressor":
    """What packs one text."""
    return zstd.ZstdCompressor(level)


def unpacked(body: bytes, limit: int) -> bytes | None:
    """What one frame holds, but no more than a few bytes above the limit.

    Args:
        body: The frame.
        limit: Bytes that are wanted.

    Returns:
        None where it is no single whole frame.
    """
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW}
    unpacking = zstd.ZstdDecompressor(options=options)
    try:
        content = unpacking.decompress(body, limit + 1)
    except zstd.ZstdError:
        return None
    if len(content) > limit:
        return content
    return content if unpacking.eof and not unpacking.unused_data else None
