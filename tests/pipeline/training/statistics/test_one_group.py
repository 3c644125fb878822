import itertools

import numpy as np
import pytest
from numpy.random import Generator

from pipeline.training.statistics.one_group import OneGroup, Values, single_peak, spread_ties


def peaks(shares: Values, values: Values) -> int:
    """How often the density changes from rising to falling, looked at in coarse steps."""
    at = np.quantile(values, np.linspace(0, 1, 9))
    density = np.diff(np.interp(at, values, shares)) / np.diff(at)
    rising = np.sign(np.diff(density))
    turns = [a > 0 > b for a, b in itertools.pairwise(rising) if a and b]
    return sum(turns)


@pytest.fixture
def rng() -> Generator:
    return np.random.default_rng(7)


def test_two_peaks_become_one(rng: Generator) -> None:
    column = np.concatenate([rng.normal(0, 1, 500), rng.normal(8, 1, 500)])
    values, shares = single_peak(column)
    assert np.all(np.diff(shares) >= 0)
    assert peaks((np.arange(1_000) + 0.5) / 1_000, values) == 2
    assert np.interp(4, values, shares) - np.interp(3, values, shares) > 0.05


def test_one_peak_stays_as_it_is(rng: Generator) -> None:
    _, shares = single_peak(np.exp(rng.normal(size=2_000)))
    assert np.abs(shares - (np.arange(2_000) + 0.5) / 2_000).max() < 0.02


def test_customers_of_one_group_keep_spread_skew_and_correlation(rng: Generator) -> None:
    a = rng.gamma(2, size=3_000)
    given = np.column_stack([a, a + rng.normal(size=3_000)])
    drawn = OneGroup.of(given, [False, False]).draw(3_000, rng)
    np.testing.assert_allclose(
        np.quantile(drawn, (0.1, 0.5, 0.9), axis=0),
        np.quantile(given, (0.1, 0.5, 0.9), axis=0),
        atol=0.2,
    )
    correlations = [float(np.corrcoef(a, b)[0, 1]) for a, b in (drawn.T, given.T)]
    assert correlations[0] == pytest.approx(correlations[1], abs=0.1)


def test_a_kept_column_keeps_its_two_peaks(rng: Generator) -> None:
    column = np.concatenate([rng.normal(0, 1, 500), rng.normal(8, 1, 500)])
    drawn = OneGroup.of(column[:, None], [True]).draw(2_000, rng)
    assert np.mean((drawn > 3) & (drawn < 5)) < 0.02


def test_equal_values_are_spread_up_to_their_neighbours(rng: Generator) -> None:
    spread = spread_ties(np.repeat([0.0, 1.0, 4.0], 100), rng)
    assert spread[:100].min() >= -0.5
    assert spread[:100].max() <= 0.5
    assert spread[100:200].max() <= 2.5
    assert len(np.unique(spread)) == 300


def test_what_only_one_customer_has_stays(rng: Generator) -> None:
    column = np.array([1.5, 2.5, 2.5, 9.0])
    assert spread_ties(column, rng)[[0, 3]].tolist() == [1.5, 9.0]
    assert spread_ties(np.ones(3), rng).tolist() == [1.0, 1.0, 1.0]
