"""Drift: PSI and its verdict."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.scoring.summary.drift import chi_square_quantile, measure

DECILES = [0.1] * 10


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 20])
def test_the_chi_square_quantile_is_scipys_to_within_five_per_cent(freedom: int) -> None:
    for probability in (0.95, 0.999):
        exact = stats.chi2.ppf(probability, freedom)
        assert chi_square_quantile(probability, freedom) == pytest.approx(exact, rel=0.05)


def test_psi_is_the_sum_over_bins() -> None:
    counts = [300, 100, 100, 100, 100, 100, 50, 50, 50, 50]
    expected = sum((n / 1000 - 0.1) * math.log((n / 1000) / 0.1) for n in counts)
    assert measure("x", DECILES, counts, 10_000).psi == pytest.approx(expected)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ([100] * 10, "stable"),
        ([160, 140, 120, 110, 100, 90, 80, 70, 65, 65], "stable"),
        ([190, 150, 120, 110, 90, 80, 70, 65, 65, 60], "moved"),
        ([400, 200, 100, 80, 60, 50, 40, 30, 20, 20], "shifted"),
        ([0] * 9 + [1000], "implausible"),
        ([1] * 10, "too few customers"),
        ([0] * 10, "too few customers"),
    ],
)
def test_the_verdict_follows_the_index(counts: list[int], verdict: str) -> None:
    assert measure("x", DECILES, counts, 10_000).verdict == verdict


def test_a_small_sample_is_not_blamed_for_its_chance() -> None:
    rng = np.random.default_rng(4)
    verdicts = [
        measure("x", DECILES, np.bincount(drawn, minlength=10).tolist(), 10_000).verdict
        for drawn in rng.integers(0, 10, (300, 200))
    ]
    assert verdicts.count("stable") >= 297
