"""The thread that scores the jobs of this process, one after the other."""

import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from functions import logs
from functions.http.problems import ProblemError, to_problem
from functions.live_model import LoadedModel
from functions.logs import Log
from functions.telemetry import Span
from functions.telemetry.figures import JOBS, JOBS_RUNNING, JOBS_WAITING
from functions.uploads.jobs.folders import (
    INPUT,
    RUN,
    Interrupted,
    JobFolders,
    JobGone,
    JobHold,
    now,
)
from functions.uploads.jobs.notices import JobNotices
from functions.uploads.local_uploads import LocalUploads
from functions.uploads.results import RECORD, RUN_BYTES
from functions.uploads.scoring import Bounds, score_upload
from functions.uploads.upload import Upload
from model_store import CustomerClustersError, Temporary
from pipeline.runs.notices import Notices
from pipeline.runs.store import failure
from pipeline.scoring.process.isolated import isolated

JOB_SECONDS = 300.0
"""How long a job may be scored; nobody waits for it on a page."""
_IDLE_SECONDS = 60.0
"""So often is looked at what waits to be told, and at what is too old."""
_STOP_SECONDS = 10.0
_REPORTED_SECONDS = 0.5
"""So often at most is written down how far a job is."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that waits in this process."""

    hold: JobHold
    upload: Upload
    loaded: LoadedModel
    """The model that answered when it came."""
    request_id: str
    trace: Mapping[str, str] = field(default_factory=dict)
    """What it is a part of, for who looks at traces."""


class JobWorker:
    """Scores jobs; the thread starts with the first one."""

    def __init__(
        self,
        uploads: LocalUploads,
        folders: JobFolders,
        make_notices: Callable[[], Notices],
        log: Log,
    ) -> None:
        self._uploads, self._folders, self._log = uploads, folders, log
        self._telemetry = uploads.telemetry
        self._make_notices = make_notices
        self._queue: queue.Queue[QueuedJob | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopped = threading.Event()

    def put(self, job: QueuedJob) -> None:
        """Score a job after those before it."""
        self._telemetry.record(JOBS_WAITING)
        self._queue.put(job)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the job that runs and those that wait: whoever asks for them is told so."""
        self._stopped.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while True:
            try:
                job = self._queue.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                self._uploads.results.sweep()
                self._notices.deliver()
                continue
            if job is None:
                return
            self._telemetry.record(JOBS_WAITING, -1)
            self._telemetry.record(JOBS_RUNNING)
            try:
                with self._telemetry.span("job", parent=job.trace) as span:
                    self._finish(job, span)
            except Exception as error:  # such as of a full disk: the next one comes all the same
                self._log({"level": "error", "message": "job", "error": logs.where(error)})
            finally:
                self._telemetry.record(JOBS_RUNNING, -1)

    def _finish(self, job: QueuedJob, span: Span) -> None:
        """Score a job, and write down what became of it."""
        started, hold = time.monotonic(), job.hold
        try:
            facts = self._scored(job)
        except Interrupted:
            hold.drop_file()
            facts = {"state": "interrupted"}
        except Exception as error:  # whatever a file does, the next one comes
            facts = self._failed(job, error)
        finally:
            hold.release()
        seconds = round(time.monotonic() - started, 3)
        self._log({
            "level": "error" if "error" in facts else "info",
            "message": "job",
            "request_id": job.request_id,
            "model_version": job.loaded.version,
            "seconds": seconds,
            **facts,
        })  # fmt: skip
        self._telemetry.record(JOBS, state=facts["state"])
        span.tell({"customer_clusters.job.state": facts["state"]})
        if "code" in facts:
            span.fail(facts["code"])

    def _scored(self, job: QueuedJob) -> dict[str, Any]:
        hold, results = job.hold, self._uploads.results
        with self._uploads.scoring.waited_for(lambda: self._check(hold)):
            self._check(hold)
            hold.reached(0)
            run = hold.folder / RUN
            run.mkdir(mode=0o700)
            bounds = Bounds(JOB_SECONDS, RUN_BYTES, lambda: False, self._progress(hold))
            score_upload(
                hold.folder / INPUT, job.upload, run, job.loaded, isolated(), bounds,
                self._telemetry, "job",
            )  # fmt: skip
        hold.check()
        shutil.copyfile(hold.folder / RECORD, run / RECORD)
        with self._notices.of_commit(hold.id, run) as rows:
            results.keep(run, hold.id)
        if not self._folders.remove(hold.id):
            results.remove(hold.id)
            raise JobGone
        return {"state": "succeeded", **rows}

    def _failed(self, job: QueuedJob, error: Exception) -> dict[str, Any]:
        """Write down why a job has failed; what the log says of it."""
        hold = job.hold
        if isinstance(error, JobGone) or not hold.is_there:
            return {"state": "deleted"}
        problem = _problem(error)
        known = _document(job, error)
        document = known | {
            "status": problem.status,
            "code": problem.code,
            "reason": problem.detail,
            "time": now(),
        }
        with self._notices.of_failure(hold.id, known, error):
            self._folders.fail(hold, document)
        facts: dict[str, Any] = {"state": "failed", "code": problem.code}
        if problem.code == "internal_error":
            facts["error"] = logs.where(error)
        return facts

    def _check(self, hold: JobHold) -> None:
        if self._stopped.is_set():
            raise Interrupted
        hold.check()

    def _progress(self, hold: JobHold) -> Callable[[int], None]:
        reported = time.monotonic()

        def report(rows: int) -> None:
            nonlocal reported
            self._check(hold)
            if time.monotonic() - reported >= _REPORTED_SECONDS:
                reported = time.monotonic()
                hold.reached(rows)

        return report

    @cached_property
    def _notices(self) -> JobNotices:
        results = self._uploads.results
        return JobNotices(
            results, self._make_notices, self._uploads.settings.base_address, self._log
        )


def _problem(error: Exception) -> ProblemError:
    if isinstance(error, Temporary):
        return ProblemError(503, str(error), code="storage_unavailable")
    return to_problem(error)


def _document(job: QueuedJob, error: Exception) -> dict[str, Any]:
    """What `failed.json` of any run says, as far as it holds here."""
    name, version = job.upload.name, job.loaded.version
    if isinstance(error, CustomerClustersError):
        return {**failure(name, job.hold.id, version, error)}
    return {"input": {"name": name}, "model_version": version, "error": type(error).__name__}
