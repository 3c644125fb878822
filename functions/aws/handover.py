"""Large files, handed to a job on Spark: one job a run, whose state can be seen beside its results.

`pending.json` is there from the moment a job may exist, and gone when the run is done or failed.
Its token makes a start that was cut off and is tried again the same start.
"""

import contextlib
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions.aws.emr import State
from functions.aws.events import ObjectRef
from functions.aws.job_arguments import Order
from functions.aws.lease import claimed
from functions.aws.objects import Found, Unscorable
from functions.aws.runs import Outcome, Place, find_done, record_failure, run_folder
from model_store import Denied, NotFound
from model_store.storage.s3 import S3Storage
from pipeline.runs.jobs import Job

PENDING = "pending.json"


class Engine(Protocol):
    """What runs jobs; `functions.aws.emr.EmrServerless` does."""

    def start(self, name: str, token: str, arguments: Sequence[str]) -> str: ...
    def state(self, job_run: str) -> State: ...
    def arguments(self, job_run: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Handover:
    """Files above a size go to an engine."""

    engine: Engine
    threshold_bytes: int
    store: str
    """The address of the model store, for the job."""
    results: str
    """The address of the results, for the job."""

    def takes(self, opened: Found) -> bool:
        return opened.size > self.threshold_bytes

    def hand_over(self, opened: Found, place: Place, job: Job) -> Outcome:
        """Start a job for an object, or say how the one that was started is doing.

        Held when another call is starting it, Temporary when the engine does not answer.
        """
        run = run_folder(opened.source.name, opened.identity, job)
        try:
            return self._looked_after(run, place) or self._started(run, opened, place, job)
        except Unscorable as why:
            outcome = record_failure(opened.source, place, job, why)
            place.results.delete(f"{run}/{PENDING}")
            return outcome

    def arrival(self, job_run: str) -> ObjectRef:
        """The object that a job was started for, as if it had just arrived."""
        source = Order.from_arguments(self.engine.arguments(job_run)).source
        return ObjectRef(source.bucket, source.key, source.version, source.etag)

    def _looked_after(self, run: str, place: Place) -> Outcome | None:
        if done := find_done(run, place.results):
            return done
        document = pending(run, place.results)
        if document is None or "job_run" not in document:
            return None
        state = self.engine.state(document["job_run"])
        if not state.ended:
            return Outcome(run, {**document, "state": state.name}, new=False, pending=True)
        if done := find_done(run, place.results):  # it ended between two looks
            return done
        told = f"job run {document['job_run']} ended as {state.name} without results"
        details = " ".join(state.details.split())
        reason = f"{told}: {details}" if details else told
        raise Unscorable("spark_failed", reason, document["input"]["identity"])

    def _started(self, run: str, opened: Found, place: Place, job: Job) -> Outcome:
        with claimed(place.results, run, place.lease_seconds, place.clock):
            if found := self._looked_after(run, place):
                return found
            document = pending(run, place.results)
            if document is None:
                document = _document(run, opened, place, job)
                place.results.create(f"{run}/{PENDING}", _written(document))
            order = Order.of(opened, job, self.store, self.results)
            try:
                job_run = self.engine.start(run, document["token"], order.arguments)
            except Denied as error:
                raise Unscorable("not_started", str(error), opened.identity) from error
            document |= {"state": "SUBMITTED", "job_run": job_run}
            place.results.replace(f"{run}/{PENDING}", _written(document))
        return Outcome(run, document, new=True, pending=True)


def ended_job(event: object) -> str | None:
    """The job of which EventBridge tells that it failed or was cancelled; None in other events."""
    if not isinstance(event, Mapping) or event.get("source") != "aws.emr-serverless":
        return None
    detail = event.get("detail")
    found = detail.get("jobRunId") if isinstance(detail, Mapping) else None
    return str(found) if found else None


def pending(run: str, results: S3Storage) -> dict[str, Any] | None:
    """What is known of a run's job; None when there is none."""
    with contextlib.suppress(NotFound):
        found: dict[str, Any] = json.loads(results.read(f"{run}/{PENDING}"))
        return found
    return None


def _document(run: str, opened: Found, place: Place, job: Job) -> dict[str, Any]:
    # another one after each failure, or a second attempt would find the first one's job
    token = hashlib.sha256(f"{run} {uuid.uuid4().hex}".encode()).hexdigest()
    return {
        "state": "STARTING",
        "token": token,
        "input": {
            "name": opened.source.name,
            "identity": opened.identity,
            "bytes": opened.size,
        },
        "model_version": job.version,
        "time": place.clock().isoformat(timespec="seconds"),
    }


def _written(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
