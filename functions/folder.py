"""A local drop folder: what S3 and a function do in the cloud, with no cloud at all."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from functions.challengers import Challengers
from model_store import CustomerClustersError, Store
from pipeline.errors import WrongFile
from pipeline.model import ClusterModel
from pipeline.scoring import Engine, Options, refuse_file, score_file, score_into

Tell = Callable[[dict[str, Any] | CustomerClustersError], None]
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart")
"""Endings under which programs write a file that they rename when it is whole."""
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _State:
    """A file as it was at a look; while it grows, this changes."""

    size: int
    changed: int


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
    _seen: dict[Path, tuple[_State, float]] = field(default_factory=dict)
    """Waiting files, and since when they have been as they are."""
    _done: dict[Path, _State] = field(default_factory=dict)

    def watch(self, tell: Tell) -> None:
        """Score for ever; SIGINT and SIGTERM end it after the file that is being scored."""
        from watchfiles import watch

        if not self.inbox.is_dir():
            raise WrongFile(self.inbox, "is not there; expected a folder to watch")
        if self.out.resolve() == self.inbox.resolve():
            raise WrongFile(self.out, "is the folder that is watched; results need another one")
        with _ended_by_signals(self.stop):
            changes = watch(
                self.inbox,
                watch_filter=None,
                stop_event=self.stop,
                rust_timeout=max(50, int(self.settle * 500)),
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=False,
            )
            self.look(tell)
            for _ in changes:
                self.look(tell)

    def look(self, tell: Tell) -> None:
        """Score what has settled since the last look."""
        for path, state in self._settled():
            try:
                tell(self._score(path, tell))
            except WrongFile as error:
                tell(error)
            except CustomerClustersError as error:  # no fault of the file: a model, the disk
                tell(error)
                self._seen[path] = (state, time.monotonic() + _RETRY_SECONDS)
                continue
            self._done[path] = state
            if self.stop.is_set():
                return

    def _settled(self) -> Iterator[tuple[Path, _State]]:
        now = time.monotonic()
        for path in sorted(self.inbox.iterdir()):
            if path.name.startswith((".", "~$")) or path.suffix.lower() in _UNFINISHED:
                continue
            try:
                stat = path.stat()
            except OSError:  # gone again
                continue
            state = _State(stat.st_size, stat.st_mtime_ns)
            if not path.is_file() or not state.size or self._done.get(path) == state:
                continue
            known, since = self._seen.get(path, (None, now))
            if known != state:
                self._seen[path] = (state, now)
            elif now - since >= self.settle:
                yield path, state

    def _score(self, path: Path, tell: Tell) -> dict[str, Any]:
        artifact = self.store.open(self.reference)  # each file: the alias may have moved
        model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
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


@contextmanager
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
