"""The OpenAPI document: true to the contract, and held to by the server."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from functions.http.openapi import customer_schema, feature_schema
from pipeline.model.contract import Contract
from tests.support.live import serve

Clients = Callable[..., TestClient]


def test_the_document_names_the_fields_of_the_model_that_answers(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    customer = schemas["Customer"]
    assert customer["required"] == ["Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct"]
    transactions = customer["properties"]["Total_Trans_Ct"]
    assert (transactions["type"], transactions["minimum"]) == ("integer", 0)
    assert transactions["maximum"] == 1_000_000
    assert "USD" in customer["properties"]["Total_Trans_Amt"]["description"]
    assert schemas["ReasonAnswer"]["properties"]["feature"]["enum"] == customer["required"]


def test_the_examples_of_the_document_are_answered(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    (customer,), (batch,) = schemas["Customer"]["examples"], schemas["Batch"]["examples"]
    assert client.post("/v1/assign", json=customer).status_code == 200
    assert len(client.post("/v1/assign/batch", json=batch).json()["assigned"]) == 1


def test_another_contract_gives_another_document(gym_contract: Contract) -> None:
    schema = customer_schema(gym_contract)
    assert schema["required"] == ["fee", "plan"]
    assert schema["properties"]["plan"]["enum"] == ["basic", "plus"]
    visits = schema["properties"]["visits"]
    assert (visits["type"], visits["default"]) == (["integer", "null"], 0)
    fee = schema["properties"]["fee"]
    assert (fee["minimum"], fee["maximum"]) == (0, 1e38)
    assert schema["properties"]["member"]["type"] == ["string", "integer", "null"]


def test_an_optional_category_may_be_null(gym_contract: Contract) -> None:
    from dataclasses import replace

    plan = replace(gym_contract.features[2], missing="basic")
    assert feature_schema(plan)["enum"] == ["basic", "plus", None]


@pytest.mark.parametrize("keys", [False, True], ids=["open", "with a key"])
def test_the_server_keeps_to_its_document(keys: bool, tmp_path: Path) -> None:
    import hashlib

    environment, header = {}, []
    if keys:
        environment["CUSTOMER_CLUSTERS_API_KEYS"] = hashlib.sha256(b"key").hexdigest()
        header = ["--header", "X-API-Key: key"]
    with serve(environment) as address:
        done = subprocess.run(
            [
                Path(sys.executable).parent / "schemathesis", "run", f"{address}/openapi.json",
                *header, "--checks", "all", "--max-examples", "40", "--seed", "1", "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "POST /v1/assign" in done.stdout or "8 selected" in done.stdout
