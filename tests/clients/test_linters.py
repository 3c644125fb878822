"""Two linters read the document as people who take an API over do, and find nothing."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from model_store import BUNDLED
from tests.support.npm import run
from tests.support.web import app_over

RULES = Path(__file__).with_name("spectral.cjs")


@pytest.fixture
def documents(gym_models: Path, document: Path, tmp_path: Path) -> list[Path]:
    """Of a server with everything, of an open one over a model with categories, of one model."""
    everything = {"results": "results", "index_key": "a secret"}
    for name, store, settings, address in (
        ("everything", BUNDLED, everything, "/openapi.json"),
        ("gym", gym_models, {}, "/openapi.json"),
        ("model", BUNDLED, {}, "/v1/models/default/openapi.json"),
    ):
        with TestClient(app_over("champion", store, **settings)) as client:
            described = client.get(address).json()
        (tmp_path / f"{name}.json").write_text(json.dumps(described, indent=1))
    return [document, *sorted(tmp_path.glob("*.json"))]


def test_redocly_and_spectral_find_nothing(documents: list[Path], npm: Path) -> None:
    # the strict rules: what the recommended ones warn of is an error
    run(npm / ".bin" / "redocly", "lint", "--extends", "recommended-strict", *documents)
    assert run("node", RULES, *documents).stdout == ""
    assert len(documents) == 4
