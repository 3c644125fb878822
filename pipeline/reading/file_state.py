"""A local file at one moment: that it is a file at all, and whether it is still the same one."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_store.errors import CustomerClustersError, Temporary
from pipeline.errors import WrongFile, refuse_unreadable

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def checked_afterwards(check: Callable[[], None]) -> Iterator[None]:
    """Run a check at the end, and before an error of ours goes on: what it raises says more."""
    try:
        yield
    except CustomerClustersError:
        check()
        raise
    check()


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes when a file is written to, or another one takes its place."""

    size: int
    modified: int
    """Nanoseconds since 1970."""
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The state of the file at a path.

        What is scored is read several times: a pipe would go on where the last reading ended.

        Raises:
            WrongFile: Nothing is there, or something that cannot be read twice from its start.
        """
        with refuse_unreadable(path):
            status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no file")
            raise WrongFile(path, f"is {kind}; expected a file: write the customers to one first")
        return cls.from_stat(status)

    @classmethod
    def from_stat(cls, status: os.stat_result) -> Self:
        """The state that the system tells of a file."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)

    def refuse_changed(self, path: Path) -> None:
        """Check that the file at a path is still this one.

        Raises:
            Temporary: It is another one by now, or gone.
        """
        try:
            same = FileState.from_stat(path.stat()) == self
        except OSError as error:
            reason = f"it is gone or out of reach ({error.strerror or error})"
            raise Temporary("read", str(path), reason) from error
        if not same:
            raise Temporary("read", str(path), "it changed while it was scored")
