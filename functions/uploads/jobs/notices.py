"""Who is told of the jobs of this machine: the same as of runs, where the settings name somebody.

A notice waits beside the results, and so for as long as these are kept.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from functions.logs import Log
from functions.uploads.jobs.answers import JOBS_PATH
from functions.uploads.results import Results, outputs_here
from functions.uploads.scoring import summary_of
from model_store import CustomerClustersError, FolderStorage
from pipeline.errors import WrongFile
from pipeline.runs.notices import SILENT, Beside, Notice, Notices
from pipeline.runs.notices.notice import committed_notice, refused_notice
from pipeline.runs.store import MANIFEST
from pipeline.scoring.documents import Failure, Manifest


class JobNotices:
    """Tells of jobs that have ended."""

    def __init__(self, results: Results, make: Callable[[], Notices], base: str, log: Log) -> None:
        """Who is told.

        Args:
            results: What jobs come to.
            make: Makes who is told, of the settings.
            base: What stands before our paths: an address, or the path of a proxy.
            log: Hears where the settings cannot be used.
        """
        self._results, self._address = results, f"{base}{JOBS_PATH}"
        try:
            self._notices = make()
        except CustomerClustersError as error:
            log({"level": "error", "message": f"nobody is told of jobs: {error}"})
            self._notices = SILENT

    @contextmanager
    def of_commit(self, job: str, run: Path) -> Iterator[dict[str, int]]:
        """Around the moment in which the results of a job can be had; its rows, for the log.

        Args:
            job: Its id.
            run: The folder of the results.
        """
        manifest: Manifest = outputs_here(json.loads((run / MANIFEST).read_bytes()))

        def make(now: datetime) -> Notice:
            summary, rule = summary_of(run, manifest), self._notices.rule
            return committed_notice(manifest, summary, job, self._address, rule, now)

        with self._around(make):
            yield {
                "rows_in": manifest["rows_in"],
                "rows_assigned": manifest["rows_assigned"],
                "rows_rejected": manifest["rows_rejected"],
            }

    @contextmanager
    def of_failure(self, job: str, document: Mapping[str, Any], error: Exception) -> Iterator[None]:
        """Around the moment in which a job fails; of one that the file is to blame for.

        Args:
            job: Its id.
            document: What `failed.json` of any run would say.
            error: Why it failed.
        """
        if not isinstance(error, WrongFile):
            yield
            return

        def make(now: datetime) -> Notice:
            said = cast(Failure, document)
            return refused_notice(said, job, self._address, now, reason="the job's problem")

        with self._around(make):
            yield

    def deliver(self) -> None:
        """Send what waits, as far as it is due."""
        if self._notices.active and (root := self._results.root) is not None:
            self._notices.deliver_quietly(Beside(FolderStorage(root)))

    @contextmanager
    def _around(self, make: Callable[[datetime], Notice]) -> Iterator[None]:
        root = self._results.root
        if root is None or not self._notices.active:
            yield
            return
        place = Beside(FolderStorage(root))
        with self._notices.around(place, lambda: make(self._notices.clock())):
            yield
