"""Both handlers in the image, under AWS's emulator, over a stand-in for S3."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.containers import Invoke, Lambda
from tests.support.dropping import Drop, customers, golden, is_whole, queued
from tests.support.web import Page, hidden

KEY = "incoming/März 2026/a+b (1) %20.csv"


@pytest.fixture
def options(drop: Drop, aws_environment: dict[str, str]) -> list[str]:
    """The environment of both functions."""
    environment = aws_environment | {
        "CUSTOMER_CLUSTERS_STORE": f"s3://{drop.settings.output.bucket}/models",
        "CUSTOMER_CLUSTERS_INPUT": f"s3://{drop.settings.input.bucket}/incoming",
        "CUSTOMER_CLUSTERS_OUTPUT": f"s3://{drop.settings.output.bucket}/out",
    }
    return [f"--env={name}={value}" for name, value in environment.items()]


@pytest.fixture
def batch(on_lambda: Lambda, options: list[str]) -> Iterator[Invoke]:
    with on_lambda("functions.s3.handler", 120, *options) as invoke:
        yield invoke


@pytest.fixture
def api(on_lambda: Lambda, options: list[str]) -> Iterator[Invoke]:
    with on_lambda("functions.api.handler", 15, *options) as invoke:
        yield invoke


def test_a_dropped_file_comes_back_assigned(batch: Invoke, drop: Drop) -> None:
    event = drop.put(KEY)
    assert json.loads(batch(event)) == {}
    written = drop.written()
    assert is_whole(written)
    (manifest,) = drop.documents("manifest.json")
    assert (manifest["rows_in"], manifest["rows_assigned"]) == (40, 39)
    assert manifest["input"]["name"] == "März 2026/a+b (1) %20.csv"
    assert json.loads(batch(event)) == {}
    assert drop.written() == written


def test_of_a_queue_only_what_failed_comes_again(batch: Invoke, drop: Drop) -> None:
    """A wrong file is done with; a message that is no event is not, and others do not suffer."""
    wrong = drop.put("incoming/wrong.csv", b"a,b\n1,2\n")
    messages = queued(drop.put(KEY), "{", wrong, golden("s3_test_event"))
    assert json.loads(batch(messages)) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(drop.documents("manifest.json")) == 1
    (failed,) = drop.documents("failed.json")
    assert "Total_Revolving_Bal" in json.dumps(failed)


def test_the_golden_events_are_answered(batch: Invoke, drop: Drop) -> None:
    for name in ("s3_put", "s3_several", "s3_test_event", "eventbridge_created"):
        assert json.loads(batch(golden(name))) == {}
    for name in ("sqs_s3", "sqs_eventbridge"):
        assert json.loads(batch(golden(name))) == {"batchItemFailures": []}
    assert drop.written() == {}


def test_a_file_of_the_page_comes_back_assigned(api: Invoke, batch: Invoke, drop: Drop) -> None:
    def ask(path: str) -> Any:
        event = golden("http_api_v2") | {"rawPath": path, "body": None}
        event["requestContext"]["http"] |= {"method": "GET", "path": path}
        event["headers"]["accept"] = "text/html"
        return json.loads(api(event))

    page = Page(ask("/files")["body"])
    fields, form = hidden(page), page.one("form").attributes["action"]
    sent = httpx2.post(form, data=fields, files={"file": ("a b.csv", customers())})
    assert sent.status_code == 303
    landing = urlsplit(sent.headers["location"]).path
    assert "Your file is being scored" in ask(landing)["body"]
    assert json.loads(batch(drop.arrived("a b.csv"))) == {}
    page = Page(ask(landing)["body"])
    assert page.one("h1").text == "a b.csv"
    (download,) = (address for address in page.addresses if address.endswith("/assigned.csv"))
    answer = ask(download)
    assert answer["statusCode"] == 303
    assert httpx2.get(answer["headers"]["location"]).text.count("\n") == 40
