"""No sentence of a reason contradicts its figures, nor what the model would answer."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.contract import Feature, Value, exact
from pipeline.model.geometry import squared_distance
from pipeline.model.published.loading import load_model
from pipeline.model.reasons import NEGLIGIBLE, Reason
from pipeline.training import Trained

MODELS = {name: load_model(open_store(BUNDLED).open(name)) for name in (CHAMPION, "original")}


def lead(model: ClusterModel, customer: Mapping[str, Value], found: Assignment) -> float:
    """By how much the cluster is nearer than the runner-up, in squared distances."""
    u = model.space.rotate(model.standardise(customer))
    further = squared_distance(u, found.runner_up.centre)
    return further - squared_distance(u, found.cluster.centre)


def assert_true(model: ClusterModel, customer: Mapping[str, Value]) -> None:
    """Every reason of a customer says what its figures are, and what would be is so."""
    found = model.locate(customer)
    parts = {reason.feature: reason.contribution for reason in found.reasons}
    total, most = sum(parts.values()), sum(map(abs, parts.values()))
    assert total == pytest.approx(lead(model, customer, found), abs=1e-9 * (1 + most))
    features = {feature.name: feature for feature in model.contract.features}
    for reason in found.reasons:
        silent = abs(reason.contribution) <= NEGLIGIBLE * most and reason.contribution < total
        verdicts = {"makes no difference": silent,
                    "speaks for": not silent and reason.contribution >= 0,
                    "speaks against": not silent and reason.contribution < 0}  # fmt: skip
        assert {words: words in reason.sentence for words in verdicts} == verdicts
        feature = features[reason.feature]
        assert_border(model, customer, feature, found, reason, silent=silent)


def assert_border(
    model: ClusterModel, customer: Mapping[str, Value], feature: Feature, found: Assignment,
    reason: Reason, *, silent: bool,
) -> None:  # fmt: skip
    told = reason.border is not None
    assert ("would begin at" in reason.sentence) == told == (reason.border_cluster is not None)
    if silent or not feature.numeric:
        assert not told
        return
    value, border = float(customer[feature.name]), reason.border
    column = [c.feature for c in model.columns].index(feature.name)
    weight = model.space.weights(found.cluster.centre, found.runner_up.centre)[column]
    if border is None:
        way = "higher" if weight < 0 else "lower"
        assert f"no {way} value alone would change the group" in reason.sentence
        end = feature.valid.high if weight < 0 else feature.valid.low
        if end is not None:
            assert cluster_with(model, customer, feature, end) == found.cluster.id
        return
    assert exact(border, feature.unit) in reason.sentence
    assert f"group {reason.border_cluster} would begin" in reason.sentence
    assert (border > value) == (weight < 0)  # on the way to the runner-up
    assert feature.parse(border) == border
    assert cluster_with(model, customer, feature, border) != found.cluster.id
    step = 10.0 ** (math.floor(math.log10(max(abs(border), abs(value), 1e-6))) - 5)  # of six digits
    short = max(min(abs(border - value) * 0.98, abs(border - value) - 2 * step), 0.0)
    if feature.type == "integer":
        short = abs(border - value) - 1
    before = value - short if weight > 0 else value + short
    assert cluster_with(model, customer, feature, before) == found.cluster.id


def cluster_with(
    model: ClusterModel, customer: Mapping[str, Value], feature: Feature, value: float
) -> int:
    return model.clusters[model.nearest({**customer, feature.name: value})].id


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data())
def test_of_invented_customers(name: str, data: st.DataObject) -> None:
    model = MODELS[name]
    customer: dict[str, Value] = {}
    for feature in model.contract.features:
        low = feature.valid.low or 0.0
        high = min(feature.valid.high or 1e6, 60_000.0)
        whole = st.integers(int(low), int(high)).map(float)
        drawn = whole if feature.type == "integer" else st.floats(low, high)
        customer[feature.name] = data.draw(drawn, feature.name)
    assert_true(model, customer)


@pytest.mark.parametrize("name", MODELS)
def test_of_all_real_customers(name: str, bank_churners: Path) -> None:
    model = MODELS[name]
    names = [feature.name for feature in model.contract.features]
    for customer in pd.read_csv(bank_churners)[names].astype(float).to_dict("records"):
        assert_true(model, {str(key): value for key, value in customer.items()})


def test_of_customers_with_a_category(gym_trained: Trained, gym_members: pd.DataFrame) -> None:
    for row in gym_members[["visits", "fee", "plan"]].head(100).to_dict("records"):
        customer = gym_trained.model.contract.parse({str(key): cell for key, cell in row.items()})
        assert_true(gym_trained.model, customer)


def test_the_border_may_belong_to_a_third_cluster() -> None:
    model = MODELS[CHAMPION]
    names = [feature.name for feature in model.contract.features]
    thirds = 0
    for amount in range(500, 15_000, 500):
        for count in range(10, 120, 10):
            values = dict(zip(names, (600.0, float(amount), float(count)), strict=True))
            found = model.locate(values)
            thirds += any(r.border_cluster not in (None, found.runner_up.id) for r in found.reasons)
    assert thirds
