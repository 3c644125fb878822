"""A file's bytes as UTF-8 text, whatever they are packed and encoded in."""

import bz2
import codecs
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import pyarrow as pa

from pipeline.errors import WrongFile
from pipeline.reading import kinds
from pipeline.reading.delimited import decoding as encodings
from pipeline.reading.options import known_encoding

LineEnd = Literal["newline", "either", "return"]
Packing = Literal["none", "gzip", "zstd", "bzip2", "xz", "zip"]
CHUNK = 4 << 20
"""Bytes that are read at once, at most."""
LARGEST_RATIO = 1_100
"""Bytes out of one byte in; gzip cannot do more than 1,032. Beyond it, it is a bomb."""
_BOMB_FROM = 256 << 20
_XZ_MEMORY = 128 << 20
"""Bytes of memory that unpacking xz may take; `xz -9` needs 65 MiB."""
_PACKED: dict[bytes, Packing] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    kinds.ZIP: "zip",
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_UTF_8 = ("utf-8", "utf-8-sig")
_UTF_16 = ("utf-16", "utf-16-le", "utf-16-be")
_KEPT = "latin-1"
"""Turns any bytes into text and back: so a text is read whose bytes are to stay what they are."""
LONE_RETURN = re.compile(rb"\r(?!\n)")
_SWAPPED = bytes.maketrans(b"\r\n", b"\n\r")
_ESCAPE = re.compile(rb'\\([\\"])')


class Stream(Protocol):
    """Anything that is read from its beginning to its end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Text:
    """How a file's bytes become text."""

    packing: Packing
    encoding: str
    """Python's name of it; `unknown` where the bytes show none."""
    kept: bool = False
    """Its bytes are not decoded: each stands for one character, and is written as it was."""
    line_end: LineEnd = "newline"
    """What ends a line: a newline, with a return before it or not; either of both; or a return
    alone, as on old machines, and newlines are parts of cells."""
    backslashes: bool = False
    """Quotes within quotes are written with a backslash, and not doubled."""

    @property
    def codec(self) -> str:
        """What the bytes are decoded with here."""
        return _KEPT if self.kept else self.encoding

    @property
    def one_byte_each(self) -> bool:
        """Whether every byte of the file is one character, so that its parts can be cut."""
        return self.kept or self.encoding in ("cp1252", "iso8859-1")

    @property
    def is_plain(self) -> bool:
        """Whether newlines end its lines and quotes in quotes are doubled."""
        return self.line_end == "newline" and not self.backslashes

    def plain(self, text: bytes) -> bytes:
        """Text with newlines and doubled quotes, as the rest reads it; no byte more or less."""
        if self.backslashes:
            text = _ESCAPE.sub(_doubled, text)
        if self.line_end == "return":
            return text.translate(_SWAPPED)
        return LONE_RETURN.sub(b"\n", text) if self.line_end == "either" else text

    def plain_pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same for a text in pieces, wherever they end."""
        if self.is_plain:
            yield from pieces
            return
        held = b""
        for piece in pieces:
            whole = held + piece
            held = _undecided(whole)
            yield self.plain(whole[: len(whole) - len(held)])
        yield self.plain(held)

    def shown(self, text: str) -> str:
        """Text as people read it, where its bytes were not decoded; it may end in `…`."""
        if not self.kept:
            return text
        head = text.removesuffix("…")
        codec = "cp1252" if self.encoding == "unknown" else self.encoding  # to be looked at only
        return head.encode(_KEPT, "replace").decode(codec, "replace") + text[len(head) :]

    def written(self, text: str) -> bytes:
        """Text of ours for the file; UnicodeEncodeError where its encoding has no such letter."""
        if self.kept:
            return text.encode("ascii" if self.encoding == "unknown" else self.encoding)
        return text.encode()


@dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a file's text, and how it becomes one."""

    text: Text
    start: bytes
    """As UTF-8, without a byte order mark."""
    whole: bool
    """Whether that is all of it."""


def look(path: Path, size: int, encoding: str | None = None, *, keep: bool = False) -> Beginning:
    """How a file is packed and encoded, and the beginning of its text.

    Args:
        path: The file.
        size: How many bytes of it are looked at.
        encoding: What it is encoded in, where somebody said so.
        keep: Leave bytes as they are that are neither UTF-8 nor UTF-16.

    Raises:
        WrongFile: It cannot be unpacked, holds something else than text, or its encoding has to be
            known and is not shown by its letters.
    """
    with path.open("rb") as file:
        packing = packing_of(file.read(8))
    with _unpacked(path, packing) as stream:
        start = _filled(stream, size)
    if packing == "none":
        kinds.refuse_other(path, start)
    else:
        kinds.refuse_packed(path, start, packing)
    text = _encoded(path, packing, start, encoding, keep=keep)
    decoded = b"".join(_decoded(path, [start], text, final=False))
    return Beginning(text, decoded, len(start) < size)


def chunks(path: Path, text: Text, size: int) -> Iterator[bytes]:
    """The whole text as UTF-8 without a byte order mark, in pieces of bounded size.

    What is no text in its encoding stays invalid UTF-8, so that it costs a row and not the file.
    """
    with _unpacked(path, text.packing) as stream:
        read = iter(lambda: stream.read(min(size, CHUNK)), b"")
        pieces = _decoded(path, read, text, final=True)
        yield from text.plain_pieces(pieces)


def _undecided(piece: bytes) -> bytes:
    """The last byte, where what follows says what it means."""
    escapes = len(piece) - len(piece.rstrip(b"\\"))
    return piece[-1:] if escapes % 2 or piece.endswith(b"\r") else b""


def packing_of(start: bytes) -> Packing:
    """What a file is packed with, by its first bytes."""
    return next((name for mark, name in _PACKED.items() if start.startswith(mark)), "none")


def _encoded(path: Path, packing: Packing, start: bytes, said: str | None, *, keep: bool) -> Text:
    found = known_encoding(said) if said else encoding_of(start)
    if found == "utf-8" and start.startswith(codecs.BOM_UTF8):
        found = "utf-8-sig"
    if found in _UTF_8 or found in _UTF_16:
        return Text(packing, found)
    if found is not None:
        return Text(packing, found, kept=keep)
    guess = encodings.detect(start)
    if keep:
        return Text(packing, guess.encodings[0] if guess.sure else "unknown", kept=True)
    if guess.sure:
        return Text(packing, guess.encodings[0])
    shown = zip(guess.encodings[:3], guess.shown, strict=False)
    either = " or ".join(f"{name} ({word!r})" for name, word in shown)
    told = f"that may be {either}" if either else "in no encoding that its letters show"
    raise WrongFile(path, f"is text {told}; say which with --encoding")


def encoding_of(start: bytes) -> str | None:
    """By the byte order mark; else by zeros; else UTF-8, unless most other bytes are not that.

    None where it is none of these.
    """
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    if b"\0" in start[:1000]:
        even, odd = start[0:1000:2].count(0), start[1:1000:2].count(0)
        if max(even, odd) > 4 * min(even, odd) and max(even, odd) > len(start[:1000]) // 5:
            return "utf-16-be" if even > odd else "utf-16-le"
    if start.isascii():
        return "utf-8"
    ascii_bytes = len(start.decode("ascii", "ignore"))
    well_formed = len(start.decode("utf-8", "ignore").encode()) - ascii_bytes
    return "utf-8" if 2 * well_formed >= len(start) - ascii_bytes else None


def _doubled(match: re.Match[bytes]) -> bytes:
    return b'""' if match[1] == b'"' else match[0]


def _filled(stream: Stream, size: int) -> bytes:
    """So many bytes; fewer only at the end."""
    parts, left = [], size
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _decoded(path: Path, pieces: Iterable[bytes], text: Text, *, final: bool) -> Iterator[bytes]:
    if text.encoding in _UTF_8:
        yield from _without_mark(pieces)
        return
    errors = "surrogatepass" if text.encoding in _UTF_16 else "surrogateescape"
    decoder = codecs.getincrementaldecoder(text.codec)(errors)
    mark = "\ufeff"
    for piece in pieces:
        if piece.isascii() and text.one_byte_each:
            yield piece
            continue
        decoded = decoder.decode(piece).removeprefix(mark)
        mark = ""
        yield decoded.encode("utf-8", errors)
    if final and decoder.getstate()[0]:
        raise WrongFile(path, f"ends in the middle of a character ({text.encoding})")


def _without_mark(pieces: Iterable[bytes]) -> Iterator[bytes]:
    mark = codecs.BOM_UTF8
    for piece in pieces:
        yield piece.removeprefix(mark)
        mark = b""


@contextmanager
def _unpacked(path: Path, packing: Packing) -> Iterator[Stream]:
    try:
        with path.open("rb") as file:
            yield file if packing == "none" else _Unpacking(path, file, packing)
    except WrongFile:
        raise
    except (*_DAMAGED, OSError, RuntimeError) as error:
        if packing == "none":
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WrongFile(path, f"cannot be unpacked as {packing} ({reason})") from error


_DAMAGED = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    pa.ArrowException,
)


class _Unpacking:
    """Unpacks while it is read, and stops at a bomb."""

    def __init__(self, path: Path, file: BinaryIO, packing: Packing) -> None:
        self._path, self._size, self._read = path, path.stat().st_size, 0
        self._stream: Stream = _UNPACKERS[packing](path, file)

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if self._read > _BOMB_FROM and self._read > LARGEST_RATIO * self._size:
            raise WrongFile(
                self._path,
                f"unpacks to more than {LARGEST_RATIO:,} times its size; expected a table",
            )
        return data


class _Xz:
    """An xz file, unpacked with bounded memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._unpacker = file, self._new()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def read(self, size: int, /) -> bytes:
        while True:
            if self._unpacker.eof:
                more = (self._unpacker.unused_data or self._file.read(64 << 10)).lstrip(b"\0")
                if not more:
                    return b""
                self._unpacker = self._new()
            else:
                more = self._file.read(64 << 10) if self._unpacker.needs_input else b""
                if not more and self._unpacker.needs_input:
                    raise EOFError("it ends early")
            data = self._unpacker.decompress(more, size)
            if data:
                return data


def _only_member(path: Path, file: BinaryIO) -> Stream:
    archive = zipfile.ZipFile(file)
    members = [
        info
        for info in archive.infolist()
        if not info.filename.startswith(("__MACOSX/", ".")) and not info.filename.endswith("/")
    ]
    if len(members) != 1:
        named = ", ".join(info.filename for info in members[:5])
        more = ", …" if len(members) > 5 else ""
        raise WrongFile(
            path, f"is a zip archive with {len(members)} files ({named}{more}); unpack it"
        )
    return archive.open(members[0])


_UNPACKERS: dict[Packing, Callable[[Path, BinaryIO], Stream]] = {
    "gzip": lambda path, file: gzip.GzipFile(fileobj=file),
    "zstd": lambda path, file: pa.CompressedInputStream(file, "zstd"),
    "bzip2": lambda path, file: bz2.BZ2File(file),
    "xz": lambda path, file: _Xz(file),
    "zip": _only_member,
}
