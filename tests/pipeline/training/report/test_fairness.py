"""Whether a column is sensitive is declared, never guessed from its name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.model.contract import Contract, Feature
from pipeline.training import Trained, train
from pipeline.training.clusters.characteristics import characteristics
from pipeline.training.report.fairness import Fairness, fairness
from pipeline.training.report.page import render
from tests.support.gym import LIGHT, RECIPE

SENIOR = Feature("SeniorCitizen", "category", "Senior", values=("0", "1"), sensitive=True)


def measured(trained: Trained) -> Fairness:
    return fairness(trained, characteristics(trained.customers, trained.fitted.labels))


def marked(contract: Contract, name: str, sensitive: bool) -> Contract:
    features = (
        replace(feature, sensitive=sensitive) if feature.name == name else feature
        for feature in contract.features
    )
    return replace(contract, features=tuple(features))


@pytest.fixture
def seniors(gym_members: pd.DataFrame, tmp_path: Path) -> Path:
    """Members of whom those who come rarely are seniors."""
    path = tmp_path / "members.csv"
    senior = np.where(gym_members["visits"] < 8, "1", "0")
    gym_members.assign(SeniorCitizen=senior).to_csv(path, index=False)
    return path


def test_a_contract_that_declares_nothing_clears_nothing(gym_trained: Trained) -> None:
    found = measured(gym_trained)
    assert not found.declared
    assert found.undeclared == ("Visits", "Fee", "Plan")
    html = render(gym_trained).html
    assert "Nobody has declared which columns are sensitive" in html
    assert "reads no column that the contract declares sensitive" not in html


def test_a_declared_trait_is_measured_whatever_it_is_called(
    seniors: Path, gym_contract: Contract
) -> None:
    contract = replace(gym_contract, features=(*gym_contract.features, SENIOR))
    trained = train(seniors, contract, RECIPE, lambda step: None, LIGHT)
    found = measured(trained)
    assert [(trait.label, trait.read) for trait in found.traits] == [("Senior", False)]
    assert found.traits[0].association > 0.9
    assert not found.read
    html = render(trained).html
    assert "The model reads no column that the contract declares sensitive." in html
    assert "Not declared either way, and not measured here: Visits, Fee, Plan." in html


def test_a_sensitive_feature_of_the_model_is_named(seniors: Path, gym_contract: Contract) -> None:
    contract = marked(gym_contract, "plan", True)
    trained = train(seniors, contract, RECIPE, lambda step: None, LIGHT)
    assert [trait.label for trait in measured(trained).read] == ["Plan"]
    assert "The model reads Plan, which the contract declares sensitive" in render(trained).html


def test_a_contract_that_declares_a_column_harmless_has_declared(
    gym_trained: Trained, gym_contract: Contract
) -> None:
    contract = marked(gym_contract, "plan", False)
    customers = replace(gym_trained.customers, contract=contract)
    found = measured(replace(gym_trained, customers=customers))
    assert found.declared
    assert found.traits == ()
    assert found.undeclared == ("Visits", "Fee")
