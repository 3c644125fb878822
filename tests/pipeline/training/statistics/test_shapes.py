"""Churn along a column: any shape is seen, chance is not, and many values gain nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.training.statistics.effects import cohens_d, corrected_v
from pipeline.training.statistics.shapes import MISSING, OTHERS, number_shape, value_shape


def test_a_number_that_rises_and_falls_is_seen_though_the_means_are_equal() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(-1, 1, 4000)
    churned = rng.random(4000) < np.where(np.abs(values) > 0.6, 0.45, 0.05)
    d = cohens_d(values[~churned], values[churned])
    shape = number_shape(values, churned)
    assert d is not None
    assert abs(d) < 0.1
    assert shape is not None
    assert shape.auc > 0.75
    assert shape.cramers_v > 0.4
    assert [level.churn.rate > 0.2 for level in shape.levels] == [True] * 2 + [False] * 6 + [
        True
    ] * 2


def test_levels_are_tenths_that_hold_every_customer_once() -> None:
    rng = np.random.default_rng(2)
    values, churned = rng.lognormal(size=1003), rng.random(1003) < 0.3
    shape = number_shape(values, churned)
    assert shape is not None
    assert sum(level.churn.customers for level in shape.levels) == 1003
    assert sum(level.churn.churned for level in shape.levels) == churned.sum()
    assert {level.churn.customers for level in shape.levels} <= {100, 101}
    ends = [(level.low, level.high) for level in shape.levels]
    assert ends == sorted(ends)
    first = values <= np.quantile(values, 0.1)
    assert shape.levels[0].churn.churned == churned[first].sum()


def test_a_number_that_decides_has_an_auc_of_one_whatever_the_share_of_leavers() -> None:
    rng = np.random.default_rng(3)
    for share in (0.01, 0.16, 0.5):
        churned = rng.random(5000) < share
        for sign in (1, -1):
            shape = number_shape(sign * (31.0 * churned + rng.normal(size=5000)), churned)
            assert shape is not None
            assert shape.auc > 0.999


def test_the_order_of_a_number_tells_as_much_as_the_usual_auc() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=3000)
    churned = rng.random(3000) < 1 / (1 + np.exp(-2 * values))
    shape = number_shape(-values, churned)
    assert shape is not None
    assert shape.auc == pytest.approx(roc_auc_score(churned, values))


def test_chance_and_many_values_tell_nothing() -> None:
    rng = np.random.default_rng(5)
    aucs, beyond = [], 0
    for _ in range(60):
        churned = rng.random(1500) < 0.2
        cities = np.array([f"city {i}" for i in rng.integers(0, 400, 1500)], object)
        for shape in (value_shape(cities, churned), number_shape(rng.normal(size=1500), churned)):
            assert shape is not None
            aucs.append(shape.auc)
            beyond += shape.auc > shape.chance
            assert shape.cramers_v < 0.15
    assert abs(np.mean(aucs) - 0.5) < 0.02
    assert beyond <= 0.15 * 120


def test_a_value_that_only_leavers_have_or_lack_gives_them_away() -> None:
    churned = np.arange(1000) % 5 == 0
    reasons = np.where(churned, "moved", "").astype(object)
    dates = np.where(churned, 3.0, np.nan)
    texts, numbers = value_shape(reasons, churned), number_shape(dates, churned)
    assert texts is not None
    assert numbers is not None
    assert (texts.auc, numbers.auc) == (1.0, 1.0)
    assert texts.levels[-1].name == numbers.levels[-1].name == MISSING
    assert texts.levels[-1].churn.churned == 0


def test_rare_values_share_a_level() -> None:
    values = np.array([f"v{i % 30:02}" for i in range(900)] + ["common"] * 50, object)
    shape = value_shape(values, np.arange(950) % 4 == 0)
    assert shape is not None
    assert shape.levels[0].name == "common"
    assert [level.name for level in shape.levels].count(OTHERS) == 1
    assert len(shape.levels) == 21


def test_too_few_leavers_have_no_shape() -> None:
    churned = np.arange(100) < 4
    assert number_shape(np.arange(100.0), churned) is None
    assert number_shape(np.full(100, np.nan), np.arange(100) < 50) is None


def test_the_corrected_v_is_nothing_without_association_and_one_where_a_value_decides() -> None:
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        a, b = rng.integers(0, 12, 150), rng.integers(0, 2, 150)
        found.append(corrected_v(pd.crosstab(a, b).to_numpy()))
    assert np.mean(found) < 0.1  # uncorrected it is 0.27
    assert corrected_v(np.array([[500, 0], [0, 70]])) == pytest.approx(1.0)
    assert corrected_v(np.array([[500, 70]])) == 0.0
