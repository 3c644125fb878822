"""The regression behind the risk score: its intervals hold the truth as often as they say."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from pipeline.training.risk.additive import fit_additive
from pipeline.training.risk.basis import KNOTS, basis_of
from pipeline.training.risk.score import to_score
from tests.support.simulated import FEATURES, NUMBERS, WORLDS, World, simulate

SEEDS = range(40)


def coverage(world: World) -> float:
    """The share of the customers whose true rate lies in the score's interval."""
    bases = [basis_of(f, column) for f, column in zip(NUMBERS, world.columns, strict=True)]
    score = to_score(fit_additive(bases, world.columns, world.churned))
    values = dict(zip((f.name for f in NUMBERS), world.columns, strict=True))
    risks = score.assess_many(values)
    true = 1 / (1 + np.exp(-world.logit))
    return float(np.mean((risks.low <= true) & (true <= risks.high)))


def test_intervals_of_95_percent_hold_the_true_rate_of_95_percent_of_the_customers() -> None:
    with threadpool_limits(1):
        found = {
            (name, size): np.mean([coverage(simulate(name, size, seed)) for seed in SEEDS])
            for name in WORLDS
            for size in (500, 2_000)
        }
    assert 0.94 <= np.mean(list(found.values())) <= 0.96, found
    assert min(found.values()) > 0.91, found


def test_the_same_customers_give_the_same_numbers() -> None:
    world = simulate("waves", 500, 3)
    bases = [basis_of(f, column) for f, column in zip(NUMBERS, world.columns, strict=True)]
    one, again = (fit_additive(bases, world.columns, world.churned) for _ in range(2))
    assert to_score(one) == to_score(again)


def test_each_part_averages_to_zero_and_the_intercept_is_what_is_common() -> None:
    world = simulate("steep", 1_000, 1)
    bases = [basis_of(f, column) for f, column in zip(NUMBERS, world.columns, strict=True)]
    score = to_score(fit_additive(bases, world.columns, world.churned))
    names = (feature.name for feature in NUMBERS)
    risks = score.assess_many(dict(zip(names, world.columns, strict=True)), parts=True)
    assert [float(part.mean()) for part in risks.parts] == pytest.approx([0, 0, 0], abs=1e-6)
    assert float(risks.rate.mean()) == pytest.approx(world.churned.mean(), abs=0.01)


def test_a_feature_that_tells_all_keeps_finite_numbers() -> None:
    values = np.arange(200.0)
    basis = basis_of(NUMBERS[0], values)
    score = to_score(fit_additive([basis], [values], values >= 100))
    low, high = (score.assess({"amount": value}).rate for value in (10.0, 190.0))
    assert low < 0.01 and high > 0.99
    assert max(abs(part) for part in score.terms[0].parts) < 30


def test_a_value_that_many_share_is_a_case_of_its_own() -> None:
    world = simulate("steep", 4_000, 2)
    balance = world.frame["balance"].to_numpy()
    score = to_score(fit_additive([basis_of(NUMBERS[2], balance)], [balance], world.churned))
    zero, little = (score.assess({"balance": value}).rate for value in (0.0, 700.0))
    assert zero > 1.5 * little


def test_a_category_has_a_part_for_each_value_of_the_contract_seen_or_not() -> None:
    plans = np.array(["basic", "plus"] * 300, object)
    churned = np.random.default_rng(5).random(600) < np.where(plans == "plus", 0.6, 0.1)
    score = to_score(fit_additive([basis_of(FEATURES[4], plans)], [plans], churned))
    basic, plus, family = (score.assess({"plan": plan}) for plan in FEATURES[4].values)
    assert basic.rate < 0.2 < 0.5 < plus.rate
    assert family.high - family.low > 2 * (plus.high - plus.low)


def test_knots_ascend_and_few_different_numbers_are_their_own_knots() -> None:
    skewed = np.exp(np.random.default_rng(0).normal(size=5_000))
    knots = basis_of(NUMBERS[0], skewed).knots
    assert len(knots) == KNOTS and (np.diff(knots) > 0).all()
    assert knots[0] > skewed.min() and knots[-1] < skewed.max()
    assert basis_of(NUMBERS[1], np.array([3.0, 1, 2, 1])).knots.tolist() == [1, 2, 3]
