"""AWS Lambda's handler for files dropped into S3: told by S3 itself, by EventBridge, or by a queue.

What can never be scored is written to failed.json and is done. What may succeed later is raised,
so that the queue delivers it again, and in the end puts it where somebody looks.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from functions import logs
from functions.aws.deadline import remaining
from functions.aws.events import ObjectRef, UnknownEvent, object_refs, why_skipped
from functions.aws.handover import Handover, ended_job
from functions.aws.metrics import Measure, emf
from functions.aws.objects import Skipped, Source, Unscorable, safe_name
from functions.aws.retries import Hasten, hastening
from functions.aws.runs import Outcome, Place, record_failure, score_source
from functions.live_model import LiveModel
from functions.logs import Log
from functions.settings import BatchSettings, Settings
from model_store import CustomerClustersError, Temporary, open_store
from model_store.storage.s3 import S3Files
from pipeline.runs.challengers import Challengers
from pipeline.runs.jobs import Job
from pipeline.scoring import Options
from pipeline.scoring.process.isolated import isolated

LambdaHandler = Callable[[Any, Any], dict[str, Any]]


@dataclass(slots=True)
class Batch:
    """Scores what events tell of, with the model that answers now."""

    settings: BatchSettings
    place: Place
    live_model: LiveModel
    model_ttl_seconds: float = 60.0
    challengers: Challengers | None = None
    hasten: Hasten = lambda message: None
    """Called with a message of a queue that has to come again."""
    log: Log = logs.write
    measure: Measure = emf

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer an invocation; a queue is told which of its messages have to come again."""
        self.live_model.refresh_if_older(self.model_ttl_seconds, wait_for_first=True)
        call = _Call(self, replace(self.place, remaining=remaining(context)), _request_id(context))
        if not _is_queue(event):
            call.score_all(event)
            return {}
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer = process_partial_response(event, call.score_message, processor)
        return dict(answer)

    def job(self) -> Job:
        """What a file is scored with now."""
        loaded, second = self.live_model.current(), None
        if self.challengers is not None:
            second = self.challengers.beside(loaded.version)
        options = Options(reading=self.settings.reading, challenger=second)
        return Job(loaded.model, loaded.version, options)


@dataclass(frozen=True, slots=True)
class _Call:
    """One invocation."""

    batch: Batch
    place: Place
    request_id: str | None

    def score_message(self, record: SQSRecord) -> None:
        try:
            event = json.loads(record.body)
        except (ValueError, RecursionError) as error:
            event = error  # which is no event, and is told as that
        try:
            self.score_all(event)
        except Exception:
            self.batch.hasten(record)
            raise

    def score_all(self, event: object) -> None:
        """Score every object, and raise the first failure afterwards: nothing is left out for
        another's sake, and what is done is found done in the next delivery."""
        try:
            told = self._told(event)
        except UnknownEvent as error:
            self.batch.log({"level": "error", "message": str(error), "request_id": self.request_id})
            raise
        failures = []
        for arrival in told:
            try:
                self._answer(arrival)
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _told(self, event: object) -> list[ObjectRef]:
        """The objects to look at: those that arrived, or that of a job which did not end well."""
        handover, job_run = self.place.handover, ended_job(event)
        return [handover.arrival(job_run)] if handover and job_run else object_refs(event)

    def _answer(self, arrival: ObjectRef) -> None:
        settings = self.batch.settings
        if reason := why_skipped(arrival, settings.input, settings.output):
            self._log(arrival, "info", f"skipped: {reason}")
            return
        source = source_of(arrival, settings)
        started = time.monotonic()
        try:
            outcome = self._outcome(source, self.batch.job())
        except Skipped as reason:
            self._log(arrival, "info", f"skipped: {reason}")
        except Exception as error:
            self.batch.measure({"FilesGivenBack": 1})
            level = "warning" if isinstance(error, Temporary) else "error"
            self._log(arrival, level, "given back, to be delivered again", error=_told(error))
            raise
        else:
            self._tell(arrival, outcome, time.monotonic() - started)

    def _outcome(self, source: Source, job: Job) -> Outcome:
        try:
            return score_source(source, self.place, job, lambda rows: None)
        except Unscorable as why:
            return record_failure(source, self.place, job, why)

    def _tell(self, arrival: ObjectRef, outcome: Outcome, seconds: float) -> None:
        found = outcome.document
        if outcome.pending:
            message = "handed to Spark" if outcome.new else "Spark is at it"
            job_run, state = found["job_run"], found["state"]
            self._log(arrival, "info", message, run=outcome.run, job_run=job_run, state=state)
            if outcome.new:
                self.batch.measure({"FilesHandedToSpark": 1})
            return
        if outcome.failed:
            if outcome.new:
                self.batch.measure({"FilesFailed": 1})
            self._log(arrival, "error", "failed for good", run=outcome.run, code=found["code"])
            return
        rows = {name: found[name] for name in ("rows_in", "rows_assigned", "rows_rejected")}
        if outcome.new:
            self.batch.measure(
                {
                    "FilesScored": 1,
                    "RowsIn": rows["rows_in"],
                    "RowsAssigned": rows["rows_assigned"],
                    "RowsRejected": rows["rows_rejected"],
                    "ScoringSeconds": seconds,
                }
            )
        message = "scored" if outcome.new else "done before"
        version = found["model_version"]
        self._log(
            arrival, "info", message,
            run=outcome.run, model_version=version, seconds=round(seconds, 3), **rows,
        )  # fmt: skip

    def _log(self, arrival: ObjectRef, level: str, message: str, **facts: Any) -> None:
        told = {"object": arrival.address, "version": arrival.version}
        told |= {"sequencer": arrival.sequencer, "request_id": self.request_id}
        known = {name: value for name, value in told.items() if value is not None}
        self.batch.log({"level": level, "message": message, **known, **facts})


def source_of(arrival: ObjectRef, settings: BatchSettings) -> Source:
    """The object to be read, and the name that its results get."""
    name = safe_name(arrival.key.removeprefix(settings.input.folder))
    return Source(arrival.bucket, arrival.key, name, arrival.version, arrival.etag, arrival.size)


def _told(error: Exception) -> Any:
    """Our own errors name no customer's values; of others only the place is told."""
    return str(error) if isinstance(error, CustomerClustersError) else logs.where(error)


def _is_queue(event: object) -> bool:
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        return False
    return all(isinstance(it, dict) and it.get("eventSource") == "aws:sqs" for it in records)


def _request_id(context: Any) -> str | None:
    return getattr(context, "aws_request_id", None)


def _from_environment() -> LambdaHandler:
    settings = Settings.from_environment(os.environ)
    batch = BatchSettings.from_environment(os.environ)
    place = Place(
        S3Files.at(batch.output.below("results")),
        batch.max_input_bytes,
        batch.lease_seconds,
        batch.deadline_seconds,
        handover=_handover(batch, settings.store),
        engine=isolated(),
    )
    store = open_store(settings.store, settings.trusted_keys)
    challengers = None
    if batch.challenger is not None:
        challengers = Challengers(store, batch.challenger, _scored_without)
    live_model = LiveModel(store, settings.model)
    hasten = hastening(logs.write)
    return Batch(batch, place, live_model, settings.model_ttl_seconds, challengers, hasten=hasten)


def _scored_without(why: CustomerClustersError) -> None:
    logs.write({"level": "warning", "message": f"scored without a challenger: {why}"})


def _handover(batch: BatchSettings, store: str) -> Handover | None:
    """What takes large files, where the settings name it."""
    if batch.spark is None:
        return None
    from functions.aws.emr import EmrServerless

    results = str(batch.output.below("results"))
    return Handover(EmrServerless(batch.spark), batch.spark.threshold_bytes, store, results)


def __getattr__(name: str) -> Any:
    if name == "handler":
        globals()["handler"] = made = _from_environment()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
