"""Where traces and metrics are sent, by the standard variables of OpenTelemetry.

All that are not here (headers, certificates, time-outs, sampling, intervals) its SDK reads itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from functions.settings.kinds import YES_OR_NO
from functions.settings.variables import Kind, Variable, read, setting, variables_of

Exporter = Literal["otlp", "none"]


def _exporter(text: str) -> Exporter:
    known: dict[str, Exporter] = {"otlp": "otlp", "none": "none"}
    if text not in known:
        raise ValueError
    return known[text]


def _protocol(text: str) -> str:
    if text != "http/protobuf":
        raise ValueError
    return text


_EXPORTER: Kind[Exporter | None] = Kind(_exporter, "otlp or none")
_ADDRESS = Kind(str, "an address")
_OF_ALL = "where there is an endpoint `otlp`, else `none`"


@dataclass(frozen=True, slots=True)
class OtelSettings:
    """Whether traces and metrics are sent."""

    endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        _ADDRESS,
        "Where a collector takes OTLP over HTTP, such as `http://collector:4318`",
        default="",
        shown="none, nothing is sent",
    )
    traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        _ADDRESS,
        "The whole address for traces, where they go elsewhere",
        default="",
    )
    metrics_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        _ADDRESS,
        "The whole address for metrics, where they go elsewhere",
        default="",
    )
    protocol: str = setting(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        Kind(_protocol, "http/protobuf, port 4318 of a collector"),
        "The one that is spoken here",
        default="http/protobuf",
    )
    traces: Exporter | None = setting(
        "OTEL_TRACES_EXPORTER", _EXPORTER, "`none`: no traces", default=None, shown=_OF_ALL
    )
    metrics: Exporter | None = setting(
        "OTEL_METRICS_EXPORTER", _EXPORTER, "`none`: no metrics", default=None, shown=_OF_ALL
    )
    service: str = setting(
        "OTEL_SERVICE_NAME",
        Kind(str, "a name"),
        "What this process is called there",
        default="customer-clusters",
        shown="customer-clusters; on Lambda the function's name",
    )
    disabled: bool = setting(
        "OTEL_SDK_DISABLED", YES_OR_NO, "`true`: nothing is sent", default=False, shown="false"
    )

    @property
    def sends_traces(self) -> bool:
        """Whether traces are sent."""
        return self._sends(self.traces, self.traces_endpoint)

    @property
    def sends_metrics(self) -> bool:
        """Whether metrics are sent."""
        return self._sends(self.metrics, self.metrics_endpoint)

    def _sends(self, exporter: Exporter | None, endpoint: str) -> bool:
        known = exporter or ("otlp" if endpoint or self.endpoint else "none")
        return known == "otlp" and not self.disabled

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable asks for what is not done here.
        """
        return read(cls, environment)


def otel_variables() -> list[Variable]:
    """The variables that decide whether and where traces and metrics are sent."""
    return [*variables_of(OtelSettings).values()]
