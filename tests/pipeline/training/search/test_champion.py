"""The shipped champion, and the search that found it, on the real customers."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from model_store import BUNDLED, CHAMPION, Artifact, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.training import Recipe, train, train_by_search
from tests.support.gym import LIGHT


@pytest.fixture(scope="module")
def champion() -> Artifact:
    return open_store(BUNDLED).open(CHAMPION)


@pytest.fixture(scope="module")
def champion_model(champion: Artifact) -> ClusterModel:
    return load_model(champion)


@pytest.fixture(scope="module")
def recipe(champion: Artifact) -> Recipe:
    return Recipe.from_dict(champion.manifest.facts["recipe"])


def reaches_every_target(metrics: Mapping[str, Any], features: int) -> None:
    assert metrics["silhouette_model_space"] >= 0.55
    assert metrics["silhouette_standardised_space"] >= 0.50
    assert metrics["churn_auc"] >= 0.82
    assert metrics["churn_auc_untouched"] >= 0.82
    assert metrics["lowest_churn"] <= 0.03
    assert metrics["highest_churn"] >= 0.60
    assert metrics["weakest_jaccard"] >= 0.95
    assert features <= 4


def test_the_champion_states_that_it_reaches_every_target(champion: Artifact) -> None:
    champion.verify()
    facts = champion.manifest.facts
    reaches_every_target(facts["metrics"], len(facts["recipe"]["features"]))


@pytest.mark.search
def test_the_search_finds_the_champion_again(
    bank_churners: Path, bank_contract: Contract, recipe: Recipe, champion_model: ClusterModel
) -> None:
    trained = train_by_search(bank_churners, bank_contract, lambda step: None)
    assert trained.recipe == recipe
    reaches_every_target(trained.metrics, len(trained.recipe.features))
    assert [c.size for c in trained.model.clusters] == [c.size for c in champion_model.clusters]
    assert [c.name for c in trained.model.clusters] == [c.name for c in champion_model.clusters]


def test_the_number_of_threads_does_not_change_a_byte(
    bank_churners: Path, bank_contract: Contract, recipe: Recipe
) -> None:
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            trained = train(bank_churners, bank_contract, recipe, lambda step: None, LIGHT)
        found.append(trained.model.to_json())
    assert found[0] == found[1]


def test_every_real_customer_gets_the_champions_pipelines_cluster(
    bank_churners: Path, champion: Artifact, champion_model: ClusterModel
) -> None:
    names = [feature.name for feature in champion_model.contract.features]
    frame = pd.read_csv(bank_churners)[names].astype(float)
    many = champion_model.assign_many({name: frame[name].to_numpy() for name in names})
    pipeline = joblib.load(io.BytesIO(champion.read("pipeline.joblib")))
    np.testing.assert_array_equal(many.cluster, pipeline.predict(frame) + 1)
    for index, row in enumerate(frame.to_dict("records")):
        one = champion_model.assign({str(name): value for name, value in row.items()})
        assert one.cluster.id == many.cluster[index]
        assert one.distance == pytest.approx(many.distance[index], abs=1e-12)
