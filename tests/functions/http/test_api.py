"""The API as its clients see it."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.http.assign import MAX_BATCH
from functions.http.presenter import presenter_of
from functions.live_model import LiveModel
from tests.functions.conftest import Lines
from tests.support.batches import whole

Clients = Callable[..., TestClient]


def test_a_customer_gets_the_cluster_and_the_reasons_that_the_model_gives(
    client: TestClient, live_model: LiveModel, leaver: dict[str, Any]
) -> None:
    answer = client.post("/v1/assign", json=leaver)

    loaded = live_model.current()
    found = loaded.model.assign(leaver)
    assert answer.status_code == 200
    assert answer.json() == presenter_of(loaded).assignment(found, "0710001")
    assert answer.json()["cluster"]["id"] == 5
    assert answer.json()["churn"]["risk"] == "high"
    assert answer.json()["model_version"] == loaded.version


def test_columns_bind_by_name_in_any_order(client: TestClient, leaver: dict[str, Any]) -> None:
    backwards = dict(reversed(leaver.items()))
    first, second = (client.post("/v1/assign", json=c).json() for c in (leaver, backwards))
    assert first == second


@pytest.mark.parametrize("customer_id", ["0710001", 710001, None])
def test_the_id_is_given_back_as_it_came(
    client: TestClient, leaver: dict[str, Any], customer_id: object
) -> None:
    assert (
        client.post("/v1/assign", json={**leaver, "CLIENTNUM": customer_id}).json()["id"]
        == customer_id
    )


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("Total_Trans_Ct", 38.5, "not_an_integer"),
        ("Total_Trans_Ct", "38", "not_a_number"),
        ("Total_Trans_Ct", True, "not_a_number"),
        ("Total_Trans_Ct", [38], "not_a_number"),
        ("Total_Trans_Ct", None, "missing"),
        ("Total_Trans_Amt", -1, "out_of_range"),
        ("Total_Trans_Amt", 1e300, "out_of_range"),
        ("Total_Trans_Amt", 10**400, "not_finite"),
        ("CLIENTNUM", "x" * 101, "not_an_id"),
        ("CLIENTNUM", {"a": 1}, "not_an_id"),
        ("CLIENTNUM", False, "not_an_id"),
    ],
)
def test_an_unusable_value_is_named_with_its_field_and_a_code(
    client: TestClient, leaver: dict[str, Any], column: str, value: object, code: str
) -> None:
    answer = client.post("/v1/assign", json={**leaver, column: value})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_customer"
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(column, code)]


def test_every_problem_of_a_customer_is_told_at_once(client: TestClient) -> None:
    answer = client.post("/v1/assign", json={"CLIENTNUM": [], "Total_Trans_Ct": -1})
    assert len(answer.json()["errors"]) == 4


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b'{"Total_Trans_Ct": NaN}', 400, "invalid_json"),
        (b'{"Total_Trans_Ct": -Infinity}', 400, "invalid_json"),
        (b'{"Total_Trans_Ct": 1, "Total_Trans_Ct": 2}', 400, "invalid_json"),
        (b'{"a": {"b": 1, "b": 2}}', 400, "invalid_json"),
        (b'{"CLIENTNUM": "\\ud800"}', 400, "invalid_json"),
        (b'{"CLIENTNUM": "\xff"}', 400, "invalid_json"),
        ('{"CLIENTNUM": "a"}'.encode("utf-16"), 400, "invalid_json"),
        (b'{"x":' * 100_000 + b"1" + b"}" * 100_000, 400, "invalid_json"),
        (b"[" * 200_000, 400, "invalid_json"),
        (b'{"Total_Trans_Ct": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
        (b"[]", 422, "invalid_customer"),
        (b"null", 422, "invalid_customer"),
        (b'"customer"', 422, "invalid_customer"),
        (b"{}", 422, "invalid_customer"),
    ],
)
def test_a_body_that_is_no_customer_is_refused(
    client: TestClient, body: bytes, status: int, code: str
) -> None:
    answer = client.post("/v1/assign", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON; charset="UTF-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_only_json_in_utf_8_is_read(
    client: TestClient, leaver: dict[str, Any], content_type: str, status: int
) -> None:
    headers = {"content-type": content_type}
    answer = client.post("/v1/assign", content=json.dumps(leaver), headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_refused_however_it_comes(
    client_for: Clients, leaver: dict[str, Any], chunked: bool
) -> None:
    body = json.dumps({**leaver, "note": "x" * 2000}).encode()
    pieces = (body[at : at + 100] for at in range(0, len(body), 100))
    answer = client_for(max_body_bytes=1000).post(
        "/v1/assign",
        content=pieces if chunked else body,
        headers={"content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_batch_assigns_the_good_and_rejects_the_wrong(
    client: TestClient, leaver: dict[str, Any]
) -> None:
    wrong = {**leaver, "CLIENTNUM": 7, "Total_Trans_Ct": -1}
    answer = client.post("/v1/assign/batch", json={"customers": [leaver, wrong, 3, leaver]})

    found = answer.json()
    assert answer.status_code == 200
    assert [item["index"] for item in found["assigned"]] == [0, 3]
    assert whole(found, found["assigned"][0]) == client.post("/v1/assign", json=leaver).json()
    assert [(item["index"], item["id"]) for item in found["rejected"]] == [(1, 7), (2, None)]
    assert [item["errors"][0]["code"] for item in found["rejected"]] == [
        "out_of_range",
        "not_an_object",
    ]


@pytest.mark.parametrize(
    "batch",
    [
        [],
        {},
        {"customers": {}},
        {"customers": [], "more": 1},
        {"customers": [{}] * (MAX_BATCH + 1)},
    ],
    ids=["array", "empty", "no array", "another key", "too many"],
)
def test_what_is_no_batch_is_refused_whole(client: TestClient, batch: object) -> None:
    answer = client.post("/v1/assign/batch", json=batch)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_full_batch_is_answered(client: TestClient, leaver: dict[str, Any]) -> None:
    answer = client.post("/v1/assign/batch", json={"customers": [leaver] * MAX_BATCH})
    assert len(answer.json()["assigned"]) == MAX_BATCH


def test_the_clusters_are_listed_and_shown_one_by_one(client: TestClient) -> None:
    listed = client.get("/v1/clusters").json()
    assert [cluster["id"] for cluster in listed["clusters"]] == [1, 2, 3, 4, 5]
    assert sum(cluster["share"] for cluster in listed["clusters"]) == pytest.approx(1)
    assert listed["churn_rate"] == pytest.approx(0.1607, abs=1e-4)
    assert client.get("/v1/clusters/5").json() == listed["clusters"][4]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/clusters/6", "unknown_cluster"),
        ("/v1/clusters/x", "unknown_cluster"),
        ("/v1/clusters/-1", "unknown_cluster"),
        ("/v1/clusters/" + "9" * 5_000, "unknown_cluster"),
        ("/v1", "not_found"),
        ("/v1/cluster/5", "not_found"),
    ],
    ids=["6", "x", "-1", "5,000 digits", "v1", "mistyped"],
)
def test_a_missing_cluster_and_a_wrong_address_have_codes_of_their_own(
    client: TestClient, path: str, code: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_another_method_is_told_which_one_to_take(client: TestClient) -> None:
    answer = client.get("/v1/assign")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert answer.json()["detail"] == "this method is not taken here; expected POST"


@pytest.mark.parametrize(
    ("body", "headers", "detail"),
    [
        (b"", {"content-type": "application/json"}, "the body is empty: expected JSON"),
        (b"{}", {}, "expected content type application/json in UTF-8, found none"),
        (b"[]", {"content-type": "application/json"},
         "expected an object of features by name, found '[]'"),
    ],
    ids=["nothing", "no type", "a list"],
)  # fmt: skip
def test_first_mistakes_are_told_in_words(
    client: TestClient, body: bytes, headers: dict[str, str], detail: str
) -> None:
    answer = client.post("/v1/assign", content=body, headers=headers)
    assert answer.json()["detail"] == detail


def test_head_answers_as_get_does_without_a_body(client: TestClient) -> None:
    answer = client.head("/v1/clusters")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == client.get("/v1/clusters").headers["content-length"]


def test_the_model_says_what_it_is(client: TestClient, live_model: LiveModel) -> None:
    found = client.get("/v1/model").json()
    assert found["version"] == live_model.current().version
    assert found["metrics"]["silhouette_model_space"] > 0.5
    assert [feature["name"] for feature in found["contract"]["features"]] == [
        feature.name for feature in live_model.current().model.contract.features
    ]


def test_an_error_of_ours_is_a_500_whose_cause_is_logged_without_values(
    client: TestClient, live_model: LiveModel, lines: Lines, leaver: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail() -> None:
        raise RuntimeError(f"failed for {leaver}")

    monkeypatch.setattr(live_model, "current", fail)
    answer = client.post("/v1/assign", json=leaver)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert lines[-1]["error"][0] == "RuntimeError"
    assert any("test_api.py" in place for place in lines[-1]["error"])
    assert "1900" not in json.dumps(lines) + answer.text


def test_a_fresh_process_that_answers_has_loaded_nothing_heavy() -> None:
    script = """
import asyncio, json, sys
import functions.api
assert "model_store.manifest" in sys.modules
async def answer(app):
    body = b'{"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}'
    sent = []
    async def receive():
        return {"type": "http.request", "body": body}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "POST", "path": "/v1/assign", "query_string": b"",
             "headers": [(b"content-type", b"application/json")]}
    await app(scope, receive, send)
    return sent[0]["status"]
assert asyncio.run(answer(functions.api.app)) == 200
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert not loaded & {
        "numpy", "pandas", "sklearn", "scipy", "matplotlib", "pyarrow", "boto3", "botocore",
        "joblib", "jinja2", "mangum", "uvicorn", "click", "rich",
    }  # fmt: skip
