"""Traces and metrics as a collector gets them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.aws.telemetry import (
    FLUSH_SECONDS,
    after,
    flushed,
    function_telemetry,
    measured,
    traced,
)
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.telemetry import SILENT, Telemetry
from functions.telemetry.start import telemetry_from
from functions.telemetry.telemetry import STOP_SECONDS
from pipeline.runs import WholeFile
from tests.functions.conftest import Lines
from tests.support.collector import Collector, attributes, collecting
from tests.support.dropping import Context, Drop, customers
from tests.support.live import COMMAND, serve, wait_for

TRACE, SPAN = "4bf9" * 8, "00f1" * 4
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
SECRETS = (b"0710001", b"1907", b"secret")
"""An id, a value and the name of a file that the customer of these tests has."""
CUSTOMER = {"CLIENTNUM": "0710001", "Total_Trans_Ct": 38, "Total_Trans_Amt": 1907,
            "Total_Revolving_Bal": 0}  # fmt: skip
EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/v1/assign",
    "rawQueryString": "",
    "headers": {"content-type": "application/json", "traceparent": TRACEPARENT},
    "requestContext": {
        "http": {"method": "POST", "path": "/v1/assign", "sourceIp": "192.0.2.1"},
        "stage": "$default",
    },
    "body": json.dumps(CUSTOMER),
    "isBase64Encoded": False,
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture
def started(
    monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> Iterator[Callable[[Mapping[str, str]], Telemetry]]:
    """Makes who sends by an environment, in this process; it is ended."""
    made = []

    def start(environment: Mapping[str, str]) -> Telemetry:
        for name in [name for name in os.environ if name.startswith("OTEL_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        made.append(telemetry_from(os.environ, log=lines.append))
        return made[-1]

    yield start
    for telemetry in made:
        telemetry.stop(0.1)


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def post(address: str, body: bytes, media_type: str = "application/json", **headers: str) -> Any:
    request = urllib.request.Request(
        address, data=body, headers={"content-type": media_type, **headers}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def test_a_server_sends_a_span_a_request_and_those_of_a_job_below_its_own(
    collector: Collector,
) -> None:
    header = "CLIENTNUM,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"
    rows = (header + "0710001,0,1907,38\n" * 9).encode()
    with serve(collector.environment) as address:
        post(f"{address}/v1/assign", json.dumps(CUSTOMER).encode(), traceparent=TRACEPARENT)
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(f"{address}/v1/assign", b'{"CLIENTNUM": "0710001", "Total_Trans_Amt": "1907x"}')
        refused.value.close()
        post(f"{address}/v1/jobs?name=secret.csv", rows, "text/csv", traceparent=TRACEPARENT)
        collector.wait_for(lambda: any(span.name == "job" for span in collector.spans()))
    spans = {span.name: span for span in collector.spans()}
    assert not [name for name in spans if "health" in name]  # probes would be most of them
    looked_up = next(s for s in collector.spans() if s.parent_span_id.hex() == SPAN)
    known = attributes(looked_up)
    assert looked_up.trace_id.hex() == TRACE and looked_up.name == "POST /v1/assign"
    assert known["http.route"] == "/v1/assign" and known["http.response.status_code"] == 200
    assert known["customer_clusters.model.version"]
    wrong = next(s for s in collector.spans() if "customer_clusters.problem.code" in attributes(s))
    assert attributes(wrong)["customer_clusters.problem.code"] == "invalid_customer"
    assert wrong.status.code == 0  # the client's fault is no error of a server

    chain = ["POST /v1/jobs", "job", "score file"]
    for above, below in pairwise(chain):
        assert spans[below].parent_span_id == spans[above].span_id
    for step in ("read file", "score rows", "write results"):
        assert spans[step].parent_span_id == spans["score file"].span_id
    assert {spans[name].trace_id.hex() for name in chain} == {TRACE}
    counted = attributes(spans["score file"])
    assert (counted["customer_clusters.rows_in"], counted["customer_clusters.door"]) == (9, "job")
    assert attributes(spans["job"])["customer_clusters.job.state"] == "succeeded"

    metrics = collector.metrics()
    points = metrics["http.server.request.duration"].histogram.data_points
    assert sum(point.count for point in points) >= 3
    assert {"customer_clusters.look_ups", "customer_clusters.model.info"} <= metrics.keys()
    [rows_in] = metrics["customer_clusters.rows_in"].sum.data_points
    assert rows_in.as_int == 9
    said = collector.resource()
    assert said["service.name"] == "customer-clusters" and said["service.version"]
    sent = b"".join(body for _, body in collector.bodies)
    assert not [secret for secret in SECRETS if secret in sent]


def test_what_waits_is_sent_when_a_server_ends(collector: Collector) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_SERVICE_NAME": "groups"}
    with serve(environment) as address:
        post(f"{address}/v1/assign", json.dumps(CUSTOMER).encode())
        assert collector.bodies == []
    assert [span.name for span in collector.spans()] == ["POST /v1/assign"]
    assert collector.metrics() and collector.resource()["service.name"] == "groups"


def test_a_collector_that_does_not_answer_holds_up_neither_requests_nor_the_end(
    black_hole: str,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole, "OTEL_BSP_SCHEDULE_DELAY": "10"}
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    address, body = f"http://127.0.0.1:{port}", json.dumps(CUSTOMER).encode()
    wait_for(address, process)
    started = time.monotonic()
    for _ in range(100):
        post(f"{address}/v1/assign", body)
    assert time.monotonic() - started < 5
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    process.wait(30)
    assert time.monotonic() - started < STOP_SECONDS + 4


def test_a_call_of_lambda_sends_its_span_before_it_ends(
    collector: Collector,
    live_model: LiveModel,
    started: Callable[[Mapping[str, str]], Telemetry],
    event_loop: None,
    lines: Lines,
) -> None:
    telemetry = started({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    app = create_app(live_model, Settings(), log=lines.append, telemetry=telemetry)
    handler = handler_for(app, after=after(telemetry))
    assert collector.bodies == []
    assert handler(EVENT, Context())["statusCode"] == 200
    [span] = collector.spans()
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert "http.server.request.duration" in collector.metrics()


def test_a_call_waits_for_a_dead_collector_once_and_not_for_long(
    black_hole: str, started: Callable[[Mapping[str, str]], Telemetry]
) -> None:
    telemetry = started(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole, "OTEL_METRICS_EXPORTER": "none"}
    )
    handler = flushed(lambda event, context: {"done": True}, telemetry, "dropped files")
    took = []
    for _ in range(2):
        begun = time.monotonic()
        assert handler({}, None) == {"done": True}
        took.append(time.monotonic() - begun)
    assert took[0] < FLUSH_SECONDS + 1 and took[1] < 0.5


def test_a_file_of_a_bucket_is_a_span_with_its_steps(
    collector: Collector, started: Callable[[Mapping[str, str]], Telemetry], drop: Drop
) -> None:
    telemetry = started({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    measures: list[Any] = []
    batch = replace(
        drop.function(),
        engine=traced(WholeFile(), telemetry),
        measure=measured(measures.append, telemetry),
    )
    handler = flushed(batch, telemetry, "dropped files")
    handler(drop.put("incoming/secret.csv", customers()), Context())
    spans = {span.name: span for span in collector.spans()}
    assert spans["score file"].parent_span_id == spans["dropped files"].span_id
    assert attributes(spans["score file"])["customer_clusters.rows_rejected"] == 1
    assert {"read file", "score rows", "write results"} <= spans.keys()
    [scored] = collector.metrics()["customer_clusters.files_scored"].sum.data_points
    assert scored.as_int == 1 and measures[0]["FilesScored"] == 1
    assert b"secret" not in b"".join(body for _, body in collector.bodies)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "groups", "OTEL_TRACES_SAMPLER": "always_on"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        },
    ],
)
def test_it_is_off_unless_a_variable_names_a_collector(
    environment: Mapping[str, str], started: Callable[[Mapping[str, str]], Telemetry], lines: Lines
) -> None:
    assert started(environment) is SILENT and lines == []
    assert function_telemetry(environment) is None


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "expected http/protobuf, port 4318 of a collector"),
        ("OTEL_TRACES_EXPORTER", "jaeger", "expected otlp or none"),
    ],
)
def test_what_is_not_done_here_is_told_and_hinders_nothing(
    variable: str,
    value: str,
    why: str,
    started: Callable[[Mapping[str, str]], Telemetry],
    lines: Lines,
) -> None:
    assert started({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", variable: value}) is SILENT
    [line] = lines
    assert line["level"] == "warning"
    assert line["message"] == f"no traces and metrics are sent: {variable}: {why}"


def test_a_missing_package_is_told_and_hinders_nothing(
    monkeypatch: pytest.MonkeyPatch,
    started: Callable[[Mapping[str, str]], Telemetry],
    lines: Lines,
) -> None:
    monkeypatch.delitem(sys.modules, "functions.telemetry.otel", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.metrics", None)
    assert started({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) is SILENT
    assert "customer-clusters[otel]" in lines[0]["message"]


def test_a_variable_that_the_sdk_cannot_use_ends_no_request(
    live_model: LiveModel, started: Callable[[Mapping[str, str]], Telemetry], lines: Lines
) -> None:
    bad = {"OTEL_METRIC_EXPORT_INTERVAL": "-1", "OTEL_TRACES_EXPORTER": "none"}
    telemetry = started({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **bad})
    app = create_app(live_model, Settings(), log=lines.append, telemetry=telemetry)
    with TestClient(app) as client:
        assert client.post("/v1/assign", json=CUSTOMER).status_code == 200
    assert {line["level"] for line in lines if "are sent" in line["message"]} == {"warning"}


def test_an_error_is_told_by_its_code_and_never_by_its_message(
    collector: Collector,
    live_model: LiveModel,
    started: Callable[[Mapping[str, str]], Telemetry],
    monkeypatch: pytest.MonkeyPatch,
    lines: Lines,
) -> None:
    def fail() -> None:
        raise RuntimeError("secret 1907")

    monkeypatch.setattr(live_model, "current", fail)
    telemetry = started({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    app = create_app(live_model, Settings(), log=lines.append, telemetry=telemetry)
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.post("/v1/assign", json=CUSTOMER).status_code == 500
    telemetry.flush(10)
    [span] = collector.spans()
    assert attributes(span)["error.type"] == "internal_error" and span.status.code == 2
    assert b"1907" not in b"".join(body for _, body in collector.bodies)


def test_the_line_in_the_log_can_be_found_by_the_trace(
    collector: Collector, live_model: LiveModel, started: Callable[[Mapping[str, str]], Telemetry]
) -> None:
    seen: list[dict[bytes, bytes]] = []
    telemetry = started({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address})
    app = create_app(live_model, Settings(), log=lambda line: None, telemetry=telemetry)
    inside = app.middleware_stack.app  # type: ignore[union-attr]

    async def look(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(dict(scope["headers"]))
        await inside(scope, receive, send)

    app.middleware_stack.app = look  # type: ignore[union-attr]
    with TestClient(app) as client:
        client.post("/v1/assign", json=CUSTOMER)
    telemetry.flush(10)
    [span] = collector.spans()
    expected = f"00-{span.trace_id.hex()}-{span.span_id.hex()}-0"
    assert seen[0][b"traceparent"].decode().startswith(expected)
