"""The reasons of many customers are those of each one alone."""

import numpy as np
import pandas as pd
import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.explanations import explain_many
from pipeline.training import Trained


def assert_alike(model: ClusterModel, customers: pd.DataFrame) -> None:
    features = {str(name): customers[name].to_numpy() for name in customers}
    found = explain_many(model, features)
    for position, customer in enumerate(customers.to_dict("records")):
        alone = model.assign({str(name): value for name, value in customer.items()})
        assert model.clusters[found.own[position]] == alone.cluster
        assert model.clusters[found.runner_up[position]] == alone.runner_up
        parts = {reason.feature: reason.contribution for reason in alone.reasons}
        together = {name: part[position] for name, part in found.contributions.items()}
        assert together == pytest.approx(parts, abs=1e-12)


def test_with_a_rotation(model: ClusterModel) -> None:
    rng = np.random.default_rng(3)
    highest = {"Credit_Limit": 34_000, "Contacts_Count_12_mon": 6, "Total_Revolving_Bal": 2_500,
               "Avg_Utilization_Ratio": 1}  # fmt: skip
    customers = {name: rng.random(200) * high for name, high in highest.items()}
    customers["Contacts_Count_12_mon"] = customers["Contacts_Count_12_mon"].round()
    assert_alike(model, pd.DataFrame(customers))


def test_with_categories(gym_trained: Trained, gym_members: pd.DataFrame) -> None:
    customers = gym_members[["visits", "fee", "plan"]].sample(100, random_state=1)
    assert_alike(gym_trained.model, customers.astype({"plan": object, "visits": float}))


def test_of_nobody(model: ClusterModel) -> None:
    found = explain_many(model, {f.name: np.array([]) for f in model.contract.features})
    assert [len(part) for part in found.contributions.values()] == [0] * 4
    assert len(found.own) == len(found.runner_up) == 0
