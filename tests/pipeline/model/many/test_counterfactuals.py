"""The smallest changes of many customers are those of each one alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract.feature import Actionable
from pipeline.model.counterfactuals import find_counterfactuals, smallest_counterfactual
from pipeline.model.many.counterfactuals import smallest_changes
from pipeline.model.many.explanations import customer_at, explain_many
from pipeline.model.published.loading import load_model
from pipeline.training import Trained
from tests.support.weights import with_weighty_categories

MODELS = {name: load_model(open_store(BUNDLED).open(name)) for name in (CHAMPION, "original")}


def assert_alike(model: ClusterModel, features: dict[str, NDArray[Any]]) -> int:
    """The changes of all customers are those of each; how many there are."""
    found = explain_many(model, features)
    changes = smallest_changes(model, features, found.points, found.own)
    for row in range(len(found.own)):
        customer = customer_at(features, row)
        alone = smallest_counterfactual(find_counterfactuals(model, customer).values())
        if alone is None:
            assert changes.feature[row] == changes.cluster[row] == -1
            continue
        feature = model.contract.features[changes.feature[row]]
        category = changes.category[row]
        value = feature.values[category] if category >= 0 else changes.number[row]
        assert (feature.name, value) == (alone.feature, alone.value)
        assert model.clusters[changes.cluster[row]] == alone.cluster
    return int((changes.feature >= 0).sum())


@pytest.mark.parametrize("name", MODELS)
def test_of_real_customers(name: str, bank_churners: Path) -> None:
    model = MODELS[name]
    table = pd.read_csv(bank_churners)[[f.name for f in model.contract.features]].astype(float)
    assert assert_alike(model, {str(column): table[column].to_numpy() for column in table}) > 10_000


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", ["up", "down", "no"])
def test_of_changes_that_are_possible_one_way_alone(name: str, way: Actionable) -> None:
    model = MODELS[name]
    last = model.contract.features[-1].name
    features = tuple(
        replace(f, actionable=way if f.name == last else "both") for f in model.contract.features
    )
    narrow = replace(model, contract=replace(model.contract, features=features))
    rng = np.random.default_rng(7)
    highest = {"Avg_Utilization_Ratio": 1.0, "Contacts_Count_12_mon": 6.0, "Total_Trans_Ct": 130.0}
    values = {f.name: rng.random(300) * highest.get(f.name, 9_000.0) for f in features}
    for feature in features:
        if feature.type == "integer":
            values[feature.name] = values[feature.name].round()
    assert assert_alike(narrow, values)


@pytest.mark.parametrize("factor", [1, 4])
def test_of_customers_with_categories(
    factor: int, gym_trained: Trained, gym_members: pd.DataFrame
) -> None:
    members = gym_members[["visits", "fee", "plan"]].head(200)
    features = {
        "visits": members["visits"].to_numpy(float),
        "fee": members["fee"].to_numpy(float),
        "plan": members["plan"].to_numpy(object),
    }
    assert assert_alike(with_weighty_categories(gym_trained.model, factor), features)


def test_of_nobody() -> None:
    assert assert_alike(MODELS[CHAMPION], {f: np.array([]) for f in (
        "Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")}) == 0  # fmt: skip
