"""Where a run that several processes share reads and writes: a file system that all of them see.

Sources and targets travel to the workers: they hold names, and connect where they are used. Those
in S3 are in `pipeline.runs.objects`.
"""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from model_store import Temporary
from pipeline.reading.file_state import FileState

WORKING = "working"
"""The folder for what is needed until a run is committed."""
NOT_SHARED = "all workers must see the same files: use s3://"


class Source(Protocol):
    """A file that is read from several places at once, always the same one."""

    @property
    def address(self) -> str:
        """What people call it."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

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

    def read(self, name: str) -> bytes:
        """The content of a file."""
        ...

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder of this one."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        ...

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
    def of(cls, path: Path, state: FileState | None = None) -> Self:
        """A file, as it was at some moment or by default is now; WrongFile when none is there."""
        state = FileState.of(path) if state is None else state
        return cls(path.absolute(), state.size, state)

    @property
    def address(self) -> str:
        """The path."""
        return str(self.path)

    def open(self) -> BinaryIO:
        """The file, at its beginning; Temporary when this worker does not see it."""
        try:
            return self.path.open("rb")
        except FileNotFoundError as error:
            raise Temporary("find", self.address, NOT_SHARED) from error

    def refuse_changed(self) -> None:
        """Temporary when the file is another one by now."""
        if self.state is not None:
            self.state.refuse_changed(self.path)


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A folder that every worker sees."""

    folder: Path

    @contextlib.contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """A path to write; it gets its name when all went well. An empty file gets none."""
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
        """The content of a file."""
        return (self.folder / name).read_bytes()

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder of this one."""
        inner = self.folder / folder
        return sorted(path.name for path in inner.iterdir()) if inner.is_dir() else []

    def delete(self, name: str) -> None:
        """Remove a file, and its folder with the last one."""
        (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (self.folder / name).parent.rmdir()

    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        path = self.folder / name
        return path.stat().st_size if path.exists() else None
