"""The reasons of many customers are those of each one alone."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from model_store import BUNDLED, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Value
from pipeline.model.many.explanations import explain_many, reasons_of
from pipeline.model.many.located import Located
from pipeline.model.published.loading import load_model
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


def assert_located_alike(model: ClusterModel, customers: Sequence[Mapping[str, Value]]) -> None:
    features = {
        f.name: np.array(
            [customer[f.name] for customer in customers], float if f.numeric else object
        )
        for f in model.contract.features
    }
    located = Located.of(model, features)
    reasons = reasons_of(model, features, located.found)
    assert len(located) == len(customers)
    for index, customer in enumerate(customers):
        many, alone = located.one(index, reasons[index]), model.locate(customer)
        for name in ("cluster", "runner_up", "unusual", "combination", "outlier"):
            assert getattr(many, name) == getattr(alone, name)
        for name in ("distance", "runner_up_distance", "margin", "residual"):
            assert getattr(many, name) == pytest.approx(getattr(alone, name), rel=1e-12, abs=1e-12)
        for name in ("feature", "value", "sentence", "border", "border_cluster"):
            assert [getattr(reason, name) for reason in many.reasons] == [
                getattr(reason, name) for reason in alone.reasons
            ]
        parts = [reason.contribution for reason in alone.reasons]
        assert [reason.contribution for reason in many.reasons] == pytest.approx(parts, abs=1e-12)


def test_many_are_located_as_one_alone(
    model: ClusterModel, gym_trained: Trained, gym_members: pd.DataFrame
) -> None:
    rng = np.random.default_rng(5)
    champion = load_model(open_store(BUNDLED).open("champion"))
    for each in (model, champion):
        customers: list[dict[str, Value]] = [
            {
                f.name: float(rng.integers(0, 40_000 if f.unit else 120))
                for f in each.contract.features
            }
            for _ in range(200)
        ]
        assert_located_alike(each, customers)
    members = gym_members.head(100).to_dict("records")
    parse = gym_trained.model.contract.parse
    assert_located_alike(
        gym_trained.model, [parse({str(k): v for k, v in it.items()}) for it in members]
    )
    assert_located_alike(model, [])
