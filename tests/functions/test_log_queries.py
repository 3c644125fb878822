"""The queries of docs/operate.md find what they promise, in lines that are really written."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions import logs
from functions.api import create_app
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel
from functions.settings import Settings
from pipeline.release import RELEASE
from tests.support.dropping import HEADER, Context, Drop, customers, golden, queued
from tests.support.paths import ROOT
from tests.support.tools import needed
from tests.support.web import BROWSER

TRACE = "a1" * 16
TRACED = {"traceparent": f"00-{TRACE}-{'b2' * 8}-01", "x-request-id": "mine-1"}
KEY = "secret"
Lines = list[dict[str, Any]]


def documented(beginning: str) -> list[str]:
    """The blocks of the document that begin so."""
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if block.startswith(beginning)]


def fields_of(query: str) -> set[str]:
    """The fields that a query shows, looks at or sorts by, but CloudWatch's own."""
    bare = re.sub(r'"[^"]*"', "", query)
    shown = re.findall(r"^fields (.*)$", bare, re.MULTILINE)[0].split(",")
    filtered = re.findall(r"([@\w]+) (?:=|like|in)\b|([@\w]+) = ", bare)
    found = {name.strip() for name in shown} | {a or b for a, b in filtered}
    found |= set(re.findall(r"^\| sort (\S+)", bare, re.MULTILINE))
    return {name for name in found if not name.startswith("@")}


def ids_of(query: str) -> set[str]:
    return set(re.findall(r'([@\w]+) = "ID"', query))


def written(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What came out since the last look."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def api_lines(live_model: LiveModel, capsys: pytest.CaptureFixture[str], event_loop: None) -> Lines:
    """Of a function behind API Gateway with keys: an answer, and a refusal."""
    key = f"crm:assign={hashlib.sha256(KEY.encode()).hexdigest()}"
    handler = handler_for(create_app(live_model, Settings(api_keys=(key,))))
    event = golden("http_api_v2")
    event["headers"] |= {**TRACED, "x-api-key": KEY}
    assert handler(event, Context())["statusCode"] == 200
    assert handler({**event, "body": "["}, Context())["statusCode"] == 400
    return written(capsys)


@pytest.fixture
def batch_lines(drop: Drop, capsys: pytest.CaptureFixture[str]) -> Lines:
    """Of one file that is scored, one that cannot be, and one that comes again."""
    good = drop.put("incoming/good.csv")
    drop.deliver(queued(good))
    drop.deliver(queued(drop.put("incoming/march.csv", b"no,table\n1,2\n")))
    drop.deliver(queued(drop.put("incoming/late/march.csv", customers())), Context(millis=0))
    for line in drop.lines:
        logs.write(line)
    return written(capsys)


def access_log_fields() -> set[str]:
    """What the HTTP API itself writes, by the template."""
    text = (ROOT / "serverless.yml").read_text(encoding="utf-8")
    (line,) = re.findall(r"""^    "false": '(\{.*\})'$""", text, re.MULTILINE)
    return set(json.loads(line))


def test_a_request_is_found_by_each_of_its_ids(api_lines: Lines) -> None:
    query, _ = documented("fields ")
    answered, refused = api_lines
    known = answered.keys() | refused.keys() | access_log_fields()
    assert fields_of(query) - known == set()
    ids = {name for name in ids_of(query) if not name.startswith("@")}
    assert ids == {"request_id", "trace_id", "aws_request_id", "gateway_request_id", "requestId"}
    assert ids - {"requestId"} <= answered.keys() & refused.keys()
    assert "requestId" in access_log_fields()
    assert (answered["trace_id"], answered["request_id"]) == (TRACE, "mine-1")
    assert answered["aws_request_id"] == Context().aws_request_id
    assert (refused["code"], refused["client"]) == ("invalid_json", "crm")
    assert {line["release"] for line in api_lines} == {RELEASE}


def test_why_a_file_failed_is_found_by_its_name(batch_lines: Lines) -> None:
    _, query = documented("fields ")
    found = [
        line
        for line in batch_lines
        if "march.csv" in line.get("object", "") and line["level"] in ("warning", "error")
    ]
    refused, late = found
    assert fields_of(query) - (refused.keys() | late.keys()) == set()
    assert {"object", "level", "code", "error", "message_id", "request_id"} <= fields_of(query)
    assert (refused["message"], refused["code"]) == ("failed for good", "wrong_file")
    assert late["message"].startswith("given back")
    assert "0 s are left of it" in late["error"]
    for line in found:
        assert (line["request_id"], line["message_id"]) == (Context().aws_request_id, "m0")
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    assert '"failed for good" has the `code`' in text
    assert '"given back" has the `error`' in text


@pytest.mark.usefixtures("temporary")
def test_the_same_is_found_in_the_log_of_a_container(
    live_model: LiveModel, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    needed("jq")
    with TestClient(create_app(live_model, Settings()), headers=BROWSER) as client:
        client.get("/v1/model", headers=TRACED)
        assert client.post("/files", files={"file": ("march.csv", b"a\n")}).status_code == 422
        unclear = HEADER.replace("Total_Trans_Ct", "Transactions") + "1,x,2,3,4\n"
        client.post("/files", files={"file": ("march.csv", unclear.encode())})
        client.get("/nothing")
    log = "Listening\n5\n" + capsys.readouterr().out
    by_id, of_files = documented("podman logs")[0].split("\npodman logs ")
    (tmp_path / "log").write_text(log)

    def found(query: str, **environment: str) -> Lines:
        script = query.replace("podman logs groups", "cat log").replace("groups |", "cat log |")
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", **environment},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()]

    for value in ("mine-1", TRACE):
        (line,) = found(by_id, ID=value)
        assert line["route"] == "/v1/model"
    refused = found(of_files)
    assert (refused[0]["code"], refused[0]["release"]) == ("invalid_file", RELEASE)
    assert {line["route"] for line in refused} == {"/files"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", refused[0]["time"])
