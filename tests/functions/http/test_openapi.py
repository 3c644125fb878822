"""The OpenAPI document: true to the contract, and held to by the server."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from starlette.testclient import TestClient

from functions.http.openapi.contract_schemas import customer_schema, feature_schema
from pipeline.model.contract import Contract
from tests.support.live import serve

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.routing import Route

Clients = Callable[..., TestClient]
FOR_MACHINES = ("/v1/", "/health/")  # other protocols describe themselves
OF_ONE_MODEL = "/v1/models/{model}"  # which has a document of its own
CONFIG = Path(__file__).with_name("schemathesis.toml")


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


def test_every_address_for_machines_is_described(client_for: Clients) -> None:
    app = cast("FastAPI", client_for(results="results", index_key="a secret").app)
    document = app.openapi()
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    for route in cast("list[Route]", app.routes):
        path = route.path.replace(":path}", "}")
        if path.startswith(FOR_MACHINES) and not path.startswith(OF_ONE_MODEL):
            for method in (route.methods or set()) - {"HEAD"}:
                assert (method, path) in described


def test_operations_have_a_name_a_tag_and_every_field_a_description(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = [item for path in document["paths"].values() for item in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert {"assignCustomer", "assignBatch", "getCluster"} <= set(ids)
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for operation in operations for tag in operation["tags"]} == tags
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        for field, about in schema["properties"].items():
            assert about["description"], f"{name}.{field}"


def test_answers_are_what_the_schemas_say(client: TestClient, leaver: dict[str, Any]) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    risk = schemas["Churn"]["properties"]["risk"]["enum"]
    assert client.post("/v1/assign", json=leaver).json()["churn"]["risk"] in risk
    assert schemas["ReadyAnswer"]["properties"]["loaded_at"]["format"] == "date-time"
    assert schemas["Batch"]["properties"]["customers"]["items"]["$ref"].endswith("/Customer")
    problem = client.post("/v1/assign", json={**leaver, "Total_Trans_Ct": "many"}).json()
    assert problem["code"] in schemas["ProblemDocument"]["properties"]["code"]["enum"]
    (field,) = problem["errors"]
    assert field["code"] in schemas["FieldProblem"]["properties"]["code"]["enum"]


def test_errors_have_an_example_each(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    shared = document["components"]["responses"]
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    name = response.get("$ref", "").rpartition("/")[2]
                    examples = shared.get(name, response)["content"]["application/problem+json"][
                        "examples"
                    ]
                    for code, example in examples.items():
                        value = example["value"]
                        assert (value["code"], value["status"]) == (code, int(status)), path


def test_the_document_says_how_to_show_a_key_where_one_is_needed(client_for: Clients) -> None:
    document = client_for().get("/openapi.json").json()
    assert document["security"] == []
    assert "securitySchemes" not in document["components"]
    assert "401" not in document["paths"]["/v1/assign"]["post"]["responses"]
    keyed = client_for(api_keys=(hashlib.sha256(b"key").hexdigest(),))
    document = keyed.get("/openapi.json", headers={"X-API-Key": "key"}).json()
    schemes = document["components"]["securitySchemes"]
    assert document["security"] == [{name: []} for name in schemes]
    kinds = {
        (scheme["type"], scheme.get("scheme", scheme.get("name"))) for scheme in schemes.values()
    }
    assert kinds == {("http", "bearer"), ("http", "basic"), ("apiKey", "X-API-Key")}
    assert document["paths"]["/health/live"]["get"]["security"] == []


def test_the_server_of_the_document_is_where_it_was_asked_for(browser_over: Clients) -> None:
    for root in ("/prod", ""):
        document = browser_over(root_path=root).get("/openapi.json").json()
        assert [server["url"] for server in document["servers"]] == [root or "/"]


@pytest.mark.parametrize("keys", [False, True], ids=["open", "with a key"])
def test_the_server_keeps_to_its_document(keys: bool, tmp_path: Path) -> None:
    environment, header = {}, []
    if keys:
        environment["CUSTOMER_CLUSTERS_API_KEYS"] = hashlib.sha256(b"key").hexdigest()
        header = ["--header", "Authorization: Bearer key"]
    with serve(environment) as address:
        done = subprocess.run(
            [
                Path(sys.executable).parent / "schemathesis", "--config-file", CONFIG,
                "run", f"{address}/openapi.json",
                *header, "--max-examples", "40", "--seed", "1", "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert (covered := re.search(r"(\d+) covered / \d+ selected / (\d+) total", done.stdout))
    assert 2 <= int(covered[1]) <= int(covered[2])  # by chance, and half of it without a key
