"""What is scored: a file, and what tells it from all others."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.hashing import identity_of_file
from pipeline.reading.file_state import FileState


@dataclass(slots=True)
class Input:
    """An input file: where it lies now, what it is called, and what tells it from others."""

    path: Path
    name: str
    told: str | Future[str] | None = None
    """The identity, or what is going to be it; None while nobody has asked."""
    state: FileState | None = None
    """As it was before anybody read it; None for a file that nobody else can write to."""

    def tell(self) -> None:
        """Ask for the identity, which is made in a thread while the file is scored."""
        if self.told is None:
            self.told = _meanwhile(lambda: identity_of_file(self.path))

    @property
    def identity(self) -> str:
        """WrongFile when the file cannot be read to its end."""
        self.tell()
        if isinstance(self.told, str):
            return self.told
        assert self.told is not None
        with refuse_unreadable(self.path):
            return self.told.result()

    @property
    def facts(self) -> dict[str, Any]:
        with refuse_unreadable(self.path):
            size = self.path.stat().st_size
        return {"name": self.name, "identity": self.identity, "bytes": size}

    def refuse_changed(self) -> None:
        """Temporary when what was read may be of two files: it was written to meanwhile."""
        if self.state is not None:
            self.state.refuse_changed(self.path)


def local_input(path: Path, name: str | None = None) -> Input:
    """A file of this machine, by default called as there.

    WrongFile when it cannot be read, or its name not be written.
    """
    name = path.name if name is None else name
    check_name(name)
    return Input(path, name, state=FileState.of(path))


def check_name(name: str) -> None:
    """WrongFile when it could not be written into a manifest."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise WrongFile(shown(name), "has a name that is no text; rename it") from None


def shown(name: object) -> str:
    """A name or a path for a message, though it may be no text."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def _meanwhile(tell: Callable[[], str]) -> Future[str]:
    """What tells an identity, asked in a thread of its own."""
    pool = ThreadPoolExecutor(1, "digest")
    try:
        return pool.submit(tell)
    finally:
        pool.shutdown(wait=False)
