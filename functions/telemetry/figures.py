"""Every figure that is counted or timed, with its names for Prometheus and for OpenTelemetry."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PREFIX = "customer_clusters"
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder in which the workers of one server keep their figures together."""
_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_FILE_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 150, 300, 900)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with few labels, each of which has few values."""

    name: str
    """For Prometheus, without prefix, unit and `_total`."""
    kind: Literal["counter", "level", "seconds"]
    """What only grows; what goes up and down, and is told by how much; a distribution of times."""
    meaning: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label → the attribute that it is in OpenTelemetry."""
    otel: str | None = ""
    """Its name in OpenTelemetry; empty: made of the other. None: another figure has it there."""
    bounds: tuple[float, ...] = ()
    """Of a distribution, where one bucket ends and the next begins."""

    @property
    def prometheus(self) -> str:
        """The full name in Prometheus."""
        ending = {"counter": "_total", "level": "", "seconds": "_seconds"}[self.kind]
        return f"{PREFIX}_{self.name}{ending}"

    @property
    def otel_name(self) -> str:
        """The full name in OpenTelemetry."""
        return self.otel or f"{PREFIX}.{self.name}"


_HTTP = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}
_MODEL = "customer_clusters.model.name"
REQUESTS = Figure("http_requests", "counter", "Requests that were answered.", _HTTP, otel=None)
REQUEST_SECONDS = Figure(
    "http_request_duration", "seconds", "How long requests took to be answered.", _HTTP,
    "http.server.request.duration", _REQUEST_SECONDS,
)  # fmt: skip
IN_PROGRESS = Figure(
    "http_requests_in_progress", "level", "Requests that are being answered.",
    otel="http.server.active_requests",
)  # fmt: skip
PROBLEMS = Figure(
    "http_problems", "counter", "Requests that were answered by a problem, by its code.",
    {"code": "customer_clusters.problem.code"},
)  # fmt: skip
LOOKUPS = Figure(
    "look_ups", "counter", "Customers who were looked up one by one, by the cluster they are in.",
    {"model": _MODEL, "cluster": "customer_clusters.cluster"},
)  # fmt: skip
BATCH_ROWS = Figure(
    "batch_rows", "counter", "Customers of batches over HTTP, by what became of them.",
    {"model": _MODEL, "outcome": "customer_clusters.outcome"},
)  # fmt: skip
JOBS = Figure(
    "jobs", "counter", "Jobs that ended here, by the state they ended in.",
    {"state": "customer_clusters.job.state"},
)  # fmt: skip
JOBS_WAITING = Figure("jobs_waiting", "level", "Jobs that wait for their turn here.")
JOBS_RUNNING = Figure("jobs_running", "level", "Jobs that are being scored here.")


def _fact(name: str, meaning: str) -> tuple[str, Figure]:
    words = _WORD.sub("_", name).lower()
    if words.endswith("_seconds"):
        short = words.removesuffix("_seconds")
        return name, Figure(short, "seconds", meaning, bounds=_FILE_SECONDS)
    return name, Figure(words, "counter", meaning)


FACTS: Mapping[str, Figure] = dict(
    [
        _fact("FilesScored", "Files that were scored."),
        _fact("FilesFailed", "Files that failed for good, the refused ones among them."),
        _fact("FilesRefused", "Files that were refused for what they are."),
        _fact("FilesGivenBack", "Files that have to be tried again."),
        _fact("FilesHandedToSpark", "Files that were handed to a job on Spark."),
        _fact("RowsIn", "Rows of scored files."),
        _fact("RowsAssigned", "Rows of scored files that were assigned."),
        _fact("RowsRejected", "Rows of scored files that were rejected."),
        _fact("ScoringSeconds", "How long files took, from their beginning to the commit."),
        _fact("DriftVerdict", "Scored files whose customers are not as in training."),
        _fact("ChallengerLookUps", "Look-ups that the second model has assigned, too."),
        _fact("ChallengerUnassigned", "Of these, those that only the first one could assign."),
        _fact("ChallengerDiffers", "Of these, those that the two put into different clusters."),
    ]
)
"""What is measured under the same names for CloudWatch (`functions/aws/metrics.py`)."""
RATIOS = frozenset({"RejectedShare"})
"""What is measured for CloudWatch alone: here it is one figure divided by another."""
FIGURES: tuple[Figure, ...] = (
    REQUESTS, REQUEST_SECONDS, IN_PROGRESS, PROBLEMS, LOOKUPS, BATCH_ROWS,
    JOBS, JOBS_WAITING, JOBS_RUNNING, *FACTS.values(),
)  # fmt: skip
MODEL_INFO = (f"{PREFIX}_model_info", "Models that answer: always 1.")
MODEL_LOADED = (f"{PREFIX}_model_loaded_timestamp_seconds", "When a model was loaded.")
MODEL_FAILING = (
    f"{PREFIX}_model_reload_failing",
    "1 where a model cannot be loaded or exchanged now, else 0.",
)
BUILD_INFO = (f"{PREFIX}_build_info", "Version of the package and of Python: always 1.")
