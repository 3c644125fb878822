"""Large files, handed to a job on Spark: one job a run, whose state can be seen beside its results.

`pending.json` is there from the moment a job may exist, and gone when the run is done or failed.
Its token makes every start of the same run the same start, however many workers try it.
"""

import contextlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Protocol, Self

from functions.aws.emr import EmrServerless, State
from functions.aws.job_arguments import JobArguments
from functions.settings import SparkSettings
from model_store import Conflict, CustomerClustersError, Denied, NotFound, Temporary
from pipeline.runs import RunKey, RunResult, key_of, record_failure
from pipeline.runs.notices import SILENT, Notices
from pipeline.runs.objects import ObjectInput, ObjectRef
from pipeline.runs.s3 import S3Runs
from pipeline.runs.store import PendingJob, as_json
from pipeline.scoring.spec import ScoringSpec

PENDING = "pending.json"


class JobFailed(CustomerClustersError):
    """Raised when a job ended without results; another attempt would likely end the same."""

    code = "spark_failed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class JobNotStarted(CustomerClustersError):
    """Raised when a job may never be started as the settings say."""

    code = "not_started"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class PartsFailed(CustomerClustersError):
    """Raised when the parts of a run cannot be put together, whatever is tried."""

    code = "parts_failed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class JobService(Protocol):
    """What runs jobs; `functions.aws.emr.EmrServerless` does."""

    def start(self, name: str, token: str, arguments: Sequence[str]) -> str:
        """Start a job, once for each token, and return its id."""
        ...

    def state(self, job_run: str) -> State:
        """Where a job is."""
        ...

    def arguments(self, job_run: str) -> list[str]:
        """What a job was started with."""
        ...


@dataclass(frozen=True, slots=True)
class Handover:
    """Files above a size go to a job."""

    jobs: JobService
    threshold_bytes: int
    store: str
    """The address of the model store, for the job."""

    @classmethod
    def of(cls, settings: SparkSettings | None, store: str) -> Self | None:
        """As the settings say, with the model store at an address; None where nothing is to go."""
        if settings is None:
            return None
        return cls(EmrServerless(settings), settings.threshold_bytes, store)

    def takes(self, source: ObjectInput, spec: ScoringSpec, runs: S3Runs) -> bool:
        """Whether an object is too large to be scored here, or was found to be."""
        if (source.ref.size or 0) > self.threshold_bytes:
            return True
        document = pending(key_of(source, spec), runs)
        return document is not None and "parts" not in document

    def hand_over(
        self, source: ObjectInput, spec: ScoringSpec, runs: S3Runs, notices: Notices = SILENT
    ) -> RunResult:
        """Start a job for an object, or say how the one that was started is doing.

        Args:
            source: The object.
            spec: What it is scored with.
            runs: Where results are and go.
            notices: Who is told of it: the job keeps its notice, and another call sends it.

        Raises:
            Temporary: The service does not answer.
        """
        key = key_of(source, spec)
        try:
            return self._state(key, runs) or self._start(key, source, spec, runs, notices)
        except (JobFailed, JobNotStarted) as error:
            result = record_failure(
                source.name, source.identity, source.address, spec, runs, error, notices=notices
            )
            runs.files.delete(f"{key.folder}/{PENDING}")
            return result

    def object_of(self, job_run: str) -> ObjectRef:
        """The object that a job was started for."""
        return JobArguments.from_list(self.jobs.arguments(job_run)).ref

    def _state(self, key: RunKey, runs: S3Runs) -> RunResult | None:
        """What is known of a run; None where no job was started for it yet."""
        document = pending(key, runs)
        if ended := runs.find(key):  # asked after it: what is pending no more has ended
            return ended
        if document is not None and "parts" in document:  # it is scored in parts
            return RunResult(key.folder, document, new=False, state="pending")
        if document is None or "job_run" not in document:
            return None
        state = self.jobs.state(document["job_run"])
        if not state.ended:
            document["state"] = state.name
            return RunResult(key.folder, document, new=False, state="pending")
        if ended := runs.find(key):  # it ended between two looks
            return ended
        reason = f"job run {document['job_run']} ended as {state.name} without results"
        details = " ".join(state.details.split())
        raise JobFailed(f"{reason}: {details}" if details else reason)

    def _start(
        self,
        key: RunKey,
        source: ObjectInput,
        spec: ScoringSpec,
        runs: S3Runs,
        notices: Notices,
    ) -> RunResult:
        document = _announced(key, source, spec, runs)
        if "job_run" in document:  # another worker has started it meanwhile
            return RunResult(key.folder, document, new=False, state="pending")
        arguments = JobArguments.of(source, spec, self.store, str(runs), notices)
        try:
            job_run = self.jobs.start(key.folder, document["token"], arguments.to_list())
        except Denied as error:
            raise JobNotStarted(str(error)) from error
        document["state"], document["job_run"] = "SUBMITTED", job_run
        runs.files.replace(f"{key.folder}/{PENDING}", as_json(document))
        return RunResult(key.folder, document, new=True, state="pending")


def ended_job(event: object) -> str | None:
    """The job of which EventBridge tells that it failed or was cancelled; None in other events."""
    if not isinstance(event, Mapping) or event.get("source") != "aws.emr-serverless":
        return None
    detail = event.get("detail")
    job_run = detail.get("jobRunId") if isinstance(detail, Mapping) else None
    return str(job_run) if job_run else None


def pending(key: RunKey, runs: S3Runs) -> PendingJob | None:
    """What is known of a run's job; None when there is none."""
    with contextlib.suppress(NotFound):
        document: PendingJob = json.loads(runs.files.read(f"{key.folder}/{PENDING}"))
        return document
    return None


def _announced(key: RunKey, source: ObjectInput, spec: ScoringSpec, runs: S3Runs) -> PendingJob:
    """The pending document: the one that is there, or a new one. All who try use its token."""
    # another token after each failure, or a second attempt would find the first one's job
    token = sha256(f"{key.folder} {uuid.uuid4().hex}".encode()).hexdigest()
    document: PendingJob = {
        "state": "STARTING",
        "token": token,
        "input": {"name": source.name, "identity": source.identity, "bytes": source.ref.size or 0},
        "model_version": spec.version,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        runs.files.create(f"{key.folder}/{PENDING}", as_json(document))
    except Conflict as error:  # an earlier attempt, or another worker
        announced = pending(key, runs)
        if announced is None:
            raise Temporary("start a job for", source.address, "another one just ended") from error
        return announced
    return document
