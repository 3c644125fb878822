"""Where a run that several processes share reads and writes: a file system all of them see, or S3.

Sources and targets travel to the workers: they hold names, and connect where they are used.
"""

import contextlib
import io
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, Self

from model_store import Conflict, S3Address, Temporary
from model_store.storage.scratch import unfinished
from pipeline.reading.file_state import FileState

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from model_store.storage.s3 import S3Storage

NOT_SHARED = "all workers must see the same files: use s3://"
_BUFFER = 8 << 20
"""Bytes that are asked of S3 at once."""


class Source(Protocol):
    """A file that is read from several places at once, always the same one."""

    @property
    def address(self) -> str: ...
    @property
    def size(self) -> int: ...
    def open(self) -> BinaryIO:
        """The file, at its beginning; it can be sought in. Temporary when it is not there."""
        ...

    def refuse_changed(self) -> None:
        """Temporary when what was read may be of two files: it was written to meanwhile."""
        ...


class Target(Protocol):
    """A folder of results. What has a name there is whole: it appears at once, or not at all."""

    def staged(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """A path to write; it gets its name when all went well. An empty file gets none."""
        ...

    def read(self, name: str) -> bytes: ...
    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder of this one."""
        ...

    def delete(self, name: str) -> None: ...
    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file at a path that every worker sees."""

    path: Path
    size: int
    state: FileState | None = None
    """As it was before anybody read it."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """WrongFile when no file is there."""
        state = FileState.of(path)
        return cls(path.absolute(), state.size, state)

    @property
    def address(self) -> str:
        return str(self.path)

    def open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except FileNotFoundError as error:
            raise Temporary("find", self.address, NOT_SHARED) from error

    def refuse_changed(self) -> None:
        if self.state is not None:
            self.state.refuse_changed(self.path)


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A folder that every worker sees."""

    folder: Path

    @contextlib.contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            yield aside
            if aside.exists() and aside.stat().st_size:
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def names(self, folder: str) -> list[str]:
        place = self.folder / folder
        return sorted(path.name for path in place.iterdir()) if place.is_dir() else []

    def delete(self, name: str) -> None:
        """A folder goes with its last file."""
        (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (self.folder / name).parent.rmdir()

    def size(self, name: str) -> int | None:
        path = self.folder / name
        return path.stat().st_size if path.exists() else None


@dataclass(frozen=True, slots=True)
class S3Source:
    """One version of an object: when another takes its place, reading fails."""

    bucket: str
    key: str
    size: int
    etag: str
    version: str | None = None

    @property
    def address(self) -> str:
        return f"{S3Address.SCHEME}{self.bucket}/{self.key}"

    def open(self) -> BinaryIO:
        return io.BufferedReader(_Ranges(self), _BUFFER)

    def refuse_changed(self) -> None:
        """S3 looks after that: it is asked for this very version each time."""

    def range(self, start: int, size: int) -> bytes:
        """Some bytes; Temporary when S3 does not answer, Conflict when the object is another."""
        from model_store.storage.s3_errors import translate_errors

        version: dict[str, Any] = {"VersionId": self.version} if self.version else {}
        asked = f"bytes={start}-{min(start + size, self.size) - 1}"
        with translate_errors("read", self.key, f"{S3Address.SCHEME}{self.bucket}"):
            answer = _client().get_object(
                Bucket=self.bucket, Key=self.key, Range=asked, IfMatch=f'"{self.etag}"', **version
            )
            with contextlib.closing(answer["Body"]) as body:
                return body.read()


@dataclass(frozen=True, slots=True)
class S3Target:
    """A prefix in S3."""

    place: S3Address

    @contextlib.contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        with unfinished() as folder:
            path = folder / "part"
            yield path
            if path.exists() and path.stat().st_size:
                self.files.upload(path, name)

    def read(self, name: str) -> bytes:
        return self.files.read(name)

    def names(self, folder: str) -> list[str]:
        return self.files.names(folder)

    def delete(self, name: str) -> None:
        self.files.delete(name)

    def size(self, name: str) -> int | None:
        return self.files.size(name)

    @property
    def files(self) -> "S3Storage":
        return _files(self.place)


class _Ranges(io.RawIOBase):
    """An object as a file."""

    def __init__(self, source: S3Source) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._source.size or not len(buffer):
            return 0
        try:
            found = self._source.range(self._at, len(buffer))
        except Conflict as error:
            reason = "it was replaced while it was read"
            raise Temporary("read", self._source.address, reason) from error
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def _files(address: S3Address) -> "S3Storage":
    from model_store.storage.s3 import S3Storage  # boto3 is loaded for those who need it

    return S3Storage(_client(), address)


@cache
def _client() -> "S3Client":
    """One a process."""
    from model_store.storage.s3 import connect

    return connect()
