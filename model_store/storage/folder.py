"""A folder as storage."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from model_store.errors import Conflict, CustomerClustersError, NotFound, Temporary
from model_store.storage.scratch import unfinished


class FolderFiles:
    """Named files in a local folder. Names are relative, with `/` between their parts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def read(self, name: str) -> bytes:
        """A file's bytes; NotFound when there is none."""
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"file {name}", str(self)) from error
        except OSError as error:
            raise self._failed(f"read {name}", error) from error

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """A file's bytes, and their sha256 as the tag that `swap` takes."""
        content = self.read(name)
        return content, _tag(content)

    def list(self, folder: str) -> list[str]:
        """The names of the entries of a folder, sorted; empty when there is no such folder."""
        try:
            return sorted(entry.name for entry in (self.root / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise self._failed(f"list {folder}", error) from error

    def create(self, name: str, content: bytes) -> None:
        """Write a file that must not exist yet; Conflict when it does."""
        with self._written_aside(name, content) as (aside, target):
            try:
                os.link(aside, target)  # unlike a rename, refuses to replace
            except FileExistsError as error:
                raise Conflict(name, str(self)) from error

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, in place of the one that may be there; readers see one or the other."""
        with self._written_aside(name, content) as (aside, target):
            aside.replace(target)

    def swap(self, name: str, content: bytes, tag: str) -> str:
        """Write in place of exactly the file that has the tag, and say the new one.

        Conflict when it is another one by now, or gone.
        """
        with self._locked(name):
            try:
                same = self.read_tagged(name)[1] == tag
            except NotFound:
                same = False
            if not same:
                raise Conflict(name, str(self))
            self.replace(name, content)
        return _tag(content)

    def delete(self, name: str) -> None:
        """Remove a file, and its folder with the last one; one that is not there is no error."""
        path = self.root / name
        try:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                path.parent.rmdir()
        except OSError as error:
            raise self._failed(f"delete {name}", error) from error

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Nobody else swaps meanwhile. The system ends the lock of a process that dies."""
        import fcntl  # not on every system, and not for readers

        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / ".lock").open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except CustomerClustersError:
            raise
        except OSError as error:
            raise self._failed(f"write {name}", error) from error

    @contextlib.contextmanager
    def _written_aside(self, name: str, content: bytes) -> Iterator[tuple[Path, Path]]:
        target = self.root / name
        try:
            with unfinished(self.root) as folder:
                aside = folder / "content"
                with aside.open("wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), 0o644)
                    file.flush()
                    os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                yield aside, target
        except Conflict:
            raise
        except OSError as error:
            raise self._failed(f"write {name}", error) from error

    def _failed(self, action: str, error: OSError) -> Temporary:
        return Temporary(action, str(self), error.strerror or type(error).__name__)


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
