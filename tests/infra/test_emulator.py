"""The API's handler in the image, under AWS's own runtime interface emulator and runtime client."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from functions.http.presenter import Presenter
from model_store import BUNDLED, open_store
from pipeline.model.published.loading import load_model
from tests.functions.http.test_lambda_adapter import HTTP, UNKNOWN, event
from tests.support.containers import LONGEST_START, Invoke, Lambda
from tests.support.paths import ROOT

LEAVER = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}


@pytest.fixture(scope="module")
def api(on_lambda: Lambda) -> Iterator[Invoke]:
    with on_lambda("functions.api.handler") as invoke:
        yield invoke


@pytest.fixture(scope="module")
def faulty(on_lambda: Lambda) -> Iterator[Invoke]:
    """The same handler behind one that can be told to hang or to fall."""
    options = (f"--volume={ROOT}/tests/data/handlers:/handlers:ro", "--workdir=/handlers")
    with on_lambda("faulty.handler", 5, *options) as invoke:
        yield invoke


@pytest.mark.parametrize("name", HTTP)
def test_every_front_door_is_answered(api: Invoke, name: str) -> None:
    artifact = open_store(BUNDLED).open("champion")
    model = load_model(artifact)
    answer = json.loads(api(event(name)))
    assert answer["statusCode"] == 200
    expected = Presenter(model, artifact.version).assignment(model.assign(LEAVER), "0710001")
    assert json.loads(answer["body"]) == expected


def test_pages_are_shown(api: Invoke) -> None:
    http = event("function_url", rawPath="/", body=None)
    http["requestContext"]["http"] |= {"path": "/", "method": "GET"}
    answer = json.loads(api(http))
    assert answer["statusCode"] == 200
    assert "<form" in answer["body"]


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_event_that_is_no_request_is_answered_by_a_problem_that_says_so(
    api: Invoke, name: str
) -> None:
    answer = json.loads(api(event(name)))
    assert answer["statusCode"] == 400
    assert "answers HTTP events" in json.loads(answer["body"])["detail"]


def test_a_ping_is_answered(api: Invoke) -> None:
    for name in ("warmup_plugin", "warmup_schedule"):
        assert json.loads(api(event(name)))["body"] == "warm"


@pytest.mark.parametrize(("name", "status"), [("http_api_v2_head", 200), ("alb_head", 200),
                                              ("rest_v1_options", 405)])  # fmt: skip
def test_head_and_options_are_answered(api: Invoke, name: str, status: int) -> None:
    assert json.loads(api(event(name)))["statusCode"] == status


def recovered(faulty: Invoke) -> dict[str, Any]:
    """The next answer; on a busy machine a start may take longer than its five seconds."""
    deadline = time.monotonic() + LONGEST_START
    while True:
        told = faulty(event("http_api_v2"))
        if "statusCode" in told or time.monotonic() > deadline:
            return dict(json.loads(told))


def test_after_a_time_out_the_next_call_is_answered(faulty: Invoke) -> None:
    assert faulty({"hang": True}) == "Task timed out after 5.00 seconds"
    assert recovered(faulty)["statusCode"] == 200


def test_after_a_crash_the_next_call_is_answered(faulty: Invoke) -> None:
    answer = json.loads(faulty({"fall": True}))
    assert answer["errorType"] == "Runtime.ExitError"
    assert "exit status 9" in answer["errorMessage"]
    assert recovered(faulty)["statusCode"] == 200
