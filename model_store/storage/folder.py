"""A folder as storage."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from model_store.errors import (
    Conflict,
    CustomerClustersError,
    NotFound,
    Temporary,
    reason_of,
)
from model_store.storage.scratch import is_scratch, unfinished

_LOCK = ".lock"
_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_NO_LINKS = {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP}
"""What a disk answers that knows no hard links, or where this one cannot be."""


class FolderStorage:
    """Named files in a local folder, as `base.Storage` describes them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def read(self, name: str) -> bytes:
        """The content of a file; NotFound where there is none."""
        try:
            return (self.root / name).read_bytes()
        except _MISSING as error:
            raise NotFound(f"file {name}", str(self)) from error
        except OSError as error:
            raise self._failed(f"read {name}", error) from error

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """A part of a file; NotFound where there is none."""
        try:
            with (self.root / name).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except _MISSING as error:
            raise NotFound(f"file {name}", str(self)) from error
        except OSError as error:
            raise self._failed(f"read {name}", error) from error

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """The content of a file, and its sha256 as the tag that `swap` takes."""
        content = self.read(name)
        return content, _tag(content)

    def names(self, folder: str = "") -> list[str]:
        """The names of the entries of a folder, sorted; none where there is no such folder."""
        try:
            names = sorted(entry.name for entry in (self.root / folder).iterdir())
        except _MISSING:
            return []
        except OSError as error:
            raise self._failed(f"list {folder}", error) from error
        return [name for name in names if name != _LOCK and not is_scratch(name)]

    def times(self, folder: str = "", ending: str = "") -> dict[str, datetime]:
        """When each file below a folder was last written; links to folders are not followed."""
        found = {}
        with self._temporary(f"list {folder}"):
            for at, folders, files in os.walk(self.root / folder):
                folders[:] = [name for name in folders if not is_scratch(name)]
                for path in (Path(at, name) for name in files):
                    name = path.relative_to(self.root).as_posix()
                    if name.endswith(ending) and path.name != _LOCK:
                        with contextlib.suppress(FileNotFoundError):  # gone again
                            found[name] = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return dict(sorted(found.items()))

    def exists(self, name: str) -> bool:
        """Whether there is such a file; a folder is none."""
        return self.size(name) is not None

    def size(self, name: str) -> int | None:
        """The bytes of a file; None where there is none."""
        path = self.root / name
        try:
            return path.stat().st_size if path.is_file() else None
        except _MISSING:  # removed between the two questions
            return None
        except OSError as error:
            raise self._failed(f"read {name}", error) from error

    def create(self, name: str, content: bytes) -> str:
        """Write a file that must not exist yet and return its tag; Conflict where it does."""
        with self._written_aside(name, content) as (aside, target):
            try:
                os.link(aside, target)  # unlike a rename, refuses to replace
            except FileExistsError as error:
                raise Conflict(name, str(self)) from error
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                with self._locked(name):
                    if target.exists():
                        raise Conflict(name, str(self)) from error
                    aside.replace(target)
        return _tag(content)

    def swap(self, name: str, content: bytes, tag: str) -> str:
        """Write in place of exactly the file that has the tag, and return the new one.

        Conflict where it is another one by now, or gone.
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

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, in place of the one that may be there; readers see one or the other."""
        with self._written_aside(name, content) as (aside, target):
            aside.replace(target)

    def upload(self, path: Path, name: str) -> None:
        """Write a local file of any size, in place of the one that may be there.

        On the same disk as the storage it is linked and not copied: it must not be written to
        afterwards.
        """
        with self._aside(name) as (aside, target):
            try:
                os.link(path.resolve(), aside)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                import shutil  # few disks need it, and no reader does

                shutil.copyfile(path, aside)
            aside.replace(target)

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

        with self._temporary(f"write {name}"):
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / _LOCK).open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield

    @contextlib.contextmanager
    def _aside(self, name: str) -> Iterator[tuple[Path, Path]]:
        """A path to write a file at, and the one to move it to, in a folder that is there."""
        target = self.root / name
        with self._temporary(f"write {name}"), unfinished(self.root) as folder:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield folder / "content", target

    @contextlib.contextmanager
    def _written_aside(self, name: str, content: bytes) -> Iterator[tuple[Path, Path]]:
        with self._aside(name) as (aside, target):
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield aside, target

    @contextlib.contextmanager
    def _temporary(self, action: str) -> Iterator[None]:
        try:
            yield
        except CustomerClustersError:  # which may be an OSError as well, and says more
            raise
        except OSError as error:
            raise self._failed(action, error) from error

    def _failed(self, action: str, error: OSError) -> Temporary:
        return Temporary(action, str(self), reason_of(error))


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
