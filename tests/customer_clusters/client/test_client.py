"""The client and the real server: what one says the other understands."""

import hashlib
import inspect
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import customer_clusters as cc
from customer_clusters import client as answers
from customer_clusters.client import Job
from customer_clusters.client.batches import MOST_BYTES, MOST_CUSTOMERS, batches, written
from functions.http import schemas
from functions.http.assign import MAX_BATCH
from model_store import BUNDLED, open_store
from tests.customer_clusters.client.conftest import Connected, Scripted
from tests.support.answering import Asked, Reply
from tests.support.live import serve
from tests.support.paths import ROOT

LEAVER = {"CLIENTNUM": "0710001", "Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900,
          "Total_Trans_Ct": 38}  # fmt: skip
KEY = "a-key-of-somebody"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server with a key, and with the same model under a name of its own."""
    environment = {
        "CUSTOMER_CLUSTERS_API_KEYS": hashlib.sha256(KEY.encode()).hexdigest(),
        "CUSTOMER_CLUSTERS_MODELS": f"cards={BUNDLED}#champion,older={BUNDLED}#original",
    }
    with serve(environment) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[cc.Client]:
    with cc.Client(address, KEY) as client:
        yield client


def test_a_customer_gets_his_cluster_and_the_reasons(client: cc.Client) -> None:
    found = client.assign(LEAVER)
    expected = cc.load().cluster_model.assign(LEAVER)
    assert (found.id, found.cluster.id, found.cluster.name) == (
        "0710001", expected.cluster.id, expected.cluster.name
    )  # fmt: skip
    assert found.churn is not None and found.churn.risk == "high"
    assert found.distance == expected.distance
    assert [reason.sentence for reason in found.reasons] == [r.sentence for r in expected.reasons]
    assert found.model_version == open_store(BUNDLED).resolve("champion")


def test_many_customers_are_answered_in_their_order(client: cc.Client) -> None:
    wrong = {**LEAVER, "CLIENTNUM": 7, "Total_Trans_Ct": -1}
    customers = [LEAVER, wrong, {**LEAVER, "CLIENTNUM": None, "Total_Trans_Ct": math.nan}, LEAVER]
    items = list(client.assign_many(customers))
    assert [item.index for item in items] == [0, 1, 2, 3]
    assert items[0].assignment == items[3].assignment == client.assign(LEAVER)
    assert items[0].errors == ()
    assert (items[1].id, items[1].assignment) == (7, None)
    assert [error.code for error in items[1].errors] == ["out_of_range"]
    assert [error.code for error in items[2].errors] == ["missing"]


def test_any_number_is_cut_into_batches(client: cc.Client) -> None:
    customers = ({**LEAVER, "CLIENTNUM": number, "Total_Trans_Ct": number % 100 - 1}
                 for number in range(2_345))  # fmt: skip
    items = list(client.assign_many(customers))
    assert [item.id for item in items] == [item.index for item in items] == list(range(2_345))
    assert sum(item.assignment is None for item in items) == 24
    assert items[2_344].assignment == client.assign({**LEAVER, "CLIENTNUM": 2_344,
                                                     "Total_Trans_Ct": 43})  # fmt: skip


def test_nothing_is_asked_for_nobody_and_nothing_before_its_turn(
    scripted: Scripted, connected: Connected
) -> None:
    client, _ = connected(scripted().url)
    assert list(client.assign_many([])) == []
    client.assign_many([LEAVER])  # nobody looks


def test_what_if_says_what_would_change_the_cluster(client: cc.Client) -> None:
    found = client.what_if(LEAVER)
    assert found.cluster == client.assign(LEAVER).cluster
    assert found.changes[0].feature == "Total_Revolving_Bal"
    assert found.changes[0].cluster.id == 4
    held = client.what_if(LEAVER, {"Total_Trans_Ct": "up"})
    assert {change.feature for change in held.changes} <= {"Total_Trans_Ct"}
    with pytest.raises(cc.ProblemAnswer, match="ways"):
        client.what_if(LEAVER, {"Total_Trans_Ct": "sideways"})


def test_clusters_and_model_are_told(client: cc.Client) -> None:
    clusters = client.clusters()
    assert [cluster.id for cluster in clusters] == [1, 2, 3, 4, 5]
    assert client.cluster(5) == clusters.clusters[4]
    assert clusters.clusters[4].profile["Total_Trans_Ct"].median > 0
    facts = client.model()
    assert facts.version == clusters.model_version
    assert set(facts.features) <= set(LEAVER)
    assert facts.created.tzinfo is not None
    with pytest.raises(cc.ProblemAnswer) as raised:
        client.cluster(6)
    assert raised.value.status == 404


def test_a_model_is_asked_by_its_name(client: cc.Client, address: str) -> None:
    assert {"cards", "older"} <= {model.name for model in client.models()}
    with cc.Client(address, KEY, model="older") as older:
        version = open_store(BUNDLED).resolve("original")
        assert older.model().version == older.clusters().model_version == version
        customer = {**LEAVER, "Contacts_Count_12_mon": 2, "Credit_Limit": 9_000,
                    "Avg_Utilization_Ratio": 0.1}  # fmt: skip
        assert set(older.model().features) <= set(customer)
        assert older.assign(customer).model_version == version
        [item] = older.assign_many([customer])
        assert item.assignment == older.assign(customer)
        assert older.what_if(customer).model_version == version
        assert older.cluster(1).id == 1
    with cc.Client(address, KEY, model="a/b") as unknown, pytest.raises(cc.ProblemAnswer):
        unknown.model()


def test_without_the_key_nothing_is_told(address: str) -> None:
    for key in (None, "another"):
        with cc.Client(address, key) as client, pytest.raises(cc.ProblemAnswer) as raised:
            client.clusters()
        assert (raised.value.status, raised.value.code) == (401, "unauthorised")


def test_every_problem_of_a_customer_is_an_attribute(client: cc.Client) -> None:
    with pytest.raises(cc.ProblemAnswer, match="422 invalid_customer") as raised:
        client.assign({"Total_Trans_Ct": 38.5, "Total_Trans_Amt": None})
    codes = {error.field: error.code for error in raised.value.errors}
    assert codes == {"Total_Trans_Ct": "not_an_integer", "Total_Trans_Amt": "missing",
                     "Total_Revolving_Bal": "missing"}  # fmt: skip


def test_values_of_pandas_and_numpy_are_values(client: cc.Client) -> None:
    frame = pd.DataFrame([LEAVER, LEAVER])
    items = list(client.assign_many(frame.to_dict("records")))
    rows = [{**LEAVER, "Total_Trans_Ct": np.int64(38), "Total_Trans_Amt": np.float32(1900)}]
    [item] = client.assign_many(rows)
    expected = client.assign(LEAVER)
    assert [each.assignment for each in (*items, item)] == [expected] * 3


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (Decimal("38.0"), b"38"), (Decimal("0.5"), b"0.5"), (Decimal("NaN"), b"null"),
        (np.float64("nan"), b"null"), (np.int64(3), b"3"), (np.bool_(True), b"true"),
        (float("inf"), b'"inf"'), (date(2026, 11, 27), b'"2026-11-27"'), (pd.NA, b"null"),
        (pd.NaT, b"null"), (pd.Timestamp(2026, 11, 27), b'"2026-11-27 00:00:00"'),
        (None, b"null"), ("ä", b'"\\u00e4"'),
    ],
)  # fmt: skip
def test_values_become_json_without_a_guess(value: object, json: bytes) -> None:
    assert written({"x": value}) == b'{"x": ' + json + b"}"


def test_what_is_no_customer_is_told_before_it_is_sent(client: cc.Client) -> None:
    with pytest.raises(TypeError, match="expected values by name, such as a dict, found list"):
        client.assign([LEAVER])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected values by name, such as a dict, found str"):
        list(client.assign_many(LEAVER))  # type: ignore[arg-type]


def test_batches_are_bounded_by_number_and_by_size() -> None:
    assert [len(batch) for batch in batches([b"{}"] * 2_001)] == [1_000, 1_000, 1]
    assert MOST_CUSTOMERS == MAX_BATCH
    large = [b"x" * (MOST_BYTES // 3)] * 7
    assert [len(batch) for batch in batches(large)] == [2, 2, 2, 1]
    assert [len(batch) for batch in batches([b"x" * MOST_BYTES * 2, b"{}"])] == [1, 1]


def test_a_batch_that_is_too_large_is_sent_by_its_halves(
    scripted: Scripted, connected: Connected
) -> None:
    def answer(asked: Asked) -> Reply:
        customers = asked.document["customers"]
        if len(customers) > 300:
            return Reply(413, {"code": "answer_too_large", "detail": "too large"})
        errors = [{"field": "x", "code": "missing", "value": "", "expected": "1"}]
        rejected = [{"index": index, "id": customer["x"], "errors": errors}
                    for index, customer in enumerate(customers)]  # fmt: skip
        head = {"model_version": "1", "contract_sha256": "", "clusters": {}}
        return Reply(200, {**head, "assigned": [], "rejected": rejected})

    client, waits = connected(scripted(*[answer] * 20).url)
    items = list(client.assign_many({"x": number} for number in range(1_500)))
    assert [item.id for item in items] == [item.index for item in items] == list(range(1_500))
    assert waits == []


def test_an_answer_that_leaves_somebody_out_is_none(
    scripted: Scripted, connected: Connected
) -> None:
    head = {"model_version": "1", "contract_sha256": "", "clusters": {}}
    client, _ = connected(scripted(Reply(200, {**head, "assigned": [], "rejected": []})).url)
    with pytest.raises(answers.StrangeAnswer):
        list(client.assign_many([LEAVER]))


def test_where_a_customer_was_is_told(scripted: Scripted, connected: Connected) -> None:
    place = {"as_of": "2026-10-31", "cluster": 5, "cluster_name": "A", "churn_rate": 0.5,
             "risk": None, "outlier": False, "churned": None, "implausible": [], "input": "a.csv",
             "run": "r", "model_version": "1"}  # fmt: skip
    document = {"id": "7", "places": [place], "runs_searched": 2, "runs_without_index": 1,
                "something": "new"}  # fmt: skip
    server = scripted(Reply(200, document))
    client, _ = connected(server.url, model="cards")
    found = client.customer(7)
    assert (found.places[0].as_of, found.places[0].cluster) == (date(2026, 10, 31), 5)
    assert server.asked[0].path == "/v1/customers/7"


def test_a_file_goes_there_and_its_results_come_back(client: cc.Client, tmp_path: Path) -> None:
    job = client.score_file(ROOT / "examples/customers.csv", why=1, format="parquet")
    seen: list[Job] = []
    ended = client.wait_for(job, 60, seen.append)
    assert (ended.id, ended.name, ended.state) == (job.id, "customers.csv", "succeeded")
    assert ended.counts is not None and ended.counts.rows_assigned == 995
    assert seen[-1] == ended == client.job(job.id)
    saved = client.download(ended, tmp_path)
    assert {"assigned", "rejected", "clusters", "summary", "report", "manifest"} == set(saved)
    assert "reason_1" in pd.read_parquet(saved["assigned"]).columns
    assert json.loads(saved["manifest"].read_text())["rows_in"] == ended.counts.rows_in
    client.delete_job(ended)
    with pytest.raises(cc.ProblemAnswer, match="404 job_gone"):
        client.job(ended)


def test_the_same_key_is_the_same_job(client: cc.Client, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_bytes(b"a,b\n1,2\n")
    first, again = (client.score_file(file, idempotency_key="monthly") for _ in range(2))
    assert first.id == again.id
    with pytest.raises(cc.ProblemAnswer, match=rf"job {re.escape(first.id)}: wrong.csv: .*422"):
        client.wait_for(again, 60)
    client.delete_job(first)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (answers.Assignment, schemas.AssignmentAnswer),
        (answers.Cluster, schemas.ClusterName),
        (answers.Churn, schemas.Churn),
        (answers.RiskScore, schemas.RiskScoreAnswer),
        (answers.RunnerUp, schemas.RunnerUp),
        (answers.Reason, schemas.ReasonAnswer),
        (answers.FieldProblem, schemas.FieldProblem),
        (answers.WhatIf, schemas.WhatIfAnswer),
        (answers.Change, schemas.ChangeAnswer),
        (answers.Clusters, schemas.ClustersAnswer),
        (answers.ClusterProfile, schemas.ClusterAnswer),
        (answers.Profile, schemas.ProfileAnswer),
        (answers.ModelFacts, schemas.ModelAnswer),
        (answers.NamedModel, schemas.ModelState),
        (answers.Challenger, schemas.ChallengerState),
        (answers.CustomerHistory, schemas.CustomerAnswer),
        (answers.Place, schemas.PlaceAnswer),
        (answers.Job, schemas.JobAnswer),
        (answers.JobCounts, schemas.JobCounts),
        (answers.JobCluster, schemas.JobCluster),
        (answers.JobNotice, schemas.JobNotice),
        (answers.JobOutput, schemas.JobOutput),
        (answers.JobUpload, schemas.JobUpload),
    ],
)
def test_results_have_the_fields_that_the_api_has(kind: Any, shape: Any) -> None:
    assert [field.name for field in fields(kind)] == list(shape.__annotations__)


def test_results_are_frozen(client: cc.Client) -> None:
    found = client.assign(LEAVER)
    with pytest.raises(AttributeError):
        found.margin = 1.0  # type: ignore[misc]
    assert hash(found.cluster)


def test_what_the_module_gives_is_all_there_and_explained() -> None:
    for name in answers.__all__:
        assert inspect.getdoc(getattr(answers, name)), name
    for name, member in inspect.getmembers(cc.Client, inspect.isfunction):
        assert name.startswith("_") or inspect.getdoc(member), name


def test_the_client_needs_the_standard_library_alone(address: str) -> None:
    code = f"""
import sys
import customer_clusters as cc
with cc.Client({address!r}, {KEY!r}) as client:
    list(client.assign_many([{LEAVER!r}]))
tops = {{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names)
print(sorted(tops - {{"__main__"}}))
"""
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert ran.stdout.strip() == "['customer_clusters', 'model_store']"
