"""One customer gets one answer, whichever way it comes in."""

import base64
import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel
from functions.settings import Settings
from tests.functions.http.test_lambda_adapter import event
from tests.support.batches import assert_near, whole
from tests.support.live import COMMAND

ROWS = 500
READ = ("Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")


@pytest.fixture(scope="session")
def real_rows(bank_churners: Path) -> list[dict[str, str]]:
    """Every twentieth customer of the real file."""
    with bank_churners.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[::20][:ROWS]


@pytest.mark.usefixtures("event_loop")
def test_real_customers_get_the_same_answer_over_http_through_mangum_and_in_a_file(
    real_rows: list[dict[str, str]], client: TestClient, live_model: LiveModel, tmp_path: Path
) -> None:
    customers = [{**row, **{name: float(row[name]) for name in READ}} for row in real_rows]
    handler = handler_for(create_app(live_model, Settings(), log=lambda line: None))

    def mangum(customer: dict[str, Any]) -> Any:
        body = base64.b64encode(json.dumps(customer).encode()).decode()
        answer = handler(event("http_api_v2", body=body, isBase64Encoded=True), None)
        return json.loads(answer["body"])

    http = [client.post("/v1/assign", json=customer).json() for customer in customers]
    batch = client.post("/v1/assign/batch", json={"customers": customers}).json()
    scored = score(real_rows, tmp_path)

    assert len(http) == ROWS
    assert [mangum(customer) for customer in customers] == http
    assert_near([whole(batch, item) for item in batch["assigned"]], http)
    assert [row["CLIENTNUM"] for row in scored] == [answer["id"] for answer in http]
    assert [int(row["cluster"]) for row in scored] == [a["cluster"]["id"] for a in http]
    assert [row["distance"] for row in scored] == [f"{a['distance']:.6f}" for a in http]


def score(rows: list[dict[str, str]], folder: Path) -> list[dict[str, str]]:
    """The rows that `customer-clusters score` writes for a file of these rows."""
    path = folder / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    subprocess.run(
        [COMMAND, "score", path, "--out", folder / "results"], check=True, capture_output=True
    )
    (assigned,) = folder.glob("**/assigned.csv")
    with assigned.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
