"""Several models by name, in each of the other protocols."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.openapi.contract_schemas import example_customer
from functions.live_model import load
from functions.live_models import LiveModels
from functions.protocols.sagemaker import ATTRIBUTES
from functions.settings import Settings
from functions.settings.models import NamedModel
from model_store import BUNDLED, open_store
from tests.functions.conftest import Lines

TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture
def site(tmp_path: Path, lines: Lines) -> Iterator[TestClient]:
    """A default, another version, and a store that is not there."""
    settings = Settings(
        models=(
            NamedModel("cards", str(BUNDLED), "champion"),
            NamedModel("loans", str(BUNDLED), "original"),
            NamedModel("gone", str(tmp_path / "nothing"), "champion"),
        )
    )
    models = LiveModels.from_settings(settings, lines.append)
    models.default.refresh()
    with TestClient(create_app(models, settings, lines.append)) as client:
        yield client


@pytest.mark.parametrize(("name", "reference"), [("cards", "champion"), ("loans", "original")])
def test_each_protocol_names_its_model(
    site: TestClient, lines: Lines, name: str, reference: str
) -> None:
    loaded = load(open_store(BUNDLED), reference)
    version, customer = loaded.version, example_customer(loaded)
    at = f"/v2/models/{name}"
    known = site.get(at).json()
    assert known["versions"] == [version]
    assert site.get(f"{at}/versions/{version}/ready").json() == {"name": name, "ready": True}
    inputs = [
        {**each, "shape": [1], "data": [customer[each["name"]]]}
        for each in known["inputs"]
        if each["name"] in customer
    ]
    answer = site.post(f"{at}/infer", json={"inputs": inputs}).json()
    assert (answer["model_name"], answer["model_version"]) == (name, version)
    chosen = {ATTRIBUTES: f"model={name}"}
    invoked = site.post("/invocations", json=customer, headers=chosen).json()
    assert invoked["model_version"] == version
    assert lines[-1]["model"] == name
    tools = site.post(f"/mcp?model={name}", json=TOOLS).json()["result"]["tools"]
    own = site.get(f"/v1/models/{name}").json()["contract"]["features"]
    taken = tools[0]["inputSchema"]["properties"]["customer"]["required"]
    assert taken == [feature["name"] for feature in own]


def test_a_name_of_no_model_is_told_and_not_logged(
    site: TestClient, lines: Lines, leaver: dict[str, Any]
) -> None:
    for answer in (
        site.get("/v2/models/customer-4711/ready"),
        site.post("/invocations", json=leaver, headers={ATTRIBUTES: "model=customer-4711"}),
        site.post("/mcp?model=customer-4711", json=TOOLS),
        site.get("/v1/models/customer-4711/clusters"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_model")
        assert "customer-4711" not in json.dumps(lines[-1])


def test_a_model_that_cannot_be_had_leaves_the_others_answering(
    site: TestClient, leaver: dict[str, Any]
) -> None:
    gone = site.get("/v2/models/gone/ready")
    assert (gone.status_code, gone.json()["code"]) == (503, "model_unavailable")
    assert gone.json()["error"]
    chosen = {ATTRIBUTES: "model=gone"}
    assert site.post("/invocations", json=leaver, headers=chosen).status_code == 503
    assert site.post("/mcp?model=gone", json=TOOLS).status_code == 503
    assert site.get("/v2/health/ready").status_code == 200
    assert site.get("/ping").status_code == 200
