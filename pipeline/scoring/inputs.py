"""A file that is scored: where it lies, what it is called, and what tells it from all others."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.hashing import identity_of_file
from pipeline.reading.file_state import FileState
from pipeline.scoring.documents import InputIdentity


@dataclass(slots=True)
class InputFile:
    """A file on this machine, maybe a copy of one that lies elsewhere."""

    path: Path
    name: str
    """What the results are named after."""
    known_identity: str | Future[str] | None = None
    """The identity, or what is going to be it; None while nobody has asked."""
    state: FileState | None = None
    """As it was before anybody read it; None for a file that nobody else can write to."""

    @classmethod
    def at(cls, path: Path, name: str | None = None) -> Self:
        """A file of this machine, by default called as there.

        Raises:
            WrongFile: It cannot be read, or its name cannot be written into a manifest.
        """
        name = path.name if name is None else name
        check_name(name)
        return cls(path, name, state=FileState.of(path))

    def start_hashing(self) -> None:
        """Have the identity made in a thread, while the file is scored."""
        if self.known_identity is None:
            self.known_identity = _in_a_thread(lambda: identity_of_file(self.path))

    @property
    def identity(self) -> str:
        """What tells the file from all others; WrongFile when it cannot be read to its end."""
        self.start_hashing()
        if isinstance(self.known_identity, str):
            return self.known_identity
        assert self.known_identity is not None
        with refuse_unreadable(self.path):
            return self.known_identity.result()

    @property
    def identity_so_far(self) -> str | None:
        """The identity, where somebody has asked for it and it has been made."""
        known = self.known_identity
        if isinstance(known, Future):
            return known.result() if known.done() and known.exception() is None else None
        return known

    @property
    def facts(self) -> InputIdentity:
        """What the manifest says of it."""
        with refuse_unreadable(self.path):
            size = self.path.stat().st_size
        return {"name": self.name, "identity": self.identity, "bytes": size}

    def refuse_changed(self) -> None:
        """Temporary when what was read may be of two files: it was written to meanwhile."""
        if self.state is not None:
            self.state.refuse_changed(self.path)


def check_name(name: str) -> None:
    """WrongFile when a name could not be written into a manifest."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise WrongFile(escaped(name), "has a name that is no text; rename it") from None


def escaped(name: object) -> str:
    """A name or a path for a message, though it may be no text."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def _in_a_thread(work: Callable[[], str]) -> Future[str]:
    pool = ThreadPoolExecutor(1, "digest")
    try:
        return pool.submit(work)
    finally:
        pool.shutdown(wait=False)
