"""Whether those who moved took more risk with them."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.runs.moves.direction import direction_of
from pipeline.runs.moves.steps import steps_of

RATES = [0.02, 0.04, 0.13, 0.22, 0.70]
SYMMETRIC = np.array(
    [
        [0, 0.2, 0, 0.1, 0.02],
        [0, 0, 0, 0.4, 0.03],
        [0, 0, 0, 0, 0.2],
        [0, 0, 0, 0, 0.05],
        [0, 0, 0, 0, 0],
    ]
)
"""How often a mover is one between two groups, either way."""


def moved(**ways: int) -> list[list[int]]:
    counts = [[1000 * (old == new) for new in range(5)] for old in range(5)]
    for way, customers in ways.items():
        counts[int(way[1])][int(way[2])] = customers
    return counts


def test_a_few_long_steps_up_outweigh_many_short_ones_down() -> None:
    counts = moved(_24=84, _42=20, _01=180, _10=256)

    direction = direction_of(counts, RATES, RATES)

    assert direction.away > direction.towards
    assert direction.verdict != "more towards risk"
    assert direction.steps.verdict == "more risk"
    assert direction.steps.net == pytest.approx(64 * 0.57 - 76 * 0.02)
    assert direction.expected_before is not None
    assert direction.expected_after is not None
    change = direction.expected_after - direction.expected_before
    assert direction.steps.net == pytest.approx(change)


def test_as_many_steps_back_are_no_difference() -> None:
    steps = steps_of(moved(_24=50, _42=50), RATES, RATES)

    assert (steps.net, steps.p, steps.verdict) == (0.0, 1.0, "no clear difference")


def test_long_steps_down_are_less_risk() -> None:
    assert steps_of(moved(_42=30), RATES, RATES).verdict == "less risk"


def test_six_movers_one_way_are_the_fewest_that_say_something() -> None:
    assert steps_of(moved(_24=5), RATES, RATES).verdict == "no clear difference"
    assert steps_of(moved(_24=6), RATES, RATES).verdict == "more risk"


def test_less_than_a_tenth_of_all_steps_is_none_however_sure() -> None:
    steps = steps_of(moved(_24=540_000, _42=460_000), RATES, RATES)

    assert steps.p is not None
    assert steps.p < 1e-6
    assert steps.verdict == "no clear difference"


@pytest.mark.parametrize("rates", [[0.1] * 5, RATES])
def test_nobody_who_took_a_step_has_no_p(rates: list[float]) -> None:
    counts = moved(_24=9) if rates[0] == rates[1] else moved()

    assert steps_of(counts, rates, rates).p is None


def test_groups_without_a_rate_or_of_two_models_have_no_verdict() -> None:
    counts = moved(_24=90)

    assert steps_of(counts, [None, *RATES[1:]], RATES).verdict == "unknown"
    assert steps_of(counts, RATES, RATES, comparable=False).verdict == "unknown"


def test_p_is_never_below_that_of_coin_tosses_counted_out() -> None:
    for movers in range(1, 40):
        for up in range(movers // 2 + 1, movers + 1):
            steps = steps_of(moved(_24=up, _42=movers - up), RATES, RATES)
            exact = 2 * sum(math.comb(movers, k) for k in range(up, movers + 1)) / 2**movers
            assert steps.p is not None
            assert steps.p >= min(1.0, exact) - 1e-12


@pytest.mark.parametrize("movers", [8, 30, 120])
def test_moves_that_chance_makes_alarm_in_at_most_one_of_twenty_files(movers: int) -> None:
    random = np.random.default_rng(movers)

    alarms = [
        steps_of(either_way(random, movers), RATES, RATES).verdict != "no clear difference"
        for _ in range(2000)
    ]

    assert np.mean(alarms) <= 0.05


def test_a_drift_to_the_group_that_leaves_is_seen() -> None:
    random = np.random.default_rng(3)

    def month() -> list[list[int]]:
        counts = np.array(either_way(random, 456))
        counts[2, 4] += 84
        listed: list[list[int]] = counts.tolist()
        return listed

    seen = [steps_of(month(), RATES, RATES).verdict == "more risk" for _ in range(200)]

    assert np.mean(seen) > 0.95


def either_way(random: np.random.Generator, movers: int) -> list[list[int]]:
    """Movers of whom each is as likely to go one way as back."""
    shares = SYMMETRIC.ravel() / SYMMETRIC.sum()
    pairs: NDArray[np.int64] = random.multinomial(movers, shares).reshape(5, 5)
    there = random.binomial(pairs, 0.5)
    counts: list[list[int]] = (there + (pairs - there).T).tolist()
    return counts
