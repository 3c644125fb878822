"""Spans and figures for OpenTelemetry, sent as OTLP over HTTP by its SDK.

What cannot be sent disturbs nobody: threads send it, none of which is waited for longer than some
seconds, and of what waits the SDK keeps so much and no more.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from importlib import metadata
from typing import Generic, TextIO, TypeVar

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from functions.logs import JsonFormatter, Log
from functions.telemetry.figures import FIGURES, PREFIX, Figure
from functions.telemetry.telemetry import Attributes, ModelFacts, Models

P = TypeVar("P", TracerProvider, MeterProvider)
_SCOPE = "customer-clusters"
_ERROR = "error.type"
_NAME, _VERSION, _REFERENCE = (f"{PREFIX}.model.{end}" for end in ("name", "version", "reference"))
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
_AGAIN_SECONDS = 60.0
_PROPAGATOR = TraceContextTextMapPropagator()
_OF_MODELS: tuple[tuple[str, str, str, Callable[[ModelFacts], float | None]], ...] = (
    (
        f"{PREFIX}.model.info",
        "1",
        "Models that answer: always 1",
        lambda each: 1 if each.version else None,
    ),
    (f"{PREFIX}.model.loaded", "s", "When a model was loaded", lambda each: each.loaded_at),
    (
        f"{PREFIX}.model.failing",
        "1",
        "1: it cannot be loaded or exchanged",
        lambda each: int(each.failing),
    ),
)
"""Name, unit, meaning and value of what is asked for with each sending."""


class _Sends(Generic[P]):
    """Sends in a thread, which others may wait for; while that is at it, it begins nothing else."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._thread: threading.Thread | None = None
        self._begun: threading.Thread | None = None
        """The same, where it is of the latest call: nobody waits twice for one that hangs."""

    @cached_property
    def _provider(self) -> P:
        """What of the SDK does it, from the first figure or span on: not yet in a snapshot."""
        raise NotImplementedError

    def flush(self) -> None:
        """Begin to send what waits."""
        self._begin("force_flush")

    def stop(self) -> None:
        """The same, and end."""
        self._begin("shutdown")

    def wait(self, seconds: float) -> None:
        """Wait for what was begun, no longer than that."""
        if self._begun is not None:
            self._begun.join(seconds)

    def _begin(self, what: str) -> None:
        self._begun = None
        if "_provider" not in vars(self) or (self._thread and self._thread.is_alive()):
            return
        act = getattr(self._provider, what)
        self._thread = self._begun = threading.Thread(target=act, name="telemetry", daemon=True)
        self._thread.start()


class Tracing(_Sends[TracerProvider]):
    """Sends spans."""

    @cached_property
    def _provider(self) -> TracerProvider:
        provider = TracerProvider(resource=_resource(), id_generator=_Ids(), shutdown_on_exit=False)
        with _told(self._log, "traces"):
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return provider

    @contextmanager
    def span(
        self, name: str, attributes: Attributes, parent: Mapping[str, str] | None, server: bool
    ) -> Iterator["_Span"]:
        """A span for a `with`; spans inside are its children."""
        around = None if parent is None else _PROPAGATOR.extract(parent, context.Context())
        kind = trace.SpanKind.SERVER if server else trace.SpanKind.INTERNAL
        tracer = self._provider.get_tracer(_SCOPE)
        span = tracer.start_span(name, around, kind, {**attributes})
        token = context.attach(trace.set_span_in_context(span, around))
        try:
            yield _Span(span)
        finally:
            context.detach(token)
            span.end()

    def carrier(self) -> dict[str, str]:
        """By which another thread goes on with the trace of now."""
        return _carrier()


class Metering(_Sends[MeterProvider]):
    """Sends figures, now and then."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self._models: Models = tuple

    @cached_property
    def _provider(self) -> MeterProvider:
        readers = []
        with _told(self._log, "metrics"):
            readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
        return MeterProvider(readers, resource=_resource(), shutdown_on_exit=False)

    @cached_property
    def _adders(self) -> Mapping[str, Callable[[float, Mapping[str, str | int]], None]]:
        meter = self._provider.get_meter(_SCOPE)
        for name, unit, meaning, value in _OF_MODELS:
            meter.create_observable_gauge(name, [partial(self._observe, value)], unit, meaning)
        return {figure.name: _adder(meter, figure) for figure in FIGURES if figure.otel is not None}

    def _observe(
        self, value: Callable[[ModelFacts], float | None], _: CallbackOptions
    ) -> Iterator[Observation]:
        for each in self._models():
            found = value(each)
            if found is not None:
                known = {_NAME: each.name, _REFERENCE: each.reference, _VERSION: each.version or ""}
                yield Observation(found, known)

    def record(self, figure: Figure, amount: float, labels: Mapping[str, str]) -> None:
        """Add to a figure, or to a distribution."""
        add = self._adders.get(figure.name)
        if add is not None:
            add(amount, {figure.labels[label]: _typed(text) for label, text in labels.items()})

    def watch(self, models: Models) -> None:
        """Ask for the models whenever figures are sent."""
        self._models = models


def log_failures(stream: TextIO) -> None:
    """What the SDK says of failures as lines of the log, each once a minute at most."""
    logger = logging.getLogger("opentelemetry")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_Rarely())
    logger.handlers[:], logger.propagate = [handler], False
    logger.setLevel(logging.ERROR)


class _Span:
    """A span of the SDK."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self.traceparent = _carrier().get("traceparent", "")

    def tell(self, attributes: Attributes, name: str = "") -> None:
        """Say more of it; with a name, that is what it is called."""
        if name:
            self._span.update_name(name)
        self._span.set_attributes({**attributes})

    def fail(self, code: str) -> None:
        """Say that it has failed: by a code, for a message may hold values."""
        self._span.set_attribute(_ERROR, code)
        self._span.set_status(trace.Status(trace.StatusCode.ERROR))


class _Ids(IdGenerator):
    """Random ids that no two processes share which were restored from one snapshot."""

    def generate_span_id(self) -> int:
        """An id of a span, which is not 0."""
        return int.from_bytes(os.urandom(8)) or 1

    def generate_trace_id(self) -> int:
        """An id of a trace, which is not 0."""
        return int.from_bytes(os.urandom(16)) or 1

    def is_trace_id_random(self) -> bool:
        """Samplers may rely on it."""
        return True


class _Rarely(logging.Filter):
    """Lets each message through once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is time for it again."""
        message, now = str(record.msg), time.monotonic()
        if now < self._next.get(message, 0.0):
            return False
        self._next[message] = now + _AGAIN_SECONDS
        return True


@contextmanager
def _told(log: Log, what: str) -> Iterator[None]:
    """Tell of a variable that the SDK cannot use; nothing is sent then."""
    try:
        yield
    except Exception as error:  # its own, which must not reach whoever asks us
        log({"level": "warning", "message": f"no {what} are sent: {error}"})


def _resource() -> Resource:
    """What sends: the standard variables say more, or other things."""
    ours = {
        "service.name": os.environ.get(_FUNCTION, "customer-clusters"),
        "service.version": metadata.version("customer-clusters"),
        "service.instance.id": str(uuid.UUID(bytes=os.urandom(16), version=4)),
    }
    return Resource.create().merge(Resource(ours)).merge(OTELResourceDetector().detect())


def _adder(meter: Meter, figure: Figure) -> Callable[[float, Mapping[str, str | int]], None]:
    name, meaning = figure.otel_name, figure.meaning
    if figure.kind == "seconds":
        bounds = figure.bounds
        return meter.create_histogram(
            name, "s", meaning, explicit_bucket_boundaries_advisory=bounds
        ).record
    if figure.kind == "level":
        return meter.create_up_down_counter(name, "1", meaning).add
    return meter.create_counter(name, "1", meaning).add


def _carrier() -> dict[str, str]:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def _typed(text: str) -> str | int:
    """Statuses and ids of clusters are numbers."""
    return int(text) if text.isdecimal() else text
