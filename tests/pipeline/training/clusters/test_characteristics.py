from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association as scipy_association

from pipeline.model.contract import Contract
from pipeline.training import Recipe, train
from pipeline.training.clusters.characteristics import association, characteristics
from tests.support.gym import LIGHT


def test_features_that_the_model_does_not_read_describe_the_clusters(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    frame = gym_members.astype(object)
    frame.loc[0, "plan"] = "gold"  # unusable, and no reason to leave the customer out
    path = tmp_path / "members.csv"
    frame.to_csv(path, index=False)
    recipe = Recipe("gym", "Gym", ("visits", "fee"), 3, n_init=3)
    trained = train(path, gym_contract, recipe, lambda step: None, LIGHT)
    assert trained.cleaning.rows_used == 600
    (plan,) = characteristics(trained.customers, trained.fitted.labels)
    assert plan.feature.name == "plan"
    assert [what for what, _, _ in plan.lines] == ["basic", "plus"]
    assert plan.lines[1][1] == pytest.approx((1, 0, 0))  # the cluster of the lowest churn
    assert plan.lines[1][2] == pytest.approx(200 / 599)
    assert plan.association == pytest.approx(1)


def test_association_is_cramers_v(gym_contract: Contract) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(3, size=500)
    values = np.where(rng.random(500) < 0.3 + 0.2 * labels, "plus", "basic").astype(object)
    plan = gym_contract.features[2]
    expected = scipy_association(pd.crosstab(labels, values).to_numpy(), method="cramer")
    assert association(plan, values, labels) == pytest.approx(expected)


def test_traits_of_the_real_customers_are_measured(
    bank_churners: Path, bank_contract: Contract
) -> None:
    recipe = Recipe("two", "Two", ("Total_Trans_Ct", "Total_Revolving_Bal"), 3, n_init=3)
    trained = train(bank_churners, bank_contract, recipe, lambda step: None, LIGHT)
    found = {c.feature.name: c for c in characteristics(trained.customers, trained.fitted.labels)}
    assert {"Customer_Age", "Gender", "Income_Category", "Marital_Status"} <= set(found)
    assert not {"Total_Trans_Ct", "Attrition_Flag", "CLIENTNUM"} & set(found)
    shares = [line[2] for line in found["Education_Level"].lines]
    assert sum(shares) == pytest.approx(1)
