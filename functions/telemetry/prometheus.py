"""Figures for Prometheus, in its text format or as OpenMetrics: of this process, or all workers."""

import os
import platform
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from functions.telemetry.figures import (
    BUILD_INFO,
    FIGURES,
    MODEL_FAILING,
    MODEL_INFO,
    MODEL_LOADED,
    SHARED,
    Figure,
)
from functions.telemetry.telemetry import Models


class Prometheus:
    """Keeps figures until somebody asks for them.

    In a process with `SHARED` set they are those of all processes that have the same folder.
    """

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # a second series for each, which nobody reads
        self._shared = os.environ.get(SHARED)
        registry = None if self._shared else CollectorRegistry()
        self._metrics = {figure.name: _metric(figure, registry) for figure in FIGURES}
        if registry is None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        else:
            ProcessCollector(registry=registry)
        registry.register(_Build())
        self.registry = registry

    def record(self, figure: Figure, amount: float, labels: Mapping[str, str]) -> None:
        """Add to a figure, or to a distribution."""
        metric = self._metrics[figure.name]
        child = metric.labels(**labels) if figure.labels else metric
        if isinstance(child, Histogram):
            child.observe(amount)
        else:
            child.inc(amount)

    def watch(self, models: Models) -> None:
        """Ask for the models whenever the figures are read."""
        self.registry.register(_Models(models))

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All figures, and the content type that a client likes best by its Accept."""
        if self._shared:
            _forget_ended(Path(self._shared))
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def serve(self, host: str, port: int) -> None:
        """Answer at a port of its own until the process ends, beside whatever else it does."""
        prometheus_client.start_http_server(port, host, self.registry)


def _metric(figure: Figure, registry: CollectorRegistry | None) -> Counter | Gauge | Histogram:
    name, labels = figure.prometheus, tuple(figure.labels)
    if figure.kind == "counter":
        return Counter(name, figure.meaning, labels, registry=registry)
    if figure.kind == "level":
        return Gauge(name, figure.meaning, labels, registry=registry, multiprocess_mode="livesum")
    return Histogram(name, figure.meaning, labels, registry=registry, buckets=figure.bounds)


def _forget_ended(folder: Path) -> None:
    """Take the levels of workers away that are there no more; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))
        except OSError:
            continue


class _Models(Collector):
    """The models of this process."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        """What is known of them now."""
        info = GaugeMetricFamily(*MODEL_INFO, labels=("name", "version", "alias"))
        loaded = GaugeMetricFamily(*MODEL_LOADED, labels=("name",))
        failing = GaugeMetricFamily(*MODEL_FAILING, labels=("name",))
        for each in self._models():
            failing.add_metric((each.name,), float(each.failing))
            if each.version is not None and each.loaded_at is not None:
                info.add_metric((each.name, each.version, each.reference), 1)
                loaded.add_metric((each.name,), each.loaded_at)
        yield from (info, loaded, failing)


class _Build(Collector):
    """What runs here."""

    @cached_property
    def _facts(self) -> dict[str, str]:
        version = metadata.version("customer-clusters")
        return {"version": version, "python": platform.python_version()}

    def collect(self) -> Iterator[Metric]:
        """The one figure of it."""
        name, meaning = BUILD_INFO
        yield InfoMetricFamily(name.removesuffix("_info"), meaning, self._facts)
