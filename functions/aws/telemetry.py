"""Figures and spans of a function: it is frozen between calls, so what waits is sent at their ends.

Without a variable of OpenTelemetry nothing of it is imported.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from functions.aws.metrics import Measure

if TYPE_CHECKING:
    from functions.telemetry import Telemetry
    from pipeline.runs import Engine, WholeFile

FLUSH_SECONDS = 2.0
"""How long a call waits at its end for a collector that does not answer."""
_ASKING = ("OTEL_EXPORTER", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER")
"""What the names of variables begin with of which one has to say something, or nothing is sent."""
Handler = Callable[[Any, Any], dict[str, Any]]


def function_telemetry(environment: Mapping[str, str]) -> "Telemetry | None":
    """Who takes figures and spans of a function, as its environment says; None: nobody does."""
    if not any(name.startswith(_ASKING) and text for name, text in environment.items()):
        return None
    from functions.telemetry.start import telemetry_from

    telemetry = telemetry_from(environment)
    return telemetry if telemetry.active else None


def after(telemetry: "Telemetry | None") -> Callable[[], None]:
    """What is to be done at the end of each call."""
    return partial(telemetry.flush, FLUSH_SECONDS) if telemetry else lambda: None


def flushed(handler: Handler, telemetry: "Telemetry | None", call: str) -> Handler:
    """A handler whose calls are spans, which are sent at the end of each.

    Args:
        handler: Answers calls.
        telemetry: Takes figures and spans.
        call: What a call is named as a span.
    """
    if telemetry is None:
        return handler

    def answer(event: Any, context: Any) -> dict[str, Any]:
        try:
            with telemetry.span(call):
                return handler(event, context)
        finally:
            after(telemetry)()

    return answer


def traced(engine: "WholeFile", telemetry: "Telemetry | None") -> "Engine":
    """An engine whose files are spans; they are counted with the figures for CloudWatch."""
    if telemetry is None:
        return engine
    from functions.telemetry.files import observed

    return observed(engine, telemetry, "s3", counts=False)


def measured(measure: Measure, telemetry: "Telemetry | None") -> Measure:
    """Takes figures for CloudWatch, and has them counted under the same names."""
    if telemetry is None:
        return measure

    def both(figures: Mapping[str, float]) -> None:
        measure(figures)
        telemetry.measure(figures)

    return both
