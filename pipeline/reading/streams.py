"""A file's bytes as UTF-8 text, whatever they are packed and encoded in."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import pyarrow as pa

from pipeline.errors import WrongFile

Packing = Literal["none", "gzip", "zstd"]
Encoding = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"]
CHUNK = 4 << 20
"""Bytes that are read at once, at most."""
LARGEST_RATIO = 1_100
"""Bytes out of one byte in; gzip cannot do more than 1,032. Beyond it, it is a bomb."""
_BOMB_FROM = 256 << 20
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_MARKS: dict[bytes, Encoding] = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_WELL_FORMED = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


class Stream(Protocol):
    """Anything that is read from its beginning to its end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Text:
    """How a file's bytes become text."""

    packing: Packing
    encoding: Encoding
    bare_returns: bool
    """Lines end with a carriage return alone, as on very old machines."""


def look(path: Path, size: int = 256 << 10) -> tuple[Text, bytes]:
    """How a file is packed and encoded, and the beginning of its text as UTF-8."""
    with path.open("rb") as file:
        packing = packing_of(file.read(4))
    with _unpacked(path, packing) as stream:
        start = stream.read(size)
    encoding = encoding_of(start)
    plain = Text(packing, encoding, bare_returns=False)
    text = b"".join(_decoded(path, [start], encoding, final=False))
    if b"\n" not in text and b"\r" in text:
        return Text(packing, encoding, bare_returns=True), text.replace(b"\r", b"\n")
    return plain, text


def chunks(path: Path, text: Text, size: int) -> Iterator[bytes]:
    """The whole text as UTF-8 without a byte order mark, in pieces of bounded size.

    What is no text in its encoding stays invalid UTF-8, so that it costs a row and not the file.
    """
    with _unpacked(path, text.packing) as stream:
        read = iter(lambda: stream.read(min(size, CHUNK)), b"")
        pieces = _decoded(path, read, text.encoding, final=True)
        for piece in pieces:
            yield piece.replace(b"\r", b"\n") if text.bare_returns else piece


def packing_of(start: bytes) -> Packing:
    for mark, packing in _PACKED.items():
        if start.startswith(mark):
            return "gzip" if packing == "gzip" else "zstd"
    return "none"


def encoding_of(start: bytes) -> Encoding:
    """By the byte order mark; else by zeros; else UTF-8, unless most other bytes are not that."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    if b"\0" in start[:1000]:
        even, odd = start[0:1000:2].count(0), start[1:1000:2].count(0)
        if max(even, odd) > 4 * min(even, odd) and max(even, odd) > len(start[:1000]) // 5:
            return "utf-16-be" if even > odd else "utf-16-le"
    well_formed = sum(len(match) for match in _WELL_FORMED.findall(start))
    high = sum(start.translate(_HIGH)) if not start.isascii() else 0
    return "cp1252" if 2 * well_formed < high else "utf-8"


_HIGH = bytes(int(byte >= 0x80) for byte in range(256))


def _decoded(
    path: Path, pieces: Iterator[bytes] | list[bytes], encoding: Encoding, *, final: bool
) -> Iterator[bytes]:
    if encoding in ("utf-8", "utf-8-sig"):
        yield from _without_mark(pieces)
        return
    errors = "surrogateescape" if encoding == "cp1252" else "surrogatepass"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    mark = "\ufeff"
    for piece in pieces:
        text = decoder.decode(piece).removeprefix(mark)
        mark = ""
        yield text.encode("utf-8", errors)
    if final and decoder.getstate()[0]:
        raise WrongFile(path, f"ends in the middle of a character ({encoding})")


def _without_mark(pieces: Iterator[bytes] | list[bytes]) -> Iterator[bytes]:
    mark = codecs.BOM_UTF8
    for piece in pieces:
        yield piece.removeprefix(mark)
        mark = b""


@contextmanager
def _unpacked(path: Path, packing: Packing) -> Iterator[Stream]:
    try:
        with path.open("rb") as file:
            yield file if packing == "none" else _Unpacking(path, file, packing)
    except (EOFError, zlib.error, gzip.BadGzipFile, pa.ArrowException) as error:
        raise WrongFile(path, f"cannot be unpacked as {packing} ({error})") from error
    except OSError as error:
        if packing == "none":
            raise
        raise WrongFile(path, f"cannot be unpacked as {packing} ({error})") from error


class _Unpacking:
    """Unpacks while it is read, and stops at a bomb."""

    def __init__(self, path: Path, file: BinaryIO, packing: Packing) -> None:
        self._path, self._size, self._read = path, path.stat().st_size, 0
        self._stream: Stream = (
            gzip.GzipFile(fileobj=file)
            if packing == "gzip"
            else pa.CompressedInputStream(file, "zstd")
        )

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if self._read > _BOMB_FROM and self._read > LARGEST_RATIO * self._size:
            raise WrongFile(
                self._path,
                f"unpacks to more than {LARGEST_RATIO:,} times its size; expected a table",
            )
        return data
