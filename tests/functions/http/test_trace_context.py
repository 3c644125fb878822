"""Of what a request is a part: taken on where it is said rightly, and ignored where it is not."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.lambda_adapter import LambdaHandler, handler_for
from functions.http.trace_context import TraceParent
from functions.live_model import LiveModel
from functions.settings import Settings
from tests.support.paths import EVENTS

TRACE, SPAN = "a1" * 16, "b2" * 8
Lines = list[Any]


@pytest.mark.parametrize(
    "text",
    [
        f"00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-00",
        f"00-{TRACE}-{SPAN}-ff",
        f"cc-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
    ],
)
def test_a_request_is_logged_with_its_trace_which_the_answer_names(
    client: TestClient, lines: Lines, text: str
) -> None:
    answer = client.get("/v1/model", headers={"Traceparent": text, "X-Request-Id": "mine"})
    assert answer.headers["x-trace-id"] == TRACE
    assert answer.headers["x-request-id"] == "mine"
    found = {name: lines[-1].get(name) for name in ("trace_id", "span_id", "request_id")}
    assert found == {"trace_id": TRACE, "span_id": SPAN, "request_id": "mine"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        TRACE,
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01.",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE}{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-{'a' * 300}",
        f"00-{TRACE}-{SPAN}-\u00e4\u00e4",
    ],
)
def test_what_is_said_wrong_is_as_good_as_not_said(
    client: TestClient, lines: Lines, text: str
) -> None:
    answer = client.get("/v1/model", headers=[(b"traceparent", text.encode("latin-1"))])
    assert answer.status_code == 200
    assert "x-trace-id" not in answer.headers
    assert not {"trace_id", "span_id"} & lines[-1].keys()


def test_a_trace_that_is_said_twice_is_none(client: TestClient, lines: Lines) -> None:
    text = f"00-{TRACE}-{SPAN}-01"
    client.get("/v1/model", headers=[("traceparent", text), ("traceparent", text)])
    assert "trace_id" not in lines[-1]


@given(some.binary(max_size=300))
def test_no_header_breaks_a_request(text: bytes) -> None:
    found = TraceParent.of([(b"traceparent", text)])
    assert found is None or len(found.trace_id) == 32


def test_a_problem_has_the_trace_too_and_its_code_is_in_the_log(
    client: TestClient, lines: Lines
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    answer = client.post("/v1/assign", json={}, headers=headers)
    assert answer.headers["x-trace-id"] == TRACE
    assert lines[-1]["code"] == answer.json()["code"]
    request_id = answer.headers["x-request-id"]
    assert answer.json()["instance"] == f"urn:customer-clusters:request:{request_id}"


class Context:
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", ["http_api_v2", "rest_v1_stage", "function_url", "alb"])
def test_the_line_has_what_gateway_and_lambda_call_the_request(
    live_model: LiveModel, lines: Lines, name: str
) -> None:
    handler: LambdaHandler = handler_for(create_app(live_model, Settings(), log=lines.append))
    event = json.loads((EVENTS / f"{name}.json").read_text())
    for headers in [event.get("headers"), event.get("multiValueHeaders")]:
        if headers:
            text = f"00-{TRACE}-{SPAN}-01"
            several = isinstance(next(iter(headers.values())), list)
            headers["traceparent"] = [text] if several else text
    assert handler(event, Context())["statusCode"] == 200
    line = lines[-1]
    assert line["aws_request_id"] == Context.aws_request_id
    assert line.get("gateway_request_id") == event["requestContext"].get("requestId")
    assert line["trace_id"] == TRACE
    handler(json.loads((EVENTS / "alb.json").read_text()), None)
    assert not {"aws_request_id", "gateway_request_id"} & lines[-1].keys()


def test_who_says_nothing_waits_for_nothing() -> None:
    program = """
import sys
from starlette.testclient import TestClient
from functions.api import app
client, late = TestClient(app), "functions.http.trace_context"
client.get("/v1/model")
print(late in sys.modules)
client.get("/v1/model", headers={"traceparent": "00"})
print(late in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert [line for line in done.stdout.splitlines() if line[0] != "{"] == ["False", "True"]
