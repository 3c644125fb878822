"""A local drop folder: what S3 and a function do in the cloud, with no cloud at all."""

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from functions import logs
from functions.cli.watch.signals import ended_by_signals
from functions.live_model import LiveModel
from model_store import CustomerClustersError, Temporary
from pipeline.errors import WrongFile
from pipeline.reading.file_state import FileState
from pipeline.reading.input_files import LINKS, Entry, Tell, refuse_table_around, why_skipped
from pipeline.runs import Engine, LocalInput, RunStore, WholeFile, record_failure, score
from pipeline.runs.challengers import Challengers
from pipeline.runs.notices import SILENT, Notices
from pipeline.scoring.documents import Manifest
from pipeline.scoring.inputs import escaped
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern
from pipeline.scoring.spec import Options, ScoringSpec

Report = Callable[[Manifest | CustomerClustersError], None]
"""Takes a manifest, or why there is none."""
_RETRY_SECONDS = 5.0
_DELIVERY_SECONDS = 60.0


@dataclass(slots=True)
class DropFolder:
    """Scores what is dropped into a folder. Nothing in it is ever moved or changed.

    A file counts as written when it has not changed for `settle` seconds; one that changes later
    is scored again, as another run.
    """

    inbox: Path
    runs: RunStore
    live_model: LiveModel
    options: Options
    settle: float
    challenger: str | None = None
    """What a second model is found by."""
    engine: Engine = field(default_factory=WholeFile)
    """What reads and scores a file; by default this process does."""
    periods: PeriodPattern = DEFAULT_PERIODS
    """How a name says to which period its file belongs."""
    tell: Tell = lambda note: None
    """Called with a sentence where a run could not be added to the history."""
    index_key: str = ""
    """What ids are hashed with in the index of a run; empty: runs get none."""
    stop: threading.Event = field(default_factory=threading.Event)
    notices: Notices = SILENT
    """Who is told of runs."""
    _waiting: dict[Path, tuple[FileState, float]] = field(default_factory=dict)
    """Waiting files, and since when they have been as they are."""
    _handled: dict[Path, FileState] = field(default_factory=dict)
    _challengers: Challengers | None = None
    _unreachable: bool = False
    """Whether the folder was away at the last look."""
    _next_delivery: float = 0.0

    def watch(self, report: Report) -> None:
        """Score for ever; SIGINT and SIGTERM end it after the file that is being scored."""
        if not self.inbox.is_dir():
            raise WrongFile(self.inbox, "is not there; expected a folder to watch")
        if Path(str(self.runs)).resolve() == self.inbox.resolve():
            raise WrongFile(self.inbox, "is the folder that is watched; results need another one")
        refuse_table_around(self.inbox)
        with ended_by_signals(self.stop):
            self.scan(report)
            while not self.stop.wait(max(0.05, self.settle / 2)):
                self.scan(report)
                self._deliver()

    def scan(self, report: Report) -> None:
        """Score what has settled since the last look."""
        for path, state in self._settled(report):
            try:
                report(self._score(path, report))
            except WrongFile as error:
                report(error)
            except CustomerClustersError as error:  # no fault of the file: a model, the disk
                report(error)
                self._waiting[path] = (state, time.monotonic() + _RETRY_SECONDS)
                continue
            except Exception as error:  # of one file, which must not keep others waiting
                where = logs.where(error)
                report(WrongFile(escaped(path), f"could not be scored ({where[0]} at {where[-1]})"))
            self._handled[path] = state
            if self.stop.is_set():
                return

    def _deliver(self) -> None:
        """Send what waits, once a minute."""
        if self.notices.active and time.monotonic() >= self._next_delivery:
            self.notices.deliver_quietly(self.runs)
            self._next_delivery = time.monotonic() + _DELIVERY_SECONDS

    def _settled(self, report: Report) -> Iterator[tuple[Path, FileState]]:
        now = time.monotonic()
        for path, found in self._entries(report):
            state = FileState.from_stat(found)
            kind = why_skipped(Entry(path.name, found.st_size, found.st_mode))
            if kind == LINKS and path not in self._handled:
                self._handled[path] = state
                problem = "is a symbolic link, which is not followed; copy it"
                report(WrongFile(escaped(path), problem))
            if kind or self._handled.get(path) == state:
                continue
            known, since = self._waiting.get(path, (None, now))
            if known != state:
                self._waiting[path] = (state, now)
            elif now - since >= self.settle:
                yield path, state

    def _entries(self, report: Report) -> list[tuple[Path, os.stat_result]]:
        """What lies in the folder; nothing while it is away, as a disk may be, which is told."""
        try:
            paths = sorted(self.inbox.iterdir())
        except OSError as error:
            if not self._unreachable:
                report(Temporary("list", str(self.inbox), error.strerror or str(error)))
            self._unreachable = True
            return []
        self._unreachable = False
        found = []
        for path in paths:
            with contextlib.suppress(OSError):  # gone again
                found.append((path, path.lstat()))
        return [(path, its) for path, its in found if not stat.S_ISDIR(its.st_mode)]

    def _score(self, path: Path, report: Report) -> Manifest:
        spec, source = self._spec(report), LocalInput.at(path)
        try:
            result = score(
                source, spec, self.runs, self.engine,
                retry_failed=True, notices=self.notices, tell=self.tell,
            )  # fmt: skip
        except WrongFile as error:
            record_failure(
                source.name, source.identity, source.address, spec, self.runs, error,
                replace=True, notices=self.notices,
            )  # fmt: skip
            raise
        return result.manifest

    def _spec(self, report: Report) -> ScoringSpec:
        """What a file is scored with: for each file anew, for the alias may have moved."""
        loaded, options = self.live_model.latest(), self.options
        if self.challenger is not None:
            self._challengers = self._challengers or Challengers(
                self.live_model.store, self.challenger, report
            )
            options = replace(options, challenger=self._challengers.challenger_for(loaded.version))
        return ScoringSpec(loaded.model, loaded.version, options, self.periods, self.index_key)
