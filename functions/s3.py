"""AWS Lambda's handler for files dropped into S3: told by S3 itself, by EventBridge, or by a queue.

What can never be scored is written to failed.json and is done. What may succeed later is raised,
so that the queue delivers it again, and in the end puts it where somebody looks.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from functions import logs
from functions.aws.attempt import Attempt
from functions.aws.deadline import Deadline
from functions.aws.events import UnknownEvent, asks_for_notices, object_refs, why_skipped
from functions.aws.handover import Handover, ended_job
from functions.aws.job_arguments import JobArguments
from functions.aws.metrics import FUNCTION, Measure, emf
from functions.aws.page_runs import PageRun, refuse_deleted
from functions.aws.parts.plan import PartCall
from functions.aws.parts.queue import PartOrder
from functions.aws.parts.start import fan_out_from
from functions.aws.prefix_options import WrongOptions, settings_for
from functions.aws.queue import Message, Redelivery, handle_each, messages_of, redelivery
from functions.aws.reports import Reporter
from functions.aws.telemetry import flushed, function_telemetry, measured, traced
from functions.live_model import LiveModel
from functions.live_models import LiveModels, naming
from functions.logs import Log
from functions.notices import logged, notices_from
from functions.settings import BatchSettings, Settings
from model_store import CustomerClustersError, Temporary, WrongArtifact
from pipeline.errors import WrongFile
from pipeline.runs import Engine, RunResult, WholeFile, record_failure, score
from pipeline.runs.challengers import Challengers, load_challenger
from pipeline.runs.notices import SILENT, Notices
from pipeline.runs.objects import ObjectInput, ObjectRef, Skipped, open_object, safe_name
from pipeline.runs.s3 import S3Runs
from pipeline.runs.score import key_of
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern
from pipeline.scoring.process.isolated import isolated
from pipeline.scoring.spec import Explaining, Options, ScoringSpec

if TYPE_CHECKING:  # it brings numpy and pyarrow
    from functions.aws.parts.fan_out import FanOut

LambdaHandler = Callable[[Any, Any], dict[str, Any]]


@dataclass(slots=True)
class Batch:
    """Scores the objects that events name, with the model that answers now."""

    settings: BatchSettings
    runs: S3Runs
    live_model: LiveModel
    engine: Engine = field(default_factory=WholeFile)
    """What scores a file that fits here."""
    handover: Handover | None = None
    """What takes the files that are too large for this process."""
    in_parts: "FanOut | None" = None
    """What has large files scored in parts."""
    model_ttl_seconds: float = 60.0
    challengers: Challengers | None = None
    periods: PeriodPattern = DEFAULT_PERIODS
    """How a name says to which period its file belongs."""
    index_key: str = ""
    """What ids are hashed with in the index of a run; empty: runs get none."""
    redeliver: Redelivery = lambda message: None
    """Called with a message of a queue that has to come again."""
    log: Log = logs.write
    measure: Measure = field(default_factory=lambda: emf("batch"))
    notices: Notices = SILENT
    """Who is told of runs."""
    models: LiveModels | None = None
    """All models: the files below a folder with the name of one are scored with that one."""
    _by_name: dict[str, "Batch"] = field(default_factory=dict)

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer an invocation; a queue is told which of its messages have to come again.

        What earlier ones could not tell is sent at the end, or when a schedule asks for it.
        """
        if asks_for_notices(event):
            self.notices.deliver_quietly(self.runs)
            return {}
        deadline = Deadline.of(context, self.settings.deadline_seconds)
        call = _Call(self, deadline, getattr(context, "aws_request_id", None))
        messages = messages_of(event)
        try:
            if messages is None:
                call.score_all(event)
                return {}
            return handle_each(messages, call.score_message)
        finally:
            if self.notices.active and deadline.remaining() >= deadline.margin:
                self.notices.deliver_quietly(self.runs)

    def score(self, ref: ObjectRef, deadline: Deadline) -> None:
        """Score an object that somebody has found in a listing, as if an event told of it.

        What it raises is logged, and says that the object has to be tried again.
        """
        _Call(self, deadline, None)._score(ref)

    def of(self, ref: ObjectRef) -> "Batch":
        """What scores an object: this, or the same with the model that its folder is named after.

        The model is looked at, and loaded where it is not yet.

        Raises:
            NoLiveModel: There is none now, of a model that has a name.
        """
        folder, below, _ = ref.key.removeprefix(self.settings.input.folder).partition("/")
        models = self.models
        name = folder if models and below and folder in models.names else None
        if models is None or name is None:
            self.live_model.refresh_if_older(self.model_ttl_seconds, wait_for_first=True)
            return self
        live_model = models.look(name, self.model_ttl_seconds)
        live_model.current()
        if name not in self._by_name:
            self._by_name[name] = self._with(name, live_model)
        return self._by_name[name]

    def _with(self, name: str, live_model: LiveModel) -> "Batch":
        challengers, handover, in_parts = self.challengers, self.handover, self.in_parts
        if challengers is not None:
            challengers = Challengers(live_model.store, challengers.reference, challengers.tell)
        if handover is not None:
            handover = replace(handover, store=live_model.address)
        if in_parts is not None:
            in_parts = replace(in_parts, store=live_model.address)
        return replace(
            self, live_model=live_model, challengers=challengers, handover=handover,
            in_parts=in_parts, log=naming(name, self.log),
        )  # fmt: skip

    def spec(self, settings: BatchSettings | None = None) -> ScoringSpec:
        """What a file is scored with now, by the settings for it."""
        loaded, challenger = self.live_model.current(), None
        if self.challengers is not None:
            challenger = self.challengers.challenger_for(loaded.version)
        settings = settings or self.settings
        options = Options(
            settings.format,
            settings.max_rejected_share,
            settings.reading,
            settings.safe_csv,
            challenger=challenger,
            explaining=Explaining(settings.why, settings.sentences, settings.what_if),
            as_of=settings.as_of,
        )
        return ScoringSpec(loaded.model, loaded.version, options, self.periods, self.index_key)

    def planned_spec(self, arguments: JobArguments) -> ScoringSpec:
        """What a run is scored with that was planned before, maybe with another model."""
        loaded, challenger = self.live_model.of_version(arguments.model), None
        if arguments.challenger is not None:
            store = self.live_model.store
            challenger = load_challenger(store, arguments.challenger, loaded.version)
        options = replace(arguments.options, challenger=challenger)
        return ScoringSpec(loaded.model, loaded.version, options, arguments.periods, self.index_key)


@dataclass(frozen=True, slots=True)
class _Call:
    """One invocation."""

    batch: Batch
    deadline: Deadline
    request_id: str | None
    message_id: str | None = None
    """Of the message of a queue that is looked at."""
    deliveries: int = 1

    def score_message(self, message: Message) -> None:
        try:
            event = json.loads(message.body)
        except (ValueError, RecursionError) as error:
            event = error  # which is no event, and is refused as that
        try:
            named = replace(
                self, message_id=message.record["messageId"], deliveries=message.deliveries
            )
            if (order := PartOrder.from_event(event)) is not None:
                named._score_part(order)
            else:
                named.score_all(event)
        except Exception:
            self.batch.redeliver(message)
            raise

    def score_all(self, event: object) -> None:
        """Score every object, and raise the first failure afterwards.

        Nothing is left out for another's sake, and what is done is found done in the next delivery.
        """
        try:
            refs = self._objects(event)
        except UnknownEvent as error:
            self.batch.log({"level": "error", "message": str(error), **self._ids()})
            raise
        failures = []
        for ref in refs:
            try:
                self._score(ref)
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _objects(self, event: object) -> list[ObjectRef]:
        """The objects to look at: those that arrived, or that of a job which did not end well."""
        handover, job_run = self.batch.handover, ended_job(event)
        return [handover.object_of(job_run)] if handover and job_run else object_refs(event)

    def _score(self, ref: ObjectRef) -> None:
        settings = self.batch.settings
        if reason := why_skipped(ref, settings.input, settings.output):
            self._log(ref, "info", f"skipped: {reason}")
            return
        started, call = time.monotonic(), self
        try:
            self.deadline.check(ref.address)
            call = replace(self, batch=self.batch.of(ref))
            result = call._result(ref)
        except Skipped as reason:
            call._log(ref, "info", f"skipped: {reason}")
        except Exception as error:
            call._reporter(ref).given_back(error)
            raise
        else:
            call._reporter(ref).report(result, time.monotonic() - started)

    def _score_part(self, order: PartOrder) -> None:
        """Score a part of a large file; who scores the last one concludes its run."""
        started, call, ref = time.monotonic(), self, order.ref
        try:
            self.deadline.check(order.run)
            call = replace(self, batch=self.batch.of(ref))
            if (fan_out := call.batch.in_parts) is None:
                raise Temporary("score a part of", order.run, "no files are scored in parts now")
            result = fan_out.score_part(order, call._for_parts(ref))
        except Exception as error:  # one of many parts may stumble once
            call._reporter(ref).given_back(error, counts=self.deliveries > 1)
            raise
        call._reporter(ref).report(result, time.monotonic() - started, order.run)

    def _for_parts(self, ref: ObjectRef) -> PartCall:
        batch = self.batch
        tell = partial(self._log, ref, "warning")
        return PartCall(batch.runs, batch.planned_spec, self.deadline, batch.notices, tell)

    def _result(self, ref: ObjectRef) -> RunResult:
        """Score an object by the options beside it; where they are wrong, write that down."""
        batch = self.batch
        refuse_deleted(batch.runs.files, result_name(ref, batch.settings))
        try:
            spec = batch.spec(settings_for(batch.runs.files.client, ref, batch.settings))
        except WrongOptions as error:  # other options will be another run
            identity = ref.identity and f"{ref.identity}&options={error.etag}"
            return self._refused(ref, identity, batch.spec(), error)
        return self._scored(ref, spec)

    def _scored(self, ref: ObjectRef, spec: ScoringSpec) -> RunResult:
        """Score an object here, or hand it over; or write down why it can never be scored."""
        batch, name, identity = self.batch, result_name(ref, self.batch.settings), ref.identity
        try:
            most = batch.settings.max_input_bytes
            with open_object(batch.runs.files.client, ref, name, most) as source:
                identity = source.identity
                elsewhere = self._elsewhere(ref, source, spec)
                return elsewhere or self._attempted(ref, source, spec)
        except (WrongFile, WrongArtifact) as error:
            return self._refused(ref, identity, spec, error)

    def _elsewhere(
        self, ref: ObjectRef, source: ObjectInput, spec: ScoringSpec
    ) -> RunResult | None:
        """The run of an object that is too large for this call alone; None for any other."""
        handover, fan_out, runs = self.batch.handover, self.batch.in_parts, self.batch.runs
        if handover is not None and handover.takes(source, spec, runs):
            return handover.hand_over(source, spec, runs, self.batch.notices)
        if fan_out is not None and fan_out.takes(source, spec):
            return fan_out.hand_out(source, spec, self._for_parts(ref))
        return None

    def _attempted(self, ref: ObjectRef, source: ObjectInput, spec: ScoringSpec) -> RunResult:
        """Score an object here; one that shows to be too large for that goes where large ones go.

        Raises:
            TooLarge: There is no such place.
        """
        batch, attempt = self.batch, Attempt(self.deadline, self.deliveries)
        try:
            return self._scored_here(ref, source, spec, attempt)
        except OSError as error:
            too_large = attempt.too_large(ref.address, error, at_once=batch.handover is not None)
            if too_large is None:
                raise
            if batch.handover is None:
                raise too_large from error
            self._log(ref, "info", f"handed over: {too_large.problem}")
            return batch.handover.hand_over(source, spec, batch.runs, batch.notices)

    def _scored_here(
        self, ref: ObjectRef, source: ObjectInput, spec: ScoringSpec, attempt: Attempt
    ) -> RunResult:
        """Score an object here, and show meanwhile how far it is where somebody waits for it."""
        batch, run = self.batch, PageRun(self.batch.runs.files, key_of(source, spec))

        def check() -> None:
            self.deadline.check(ref.address)
            run.check()

        def progress(rows: int) -> None:
            attempt.rows = rows
            run.reached(rows)

        try:
            return score(
                source, spec, batch.runs, batch.engine,
                progress=progress,
                checkpoint=check,
                tell=lambda note: self._log(ref, "warning", note),
                notices=batch.notices,
            )  # fmt: skip
        finally:
            run.end()

    def _refused(
        self, ref: ObjectRef, identity: str | None, spec: ScoringSpec, error: CustomerClustersError
    ) -> RunResult:
        batch, name = self.batch, result_name(ref, self.batch.settings)
        return record_failure(
            name, identity, ref.address, spec, batch.runs, error, notices=batch.notices
        )

    def _reporter(self, ref: ObjectRef) -> Reporter:
        return Reporter(self.batch.runs, self.batch.measure, partial(self._log, ref))

    def _log(self, ref: ObjectRef, level: str, message: str, **facts: Any) -> None:
        named = {"object": ref.address, "version": ref.version}
        named |= {"sequencer": ref.sequencer}
        known = {name: value for name, value in named.items() if value is not None}
        self.batch.log({"level": level, "message": message, **known, **self._ids(), **facts})

    def _ids(self) -> dict[str, str]:
        """What Lambda calls this call, and the queue the message, as far as there are any."""
        ids = {"request_id": self.request_id, "message_id": self.message_id}
        return {name: value for name, value in ids.items() if value is not None}


def result_name(ref: ObjectRef, settings: BatchSettings) -> str:
    """What an object's results are named after: its key below the input's prefix."""
    return safe_name(ref.key.removeprefix(settings.input.folder))


def _from_environment() -> LambdaHandler:
    settings = Settings.from_environment(os.environ)
    batch = BatchSettings.from_environment(os.environ)
    models, challengers = LiveModels.from_settings(settings), None
    if batch.challenger is not None:
        challengers = Challengers(models.default.store, batch.challenger, _scored_without)
    telemetry = function_telemetry(os.environ)
    made = Batch(
        batch,
        S3Runs.at(batch.output.below("results")),
        models.default,
        traced(WholeFile(isolated()), telemetry),
        Handover.of(batch.spark, settings.store),
        fan_out_from(batch.fan_out, settings.store),
        settings.model_ttl_seconds,
        challengers,
        settings.as_of_pattern,
        settings.index_key,
        redelivery(logs.write),
        measure=measured(emf(os.environ.get(FUNCTION, "batch")), telemetry),
        notices=notices_from(os.environ, logged(logs.write)),
        models=models if settings.models else None,
    )
    return flushed(made, telemetry, "dropped files")


def _scored_without(why: CustomerClustersError) -> None:
    logs.write({"level": "warning", "message": f"scored without a challenger: {why}"})


def __getattr__(name: str) -> Any:
    if name == "handler":
        globals()["handler"] = made = _from_environment()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
