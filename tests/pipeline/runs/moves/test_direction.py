"""Whether more moved towards risk: the exact test, its words, and how often it is wrong."""

import pytest
from scipy.stats import binomtest

from pipeline.runs.moves.direction import direction_of, sign_test, verdict_of
from tests.support.markov import coverage, false_alarms


@pytest.mark.parametrize(
    ("towards", "away"),
    [(0, 1), (3, 3), (6, 0), (1, 9), (40, 60), (5_100, 4_900), (0, 2_000), (101_000, 100_000)],
)
def test_the_test_is_the_exact_one(towards: int, away: int) -> None:
    exact = binomtest(towards, towards + away).pvalue
    assert sign_test(towards, away) == pytest.approx(exact, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(
    ("towards", "away", "verdict"),
    [
        (5, 0, "too few to tell"),
        (6, 0, "more towards risk"),
        (0, 6, "more away from risk"),
        (30, 20, "no clear difference"),
        (300, 200, "more towards risk"),
        (104_000, 100_000, "no clear difference"),
    ],
)
def test_the_words_take_the_size_into_account(towards: int, away: int, verdict: str) -> None:
    assert verdict_of(towards, away) == verdict


def test_directions_and_expected_churners_follow_from_the_rates() -> None:
    counts = [[80, 15, 5], [3, 90, 7], [0, 0, 10]]
    found = direction_of(counts, [0.1, 0.5, 0.1], [0.1, 0.5, 0.1])
    assert (found.towards, found.away, found.level) == (15, 10, 5)
    assert found.expected_before == pytest.approx(100 * 0.1 + 100 * 0.5 + 10 * 0.1)
    assert found.expected_after == pytest.approx(83 * 0.1 + 105 * 0.5 + 22 * 0.1)
    unknown = direction_of(counts, [0.1, None, 0.1], [0.1, None, 0.1])
    assert unknown.verdict == "unknown" and unknown.expected_after is None
    assert direction_of(counts, [0.1] * 3, [0.1] * 3).p is None
    assert direction_of(counts, [0.1, 0.5, 0.1], [0.1, 0.5, 0.1], comparable=False).verdict == (
        "unknown"
    )


def test_95_percent_intervals_hold_the_true_share_as_often_as_they_say() -> None:
    assert 0.94 <= coverage(200, customers=300) <= 0.96


def test_a_direction_is_seldom_seen_where_there_is_none() -> None:
    for movers in (6, 40, 400):
        assert false_alarms(2_000, movers) <= 0.06
