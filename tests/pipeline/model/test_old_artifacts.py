"""Artifacts of every format that was ever published must load for ever."""

from pathlib import Path

import pytest

from model_store import open_store
from pipeline.model.published.loading import load_model
from pipeline.training import Recipe
from tests.support.paths import DATA

ARTIFACTS = DATA / "artifacts"


@pytest.mark.parametrize("folder", sorted(ARTIFACTS.iterdir()), ids=lambda path: path.name)
def test_an_old_artifact_still_loads_and_answers_as_it_did(
    folder: Path, customer: dict[str, object]
) -> None:
    artifact = open_store(folder).open("original")
    artifact.verify()
    model = load_model(artifact)
    found = model.assign(customer)
    assert found.cluster.id == 3
    assert found.distance == pytest.approx(0.8185956013, abs=1e-9)


@pytest.mark.parametrize("folder", sorted(ARTIFACTS.iterdir()), ids=lambda path: path.name)
def test_the_recipe_of_an_old_artifact_still_means_k_means(folder: Path) -> None:
    stated = open_store(folder).open("original").manifest.facts["recipe"]
    assert Recipe(**stated).algorithm == "kmeans"
