"""Jobs that have not ended, on disk: what all processes of a machine know of them.

Each is a folder with the file, what was said of it, how many rows were read, and a lock that the
process holds which is to score it. The kernel gives a lock back when its process dies, so whoever
finds one free knows that nobody will end this job, and writes that down.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from functions.http.problems import ProblemError
from functions.uploads.disk import most_bytes
from functions.uploads.results import JOBS, RECORD, Results
from model_store import Temporary
from model_store.errors import reason_of
from pipeline.runs.store import FAILED
from pipeline.scoring.writing.outputs import write_json

MOST_JOBS = 32
"""So many of a machine may wait or run."""
MOST_BYTES = 128 << 20
"""How many bytes their files may have together."""
INPUT = "input"
"""The file of a job."""
RUN = "run"
"""The folder of what is scored of it."""
_PROGRESS, _LOCK = "progress.json", "lock"
_RETRY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What is known of a job from its beginning."""

    name: str
    """What the client calls the file."""
    model_version: str
    created_at: str
    """ISO 8601, UTC."""
    model_name: str = ""
    """Of the model, where the address of the job names one."""
    digest: str = ""
    """Of the file and of what was said of it, where the client will ask again."""

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """That in a folder; None where there is none."""
        try:
            return cls(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A job that waits or runs."""

    record: JobRecord
    rows: int | None
    """Read so far; None while it waits."""


class JobGone(Exception):
    """Raised in the process that scores a job which somebody has deleted."""


class Interrupted(Exception):
    """Raised in the process that scores a job, when that process is told to end."""


@dataclass(frozen=True, slots=True)
class JobHold:
    """A job of this process, which holds its lock."""

    id: str
    folder: Path
    record: JobRecord
    lock: int

    @property
    def is_there(self) -> bool:
        """Whether the folder is still that of this job, and not of one sent since by its key."""
        return _is_of(self.lock, self.folder)

    def check(self) -> None:
        """Raise JobGone where somebody has deleted it."""
        if not self.is_there:
            raise JobGone

    def reached(self, rows: int) -> None:
        """Write down how many rows were read; JobGone as `check`."""
        self.check()
        aside = self.folder / f"{_PROGRESS}.new"
        try:
            aside.write_text(json.dumps({"rows": rows}), encoding="utf-8")
            aside.replace(self.folder / _PROGRESS)
        except FileNotFoundError:
            raise JobGone from None

    def drop_file(self) -> None:
        """Remove the file: it will not be scored."""
        if self.is_there:
            (self.folder / INPUT).unlink(missing_ok=True)

    def release(self) -> None:
        """Give the lock back: the job has ended, or never will."""
        os.close(self.lock)


class JobFolders:
    """The jobs of a machine that have not ended."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def refuse_if_full(self) -> None:
        """Raise ProblemError where no further job may wait; write down which ones have died."""
        size = count = 0
        for job in self._ids():
            if self.find(job) is not None:
                with contextlib.suppress(OSError):
                    size += (self._root / job / INPUT).stat().st_size
                    count += 1
        if count >= MOST_JOBS or size > most_bytes(MOST_BYTES):
            words = f"{count:,} jobs are waiting, and no more may; try again later"
            after = {"Retry-After": str(_RETRY_SECONDS)}
            raise ProblemError(503, words, code="busy", headers=after)

    def add(self, job: str, file: Path, record: JobRecord) -> JobHold | None:
        """Have a job wait; None where there is one of this id already.

        Args:
            job: Its id.
            file: Its file, in a folder that is aside.
            record: What is known of it.

        Raises:
            Temporary: The disk does not take it.
        """
        made = file.parent / "job"
        try:
            made.mkdir(mode=0o700)
            file.rename(made / INPUT)
            write_json(made / RECORD, asdict(record))
            lock = os.open(made / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                made.rename(self._results.shared(JOBS) / job)
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return None
            reason = reason_of(error)
            raise Temporary("write", "the folder for jobs", reason) from error
        return JobHold(job, self._root / job, record, lock)

    def find(self, job: str) -> Unfinished | None:
        """A job that has not ended; None where there is none. One that has died ends now."""
        if not Results.is_id(job) or self._results.root is None:
            return None
        folder = self._root / job
        record = JobRecord.read(folder)
        if record is None:
            return None
        if self._bury_if_dead(job, folder, record):
            return None
        return Unfinished(record, _rows(folder))

    def remove(self, job: str) -> bool:
        """Remove a job, be it waiting or running; whether there was one."""
        if not Results.is_id(job) or self._results.root is None:
            return False
        away = self._root / f".{secrets.token_hex(16)}"
        try:
            (self._root / job).rename(away)  # whoever scores it notices
        except OSError:
            return False
        shutil.rmtree(away, ignore_errors=True)
        return True

    def fail(self, hold: JobHold, document: dict[str, Any]) -> None:
        """End a job for good by what `failed.json` is to say."""
        self._end_badly(hold.id, hold.folder, document)

    def sweep(self) -> None:
        """Write down which jobs have died."""
        for job in self._ids():
            self.find(job)

    @property
    def _root(self) -> Path:
        return (self._results.root or Path()) / JOBS

    def _ids(self) -> Iterator[str]:
        if self._results.root is None:
            return
        with contextlib.suppress(OSError):
            yield from (each.name for each in self._root.iterdir() if Results.is_id(each.name))

    def _bury_if_dead(self, job: str, folder: Path, record: JobRecord) -> bool:
        """End a job whose process has died; whether it had."""
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:  # it ends this moment
            return not folder.exists()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_of(lock, folder):  # it has ended since
                return True
            self._end_badly(job, folder, interrupted(record))
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(lock)

    def _end_badly(self, job: str, folder: Path, document: dict[str, Any]) -> None:
        failed = folder / "failed"
        try:
            # what nobody will read makes room for why, should the disk be full
            (folder / INPUT).unlink(missing_ok=True)
            shutil.rmtree(folder / RUN, ignore_errors=True)
            failed.mkdir(mode=0o700, exist_ok=True)
            write_json(failed / FAILED, document)
            shutil.copyfile(folder / RECORD, failed / RECORD)
            self._results.keep(failed, job)
        except FileNotFoundError:
            return  # it was deleted meanwhile
        except OSError:  # there is something under this id already, or no room for a word
            pass
        if not self.remove(job):
            self._results.remove(job)


def interrupted(record: JobRecord) -> dict[str, Any]:
    """What `failed.json` says of a job whose process has ended before it."""
    return {
        "input": {"name": record.name},
        "model_version": record.model_version,
        "status": 503,
        "code": "interrupted",
        "reason": "the server ended before the file was scored; send it again",
        "time": now(),
    }


def now() -> str:
    """The time as answers have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_of(lock: int, folder: Path) -> bool:
    """Whether an open lock is that of a folder: another one may have the name of the first."""
    try:
        return os.path.samestat(os.fstat(lock), (folder / _LOCK).stat())
    except OSError:
        return False


def _rows(folder: Path) -> int | None:
    try:
        return int(json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))["rows"])
    except OSError:
        return None
