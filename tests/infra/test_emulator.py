"""The image's handler under AWS's own runtime interface emulator, with Lambda's runtime client."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from benchmarks.http import free_port
from functions.answers import Answers
from model_store import BUNDLED, open_store
from pipeline.model import ClusterModel
from tests.functions.test_lambda_http import HTTP, event
from tests.infra.containers import INVOKE, LOCKED, ROOT, Containers, post, wait_for

Invoke = Callable[[object], str]
Lambda = Callable[..., AbstractContextManager[Invoke]]
LEAVER = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}


@pytest.fixture(scope="module")
def on_lambda(containers: Containers, emulator: Path) -> Lambda:
    """Starts the image as Lambda does: its entry point, with a handler as its argument."""

    @contextmanager
    def start(handler: str, seconds: int = 10, options: tuple[str, ...] = ()) -> Iterator[Invoke]:
        front, back = free_port(), free_port()
        told = [
            *LOCKED, f"--volume={emulator}:/emulator:ro", "--entrypoint=/emulator",
            f"--env=AWS_LAMBDA_FUNCTION_TIMEOUT={seconds}", *options,
        ]  # fmt: skip
        command = [
            "--runtime-interface-emulator-address", f"127.0.0.1:{front}",
            "--runtime-api-address", f"127.0.0.1:{back}", "/entrypoint.sh", handler,
        ]  # fmt: skip
        with containers.running(f"lambda-{front}", told, *command):
            wait_for(f"http://127.0.0.1:{front}")
            yield lambda event: post(f"http://127.0.0.1:{front}/{INVOKE}", event)

    return start


@pytest.fixture(scope="module")
def api(on_lambda: Lambda) -> Iterator[Invoke]:
    with on_lambda("functions.api.handler") as invoke:
        yield invoke


@pytest.fixture(scope="module")
def faulty(on_lambda: Lambda) -> Iterator[Invoke]:
    """The same handler behind one that can be told to hang or to fall."""
    options = (f"--volume={ROOT}/tests/data/handlers:/handlers:ro", "--workdir=/handlers")
    with on_lambda("faulty.handler", seconds=2, options=options) as invoke:
        yield invoke


@pytest.mark.parametrize("name", HTTP)
def test_every_front_door_is_answered(api: Invoke, name: str) -> None:
    artifact = open_store(BUNDLED).open("champion")
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    answer = json.loads(api(event(name)))
    assert answer["statusCode"] == 200
    expected = Answers(model, artifact.version).assignment(model.assign(LEAVER), "0710001")
    assert json.loads(answer["body"]) == expected


def test_pages_are_shown(api: Invoke) -> None:
    http = event("function_url", rawPath="/", body=None)
    http["requestContext"]["http"] |= {"path": "/", "method": "GET"}
    answer = json.loads(api(http))
    assert answer["statusCode"] == 200
    assert "<form" in answer["body"]


def test_an_event_that_is_no_request_is_an_error_that_says_so(api: Invoke) -> None:
    answer = json.loads(api(event("s3_put")))
    assert answer["errorType"] == "WrongEvent"
    assert "answers HTTP events" in answer["errorMessage"]


def test_after_a_time_out_the_next_call_is_answered(faulty: Invoke) -> None:
    assert faulty({"hang": True}) == "Task timed out after 2.00 seconds"
    assert json.loads(faulty(event("http_api_v2")))["statusCode"] == 200


def test_after_a_crash_the_next_call_is_answered(faulty: Invoke) -> None:
    answer = json.loads(faulty({"fall": True}))
    assert answer["errorType"] == "Runtime.ExitError"
    assert "exit status 9" in answer["errorMessage"]
    assert json.loads(faulty(event("http_api_v2")))["statusCode"] == 200
