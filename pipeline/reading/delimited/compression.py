"""Unpacking a file while it is read, in bounded memory."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import pyarrow as pa

from pipeline.errors import TooLarge, WrongFile, first_line
from pipeline.reading import kinds

Packing = Literal["none", "gzip", "zstd", "bzip2", "xz", "zip"]
LARGEST_RATIO = 1_100
"""Bytes out of one byte in; gzip cannot do more than 1,032. Beyond it, it is a bomb."""
_BOMB_FROM = 256 << 20
_XZ_MEMORY = 128 << 20
"""Bytes of memory that unpacking xz may take; `xz -9` needs 65 MiB."""
_FIRST_BYTES: dict[bytes, Packing] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    kinds.ZIP: "zip",
}
_DAMAGED = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    pa.ArrowException,
)


class Stream(Protocol):
    """Anything that is read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, so many at most; none at the end."""
        ...


def packing_of(start: bytes) -> Packing:
    """What a file is packed with, by its first bytes."""
    return next((name for mark, name in _FIRST_BYTES.items() if start.startswith(mark)), "none")


@contextmanager
def unpacked(path: Path, packing: Packing) -> Iterator[Stream]:
    """The content of a file as a stream.

    Raises:
        WrongFile: It is damaged, unpacks to far more than it can, or holds several files.
    """
    try:
        with path.open("rb") as file:
            yield file if packing == "none" else _Unpacker(path, file, packing)
    except WrongFile:
        raise
    except (*_DAMAGED, OSError, RuntimeError) as error:
        if packing == "none":
            raise
        raise WrongFile(path, f"cannot be unpacked as {packing} ({first_line(error)})") from error


class _Unpacker:
    """Unpacks while it is read, and stops at a bomb."""

    def __init__(self, path: Path, file: BinaryIO, packing: Packing) -> None:
        self._path, self._size, self._read = path, path.stat().st_size, 0
        self._stream: Stream = _UNPACKERS[packing](path, file)

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._read += len(data)
        if self._read > _BOMB_FROM and self._read > LARGEST_RATIO * self._size:
            raise TooLarge(
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
