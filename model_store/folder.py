"""A folder as storage."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from model_store.errors import Conflict, NotFound, Temporary


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

    @contextlib.contextmanager
    def _written_aside(self, name: str, content: bytes) -> Iterator[tuple[Path, Path]]:
        target = self.root / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(prefix=".new-", dir=target.parent)
            aside = Path(path)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    os.fchmod(file.fileno(), 0o644)
                    file.flush()
                    os.fsync(file.fileno())
                yield aside, target
            finally:
                aside.unlink(missing_ok=True)
        except Conflict:
            raise
        except OSError as error:
            raise self._failed(f"write {name}", error) from error

    def _failed(self, action: str, error: OSError) -> Temporary:
        return Temporary(action, str(self), error.strerror or type(error).__name__)
