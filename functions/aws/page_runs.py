"""What the batch function shows of a run that somebody waits for, and whether he still does.

Files that came by the page, or as a job, lie in a folder of their own below `page/`. While one is
scored, `running.json` in the folder of its run says how far; it is written every few seconds and
goes at the end. `deleted.json` in the folder of the job says that nobody wants the results.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from model_store import CustomerClustersError
from model_store.storage.base import Storage
from pipeline.runs.objects import Skipped
from pipeline.runs.store import RunKey, as_json

PAGE = "page"
"""The folder below the input's prefix, and then below the results, of what somebody waits for."""
RUNNING, DELETED = "running.json", "deleted.json"
EVERY_SECONDS = 5.0
"""So often is written how far a run is."""
STALE_SECONDS = 120.0
"""A run of which nothing was written for so long has died, and waits to be delivered again."""


class Unwanted(Skipped):
    """Raised when nobody wants the results of an input any more."""

    code = "unwanted"

    def __init__(self, reason: str = "its job was deleted") -> None:
        super().__init__(reason)


def refuse_deleted(files: Storage, name: str) -> None:
    """Raise Unwanted where nobody wants the results of an input any more.

    Args:
        files: What lies below all results.
        name: What the results of the input are named after.
    """
    if (job := _job_of(name)) is not None and files.exists(f"{job}/{DELETED}"):
        raise Unwanted


class PageRun:
    """A run that is under way; of one that nobody waits for it does nothing."""

    def __init__(
        self, files: Storage, key: RunKey, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing is written yet.

        Args:
            files: What lies below all results.
            key: Which run.
            clock: What time it is.
        """
        self._files, self._key, self._clock = files, key, clock
        self._awaited = _job_of(key.name) is not None
        self._rows, self._written = 0, float("-inf")

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for it."""
        return self._awaited

    def reached(self, rows: int) -> None:
        """Write down how many rows were read, every few seconds.

        Raises:
            Unwanted: Nobody wants the results any more.
        """
        self._rows = rows
        self.check()

    def check(self) -> None:
        """Do the same without further rows."""
        if not self._awaited or self._clock() - self._written < EVERY_SECONDS:
            return
        self._written = self._clock()
        try:
            refuse_deleted(self._files, self._key.name)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._files.replace(self._name, as_json({"rows": self._rows, "time": now}))
        except Skipped:
            raise
        except CustomerClustersError:  # no run fails for want of a word about it
            return

    def end(self) -> None:
        """Remove what was written."""
        if self._awaited:
            with suppress(CustomerClustersError):
                self._files.delete(self._name)

    @property
    def _name(self) -> str:
        return f"{self._key.folder}/{RUNNING}"


def _job_of(name: str) -> str | None:
    """The folder of the job that an input came by; None for one that nobody waits for."""
    parts = name.split("/", 2)
    return "/".join(parts[:2]) if parts[0] == PAGE and len(parts) == 3 else None
