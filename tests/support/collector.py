"""A stand-in on loopback for a collector of OpenTelemetry: it takes OTLP over HTTP as protobuf."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

LONGEST = 20.0


@dataclass
class Collector:
    """What was sent so far."""

    address: str = ""
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    """The path and the body of each request."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a process sends here, and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.address,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }

    def spans(self) -> list[Any]:
        """All spans."""
        sent = [ExportTraceServiceRequest.FromString(body) for body in self._of("/v1/traces")]
        return [
            span
            for each in sent
            for resource in each.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metrics(self) -> dict[str, Any]:
        """The latest of each metric, by its name."""
        sent = [ExportMetricsServiceRequest.FromString(body) for body in self._of("/v1/metrics")]
        return {
            metric.name: metric
            for each in sent
            for resource in each.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def resource(self) -> dict[str, Any]:
        """What the process says of itself."""
        sent = ExportTraceServiceRequest.FromString(self._of("/v1/traces")[0])
        return attributes(sent.resource_spans[0].resource)

    def wait_for(self, what: Callable[[], object]) -> None:
        """Wait until something is there."""
        until = time.monotonic() + LONGEST
        while not what():
            assert time.monotonic() < until, f"only {[path for path, _ in self.bodies]} came"
            time.sleep(0.02)

    def _of(self, path: str) -> list[bytes]:
        return [body for found, body in self.bodies if found == path]


def attributes(holder: Any) -> dict[str, Any]:
    """The attributes of a span, a resource or a point, by their names."""
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value")))
        for each in holder.attributes
    }


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.bodies.append((self.path, body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    collector.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
