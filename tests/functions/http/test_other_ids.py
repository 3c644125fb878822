"""Clusters whose ids have gaps, as retraining leaves them, in every place that shows clusters."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from functions.api import create_app
from functions.cli.main import main
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import BUNDLED, open_store
from pipeline.model.cluster_model import ClusterModel
from tests.support.paths import CUSTOMERS

RENUMBERED = {1: 2, 2: 7, 3: 40}
CUSTOMER = {
    "Credit_Limit": 12691,
    "Contacts_Count_12_mon": 3,
    "Total_Revolving_Bal": 777,
    "Avg_Utilization_Ratio": 0.061,
}


@pytest.fixture
def folder(model: ClusterModel, tmp_path: Path) -> Path:
    """A store with the original model under other ids."""
    clusters = tuple(replace(c, id=RENUMBERED[c.id]) for c in model.clusters)
    golden = tuple(replace(g, cluster=RENUMBERED[g.cluster]) for g in model.golden)
    other = replace(model, clusters=clusters, golden=golden)
    bundled = open_store(BUNDLED).open("original")
    store = open_store(tmp_path / "store")
    version = store.publish({"model.json": other.to_json()}, bundled.manifest.facts).version
    store.promote(version, "a test", "somebody")
    return tmp_path / "store"


def test_one_customer_is_told_the_id(folder: Path) -> None:
    values = [f"{name}={value}" for name, value in CUSTOMER.items()]
    told = CliRunner().invoke(main, ["assign", *values, "--store", str(folder)]).stdout
    assert "Group 40: Little revolving balance, low utilization" in told
    assert "Cluster 40 of" not in told


def test_a_file_is_scored_with_the_ids(folder: Path, tmp_path: Path) -> None:
    examples = CUSTOMERS
    arguments = ["score", str(examples), "--out", str(tmp_path), "--json", "--store"]
    manifest = json.loads(CliRunner().invoke(main, [*arguments, str(folder)]).stdout)
    summary = json.loads((tmp_path / manifest["outputs"]["summary"]).read_bytes())
    assert [cluster["cluster"] for cluster in summary["clusters"]] == [2, 7, 40]
    assert sum(cluster["customers"] for cluster in summary["clusters"]) == manifest["rows_assigned"]


def test_the_server_answers_with_the_ids(folder: Path) -> None:
    live_model = LiveModel(open_store(folder), "champion", log=lambda line: None)
    live_model.refresh()
    with TestClient(create_app(live_model, Settings(), log=lambda line: None)) as client:
        assert client.post("/v1/assign", json=CUSTOMER).json()["cluster"]["id"] == 40
        assert client.get("/v1/clusters/7").json()["id"] == 7
        assert client.get("/v1/clusters/1").status_code == 404
        assert 'id="group-40"' in client.get("/clusters").text
        assert client.get("/openapi.json").status_code == 200
