"""Counts that add up, and medians from them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.summary.summary import summarise
from pipeline.scoring.summary.tally import Tally


def tally_of(model: ClusterModel, values: dict[str, np.ndarray]) -> Tally:
    found = model.assign_many(values)
    ids = [cluster.id for cluster in model.clusters]
    positions = np.searchsorted(ids, found.cluster)
    churned = np.where(values["Credit_Limit"] > 9_000, 1.0, 0.0)
    return Tally.of(model, positions, found, values, churned, [("Credit_Limit missing", 7)])


def invented(model: ClusterModel, n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {
        "Contacts_Count_12_mon": rng.integers(0, 7, n).astype(float),
        "Credit_Limit": rng.gamma(2, 5_000, n),
        "Total_Revolving_Bal": rng.integers(0, 2_500, n).astype(float),
        "Avg_Utilization_Ratio": rng.random(n),
    }


@given(cuts=st.lists(st.integers(0, 3_000), max_size=8))
def test_any_way_of_cutting_a_file_gives_the_same_summary(
    model: ClusterModel, cuts: list[int]
) -> None:
    values = invented(model, 3_000)
    bounds = [0, *sorted(cuts), 3_000]
    parts = [
        tally_of(model, {name: column[low:high] for name, column in values.items()})
        for low, high in itertools.pairwise(bounds)
    ]
    total = Tally.empty(model)
    for part in reversed(parts):
        other = Tally.empty(model)
        other.add(part)
        total.add(other)
    whole = Tally.empty(model)
    whole.add(tally_of(model, values))
    first, second = dict(summarise(model, total)), dict(summarise(model, whole))
    for summary in (first, second):
        summary.pop("rejected_for")
        summary.pop("rejected_first_rows")
        summary.pop("rows_rejected")
        summary.pop("rows_in")
    assert first == second


def test_medians_are_within_a_thousandth_and_exact_for_small_whole_numbers(
    model: ClusterModel,
) -> None:
    values = invented(model, 20_001)
    total = Tally.empty(model)
    total.add(tally_of(model, values))
    found = model.assign_many(values)
    for position, cluster in enumerate(model.clusters):
        inside = found.cluster == cluster.id
        contacts = np.sort(values["Contacts_Count_12_mon"][inside])
        exact = contacts[(len(contacts) - 1) // 2]
        assert total.median("Contacts_Count_12_mon", position, whole=True) == exact
        limit = total.median("Credit_Limit", position, whole=False)
        assert limit == pytest.approx(np.median(values["Credit_Limit"][inside]), rel=2e-3)


@pytest.mark.parametrize("value", [-1e30, -2.5, -0.0, 0.0, 1e-30, 0.061, 1023.0, 1e30])
def test_a_median_of_one_value_is_that_value(model: ClusterModel, value: float) -> None:
    total = Tally.empty(model)
    values = {name: np.array([1.0]) for name in total.sums} | {"Credit_Limit": np.array([value])}
    total.add(tally_of(model, values))
    (position,) = np.flatnonzero(total.customers)
    found = total.median("Credit_Limit", int(position), whole=False)
    assert found == pytest.approx(value, rel=1e-3, abs=1e-37)


def test_the_median_of_zeros_is_zero_and_of_nobody_nothing(model: ClusterModel) -> None:
    total = Tally.empty(model)
    values = {name: np.zeros(3) for name in total.sums}
    total.add(tally_of(model, values))
    assert total.median("Credit_Limit", None, whole=True) == 0.0
    assert total.median("Credit_Limit", None, whole=False) == 0.0
    (empty, *_) = np.flatnonzero(total.customers == 0)
    assert total.median("Credit_Limit", int(empty), whole=False) is None


def test_the_first_rejected_rows_are_the_same_however_the_file_is_cut(model: ClusterModel) -> None:
    def counted(rejected: list[tuple[str, int]]) -> Tally:
        values = {name: np.zeros(0) for name in Tally.empty(model).sums}
        nobody = np.zeros(0, np.intp)
        return Tally.of(model, nobody, model.assign_many(values), values, None, rejected)

    rejected = [("a missing", row) for row in (2, 5, 7, 11)]
    whole, cut = Tally.empty(model), Tally.empty(model)
    whole.add(counted(rejected))
    for part in (rejected[3:], rejected[:1], rejected[1:3]):
        cut.add(counted(part))
    assert whole.first_rejected == cut.first_rejected == {"a missing": [2, 5, 7]}
