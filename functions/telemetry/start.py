"""Makes what takes figures and spans, of the settings; nothing is imported for what is off."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from functions import logs
from functions.logs import Log
from functions.settings.telemetry import OtelSettings
from functions.telemetry.telemetry import SILENT, Telemetry
from model_store import CustomerClustersError
from model_store.extras import needs_extra

if TYPE_CHECKING:
    from functions.telemetry.prometheus import Prometheus

OURS = "OTEL_"
"""What the names of the variables begin with without which nothing is looked at."""
_WANTED = "OTEL_EXPORTER_OTLP_ENDPOINT"


def prometheus(asked_by: str) -> "Prometheus":
    """What keeps figures until Prometheus comes for them.

    Args:
        asked_by: The setting or option that wants it.

    Raises:
        MissingExtra: Its package is not installed.
    """
    with needs_extra(asked_by, "api"):
        from functions.telemetry.prometheus import Prometheus

    return Prometheus()


def telemetry_from(
    environment: Mapping[str, str],
    kept: "Prometheus | None" = None,
    log: Log = logs.write,
    stream: TextIO = sys.stdout,
) -> Telemetry:
    """Who takes figures and spans.

    What the variables of OpenTelemetry ask for and cannot have is told, and hinders nothing: they
    are often set for all programs of a cluster.

    Args:
        environment: Such as `os.environ`.
        kept: Keeps figures until they are asked for.
        log: Where it is told that nothing is sent, and why.
        stream: Where the SDK tells what it could not send.
    """
    try:
        sent = _otel(environment, log, stream)
    except CustomerClustersError as error:
        log({"level": "warning", "message": f"no traces and metrics are sent: {error}"})
        sent = SILENT
    if kept is None:
        return sent
    return Telemetry((kept, *sent.recorders), sent.tracer, sent.senders, kept.exposition)


@contextmanager
def worker_telemetry(
    environment: Mapping[str, str], host: str, port: int | None, log: Log
) -> Iterator[Telemetry]:
    """Who takes figures and spans of a process that answers nobody, until it ends.

    Args:
        environment: Such as `os.environ`.
        host: Where figures are answered from, at `/metrics`.
        port: On which port; None where nobody is to ask for them.
        log: Where it is told that nothing is sent, and why.

    Raises:
        MissingExtra: There is a port, and no package for it.
    """
    kept = None if port is None else prometheus("--metrics-port")
    telemetry = telemetry_from(environment, kept, log, sys.stderr)
    if kept is not None and port is not None:
        kept.serve(host, port)
    try:
        yield telemetry
    finally:
        telemetry.stop()


def _otel(environment: Mapping[str, str], log: Log, stream: TextIO) -> Telemetry:
    if not any(name.startswith(OURS) for name in environment):
        return SILENT
    settings = OtelSettings.from_environment(environment)
    if not (settings.sends_traces or settings.sends_metrics):
        return SILENT
    with needs_extra(_WANTED, "otel"):
        from functions.telemetry.otel import Metering, Tracing, log_failures
    log_failures(stream)
    tracing = Tracing(log) if settings.sends_traces else None
    metering = Metering(log) if settings.sends_metrics else None
    recorders = () if metering is None else (metering,)
    senders = tuple(each for each in (tracing, metering) if each is not None)
    return Telemetry(recorders, tracing, senders)
