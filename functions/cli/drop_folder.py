"""A local drop folder: what S3 and a function do in the cloud, with no cloud at all."""

import contextlib
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functions import logs
from model_store import CustomerClustersError, Store, Temporary
from pipeline.errors import WrongFile
from pipeline.model.loading import load_model
from pipeline.reading.file_state import FileState
from pipeline.reading.listing import LINKS, Entry, refuse_table_around, why_skipped
from pipeline.runs.challengers import Challengers
from pipeline.scoring import Engine, Options, refuse_file, score_file, score_into
from pipeline.scoring.inputs import shown

Tell = Callable[[dict[str, Any] | CustomerClustersError], None]
_RETRY_SECONDS = 5.0


@dataclass(slots=True)
class DropFolder:
    """Scores what is dropped into a folder. Nothing in it is ever moved or changed.

    A file counts as written when it has not changed for `settle` seconds; one that changes later
    is scored again, as another run.
    """

    inbox: Path
    out: Path
    store: Store
    reference: str
    options: Options
    settle: float
    challenger: str | None = None
    """What a second model is found by."""
    engine: Engine = score_into
    """What reads and scores a file; by default this process does."""
    stop: threading.Event = field(default_factory=threading.Event)
    _seen: dict[Path, tuple[FileState, float]] = field(default_factory=dict)
    """Waiting files, and since when they have been as they are."""
    _done: dict[Path, FileState] = field(default_factory=dict)
    _unreachable: bool = False
    """Whether the folder was away at the last look."""

    def watch(self, tell: Tell) -> None:
        """Score for ever; SIGINT and SIGTERM end it after the file that is being scored."""
        if not self.inbox.is_dir():
            raise WrongFile(self.inbox, "is not there; expected a folder to watch")
        if self.out.resolve() == self.inbox.resolve():
            raise WrongFile(self.out, "is the folder that is watched; results need another one")
        refuse_table_around(self.inbox)
        with _ended_by_signals(self.stop):
            self.look(tell)
            while not self.stop.wait(max(0.05, self.settle / 2)):
                self.look(tell)

    def look(self, tell: Tell) -> None:
        """Score what has settled since the last look."""
        for path, state in self._settled(tell):
            try:
                tell(self._score(path, tell))
            except WrongFile as error:
                tell(error)
            except CustomerClustersError as error:  # no fault of the file: a model, the disk
                tell(error)
                self._seen[path] = (state, time.monotonic() + _RETRY_SECONDS)
                continue
            except Exception as error:  # of one file, which must not keep others waiting
                where = logs.where(error)
                tell(WrongFile(shown(path), f"could not be scored ({where[0]} at {where[-1]})"))
            self._done[path] = state
            if self.stop.is_set():
                return

    def _settled(self, tell: Tell) -> Iterator[tuple[Path, FileState]]:
        now = time.monotonic()
        for path, found in self._entries(tell):
            state = FileState.from_stat(found)
            kind = why_skipped(Entry(path.name, found.st_size, found.st_mode))
            if kind == LINKS and path not in self._done:
                self._done[path] = state
                tell(WrongFile(shown(path), "is a symbolic link, which is not followed; copy it"))
            if kind or self._done.get(path) == state:
                continue
            known, since = self._seen.get(path, (None, now))
            if known != state:
                self._seen[path] = (state, now)
            elif now - since >= self.settle:
                yield path, state

    def _entries(self, tell: Tell) -> list[tuple[Path, os.stat_result]]:
        """What lies in the folder; nothing while it is away, as a disk may be, which is told."""
        try:
            paths = sorted(self.inbox.iterdir())
        except OSError as error:
            if not self._unreachable:
                tell(Temporary("list", str(self.inbox), error.strerror or str(error)))
            self._unreachable = True
            return []
        self._unreachable = False
        found = []
        for path in paths:
            with contextlib.suppress(OSError):  # gone again
                found.append((path, path.lstat()))
        return [(path, its) for path, its in found if not stat.S_ISDIR(its.st_mode)]

    def _score(self, path: Path, tell: Tell) -> dict[str, Any]:
        artifact = self.store.open(self.reference)  # each file: the alias may have moved
        model = load_model(artifact)
        options = self.options
        if self.challenger is not None:
            second = Challengers(self.store, self.challenger, tell).beside(artifact.version)
            options = replace(options, challenger=second)
        try:
            version, out, nobody = artifact.version, self.out, lambda rows: None
            return score_file(path, model, version, out, options, nobody, self.engine)
        except WrongFile as error:
            refuse_file(path, artifact.version, self.out, options, error)
            raise


@contextlib.contextmanager
def _ended_by_signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: stop.set()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
