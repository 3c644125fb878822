"""The requests that SageMaker sends to a container."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.live_model import LiveModel
from functions.protocols.rows import MAX_ROWS, MAX_WRONG
from functions.protocols.sagemaker import ATTRIBUTES
from tests.functions.conftest import Lines

Clients = Callable[..., TestClient]
HEADER = "CLIENTNUM,Total_Trans_Ct,Note,Total_Trans_Amt,Total_Revolving_Bal"
ROW = "0710001,38,,1900,0"
SHORT = ["cluster", "cluster_name", "churn_rate", "margin", "distance", "outlier", "risk"]


def invoke(client: TestClient, body: str | bytes, kind: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/invocations", content=body, headers={"content-type": kind, **named})


def in_short(single: Any) -> dict[str, Any]:
    """A prediction, by what a look-up says."""
    return {
        "id": single["id"],
        "cluster": single["cluster"]["id"],
        "cluster_name": single["cluster"]["name"],
        "churn_rate": single["churn"]["rate"],
        "margin": single["margin"],
        "distance": single["distance"],
        "outlier": single["outlier"],
        "risk": single["risk_score"]["rate"],
    }


def test_a_ping_is_answered_as_long_as_the_model_answers(
    client: TestClient, live_model: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (client.get("/ping").status_code, client.get("/ping").content) == (200, b"")
    loaded = live_model.current()
    golden = tuple(replace(each, cluster=99) for each in loaded.model.golden)
    broken = replace(loaded, model=replace(loaded.model, golden=golden))
    monkeypatch.setattr(live_model, "_loaded", broken)
    assert client.get("/ping").status_code == 503
    monkeypatch.setattr(live_model, "_loaded", None)
    assert client.get("/ping").json()["code"] == "model_unavailable"


def test_a_batch_transform_is_told_how_to_cut_its_input(client: TestClient) -> None:
    assert client.get("/execution-parameters").json() == {
        "MaxConcurrentTransforms": 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 6,
    }


def test_one_customer_is_answered_as_a_look_up(client: TestClient, leaver: dict[str, Any]) -> None:
    single = client.post("/v1/assign", json=leaver).json()
    assert invoke(client, json.dumps(leaver), "application/json").json() == single
    asked = invoke(client, json.dumps(leaver), "application/json", accept="application/jsonlines")
    assert asked.json() == in_short(single)
    for accept in ("*/*", "text/csv"):
        wrong = invoke(client, "{}", "application/json", accept=accept)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_customer")


def test_instances_are_answered_in_their_order_whichever_are_wrong(
    client: TestClient, leaver: dict[str, Any]
) -> None:
    wrong = {**leaver, "CLIENTNUM": 7, "Total_Trans_Ct": -1}
    body = json.dumps({"instances": [leaver, wrong, 3, leaver]})
    answer = invoke(client, body, "application/json").json()
    single = client.post("/v1/assign", json=leaver).json()
    first, second, third, last = answer["predictions"]
    assert first == last == in_short(single)
    assert (second["id"], second["errors"][0]["code"]) == (7, "out_of_range")
    assert third["errors"][0]["code"] == "not_an_object"
    assert answer["model_version"] == single["model_version"]


def test_a_request_that_is_wrong_throughout_is_told_it_once(client: TestClient) -> None:
    body = json.dumps({"instances": [{}] * (MAX_WRONG + 1)})
    answer = invoke(client, body, "application/json")
    assert answer.status_code == 422
    assert "row 0 (from 0): Total_Revolving_Bal: expected" in answer.json()["detail"]
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("body", ['{"instances": {}}', '{"instances": [], "more": 1}', "[]", "3"])
def test_what_has_no_instances_is_refused(client: TestClient, body: str) -> None:
    assert invoke(client, body, "application/json").status_code == 422


def test_json_lines_keep_in_step_with_their_answers(
    client: TestClient, leaver: dict[str, Any]
) -> None:
    lines = [json.dumps(leaver), "", '{"a": ', "3\r", '{"CLIENTNUM": "x"}', json.dumps(leaver)]
    answer = invoke(client, "\n".join(lines), "application/jsonlines")
    assert answer.headers["content-type"] == "application/jsonlines"
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [each.get("cluster") for each in found] == [5, None, None, None, 5]
    codes = [each["errors"][0]["code"] for each in found[1:4]]
    assert codes == ["invalid_json", "not_an_object", "missing"]
    assert [each["id"] for each in found] == ["0710001", None, None, "x", "0710001"]


def test_a_csv_is_read_by_the_names_in_its_header(
    client: TestClient, leaver: dict[str, Any]
) -> None:
    body = f"\ufeff{HEADER.lower()}\r\n{ROW}\r\n\r\n8,x,,1900,0\r\n1,2\r\n{ROW}\r\n"
    answer = invoke(client, body, "text/csv; charset=utf-8")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    found = list(csv.DictReader(io.StringIO(answer.text)))
    single = in_short(client.post("/v1/assign", json=leaver).json())
    expected = {name: str(value) for name, value in single.items()}
    assert found[0] == found[3] == {**expected, "outlier": "false", "error": ""}
    assert (found[1]["id"], found[1]["cluster"]) == ("8", "")
    assert "Total_Trans_Ct: expected a whole number" in found[1]["error"]
    assert found[2]["error"] == "expected 5 fields, as the header has, found '2 fields'"
    asked = invoke(client, body, "text/csv", accept="application/json").json()
    assert asked["predictions"][0] == single


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (ROW, 422, "never by position"),
        ("", 422, "found nothing"),
        ("Total_Trans_Ct;Total_Trans_Amt\n1;2", 422, "never by position"),
        (f"{HEADER},total_trans_ct\n{ROW},1", 422, "there twice"),
        (f'{HEADER}\n"0710001,38', 400, "cannot be read"),
        (b"\xff\xfe", 400, "UTF-8"),
        (f"{HEADER}\n" + f"{ROW}\n" * (MAX_ROWS + 1), 413, "as a file"),
    ],
)
def test_a_csv_without_its_header_is_refused(
    client: TestClient, body: str | bytes, status: int, said: str
) -> None:
    answer = invoke(client, body, "text/csv")
    assert answer.status_code == status
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["", "text/plain", "text/csv; charset=latin-1", "application/xml"])
def test_other_content_is_refused(client: TestClient, kind: str) -> None:
    assert invoke(client, "1", kind).status_code == 415


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/jsonlines"),
        ("*/*", "application/jsonlines"),
        ("application/*", "application/jsonlines"),
        ("text/html, text/csv;q=0.5", "text/csv; charset=utf-8"),
        ("application/x-ndjson", "application/jsonlines"),
        ("text/html", None),
    ],
)
def test_the_answer_is_of_the_kind_that_is_asked_for(
    client: TestClient, leaver: dict[str, Any], accept: str, kind: str | None
) -> None:
    answer = invoke(client, json.dumps(leaver), "application/jsonlines", accept=accept)
    assert answer.status_code == (200 if kind else 406)
    assert kind is None or answer.headers["content-type"] == kind


def test_custom_attributes_go_back_as_they_came(client: TestClient, leaver: dict[str, Any]) -> None:
    body = json.dumps(leaver)
    attributes = {ATTRIBUTES: "trace=1; model=default"}
    answer = invoke(client, body, "application/json", **attributes)
    assert answer.headers[ATTRIBUTES] == attributes[ATTRIBUTES]
    assert invoke(client, body, "application/json", **{ATTRIBUTES: "model=x"}).status_code == 404
    assert invoke(client, body, "application/json", **{ATTRIBUTES: "x" * 1025}).status_code == 400


def test_six_megabytes_are_answered_whatever_other_addresses_take(
    client: TestClient, lines: Lines
) -> None:
    rows = 60_000
    body = f"{HEADER}\n" + f"0710001,38,{'n' * 60},1900,0\n" * rows
    assert 4_000_000 < len(body) < 6 * 1_048_576
    answer = invoke(client, body, "text/csv")
    assert answer.text.count("\n") == rows + 1
    assert "0710001" not in json.dumps(lines)
    larger = invoke(client, b" " * (6 * 1_048_576 + 1), "application/jsonlines")
    assert larger.status_code == 413
