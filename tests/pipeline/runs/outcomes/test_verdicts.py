"""Intervals hold the truth in 95 of 100 months, and chance makes a verdict in 5 of 100 at most."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from pipeline.model.churn import ChurnRate
from pipeline.runs.outcomes.intervals import auc_of, difference_of, estimate
from pipeline.runs.outcomes.rankings import rankings_of
from pipeline.runs.outcomes.tally import OutcomeTally, add_counts
from pipeline.runs.outcomes.verdicts import compare_arms, compare_with_training, verdict_of
from tests.support.outcomes import NO_COUNTS, NOWHERE, Coverage, cluster, simulate

MONTHS = 1_000


@pytest.fixture(scope="module")
def unchanged() -> list[Coverage]:
    return [simulate(seed) for seed in range(MONTHS)]


def test_intervals_hold_the_truth_in_95_of_100_months(unchanged: list[Coverage]) -> None:
    of = {
        "differences": [held for each in unchanged for held in each.differences[:-1]],
        "all customers": [each.differences[-1] for each in unchanged],
        "rates": [held for each in unchanged for held in each.rates],
        "AUC": [each.auc for each in unchanged if each.auc is not None],
        "effect": [each.effect for each in unchanged],
    }
    shares = {name: np.mean(held) for name, held in of.items()}
    assert {name: share for name, share in shares.items() if not 0.94 <= share <= 0.96} == {}


def test_chance_alone_makes_a_verdict_in_5_of_100_months_at_most(
    unchanged: list[Coverage],
) -> None:
    alarms = sum(bool({"higher", "lower"} & {*each.verdicts}) for each in unchanged)
    effects = sum(each.effect_verdict != "cannot tell yet" for each in unchanged)
    assert 0 < alarms <= 0.05 * MONTHS
    assert 0 < effects <= 0.05 * MONTHS


def test_a_change_and_an_effect_are_seen() -> None:
    found = [simulate(seed, factor=1.4, effect=0.12) for seed in range(100)]
    assert sum(each.verdicts[-1] == "higher" for each in found) > 95
    assert not any("lower" in each.verdicts for each in found)
    assert sum(each.effect_verdict == "fewer" for each in found) > 75
    assert not any(each.effect_verdict == "more" for each in found)


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "verdict"),
    [
        (0.08, 0.03, 0.13, 0.001, "higher"),
        (-0.08, -0.13, -0.03, 0.001, "lower"),
        (0.08, -0.03, 0.20, 0.4, "cannot tell yet"),
        (0.01, -0.03, 0.04, 0.4, "as trained"),
        (0.015, 0.005, 0.025, 0.001, "as trained"),  # sure, and less than a tenth
        (0.03, 0.005, 0.055, 0.06, "cannot tell yet"),
    ],
)
def test_a_verdict_says_no_more_than_is_known(
    value: float, low: float, high: float, p: float, verdict: str
) -> None:
    assert verdict_of(estimate(value, low, high), 0.2, p) == verdict


def test_where_training_s_rate_is_small_a_point_is_no_difference() -> None:
    assert verdict_of(estimate(0.002, -0.006, 0.009), 0.01, 1.0) == "as trained"
    assert verdict_of(None, 0.2, 1.0) == "cannot tell yet"


def test_training_s_rate_is_a_sample_and_no_constant() -> None:
    """Of two trainings with the same rate the smaller one says less."""
    counts = np.array([[140, 60]])
    sure, unsure = (
        compare_with_training([cluster(1, churned, n)], [200], counts)[1][0]
        for churned, n in ((2_000, 10_000), (8, 40))
    )
    assert sure["verdict"] == "higher" and unsure["verdict"] == "cannot tell yet"
    assert sure["difference"] is not None and unsure["difference"] is not None
    assert sure["difference"]["value"] == unsure["difference"]["value"] == pytest.approx(0.1)
    assert unsure["difference"]["low"] < 0 < sure["difference"]["low"]


def test_a_difference_of_two_rates_is_newcombe_s() -> None:
    """Newcombe 1998, table II, method 10: 56/70 - 48/80 is 0.2, 0.0524 to 0.3339."""
    first, second = ChurnRate.of(56, 70), ChurnRate.of(48, 80)
    assert first is not None and second is not None
    found = difference_of([(1, first)], [(1, second)])
    assert [found["value"], found["low"], found["high"]] == pytest.approx(
        [0.2, 0.0524, 0.3339], abs=5e-5
    )


def test_a_cluster_without_outcomes_is_not_judged() -> None:
    overall, (empty, full) = compare_with_training(
        [cluster(1, 10, 100), cluster(2, 50, 100)], [4, 400], np.array([[0, 0], [200, 200]])
    )
    assert empty["observed"] is None and empty["difference"] is None
    assert empty["verdict"] == "cannot tell yet" and empty["customers"] == 4
    assert overall["counted"] == full["counted"] == 400
    assert overall["expected"]["value"] == full["expected"]["value"] == 0.5


def test_rankings_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    risk = rng.beta(0.5, 2, 3_000).round(3)
    churned = rng.random(3_000) < risk
    which = (risk > 0.2).astype(np.int64) + (risk > 0.5)
    clusters = [cluster(1, 60, 100), cluster(2, 5, 100), cluster(3, 30, 100)]
    tally = OutcomeTally([1, 2, 3])
    position = np.array([1, 2, 0])[which]
    add_counts(tally.by_cluster, position, churned)
    add_counts(tally.by_risk, np.rint(risk * 1e6).astype(np.int64), churned)
    found = rankings_of(clusters, tally.by_cluster, tally.by_risk)
    rates = np.array([0.6, 0.05, 0.3])[position]
    for rate, figures in ((rates, found["clusters"]), (risk, found["risk"])):
        assert figures is not None and figures["auc"] is not None
        assert figures["auc"]["value"] == pytest.approx(roc_auc_score(churned, rate), abs=1e-5)
        assert figures["brier"] == pytest.approx(brier_score_loss(churned, rate), abs=1e-5)
        assert figures["expected_churners"] == pytest.approx(rate.sum(), abs=0.06)
    assert found["risk"] is not None
    tenths = found["risk"]["tenths"]
    assert [each["risk"] for each in tenths] == sorted(each["risk"] for each in tenths)
    assert sum(each["customers"] for each in tenths) == 3_000
    assert sum(each["observed"]["churned"] for each in tenths) == churned.sum()
    assert len(tenths) == 10 and max(each["customers"] for each in tenths) < 600
    for each in tenths:  # the world is calibrated
        assert each["observed"]["low"] - 0.03 < each["risk"] < each["observed"]["high"] + 0.03


@pytest.mark.parametrize(
    ("stayed", "churned"), [([5, 0], [0, 5]), ([9], [9]), ([5, 5], [0, 1]), ([0, 0], [3, 3])]
)
def test_an_auc_that_nothing_can_be_said_of_is_none(stayed: list[int], churned: list[int]) -> None:
    assert auc_of(np.array(stayed), np.array(churned)) is None


def test_a_campaign_prevents_customers_from_leaving() -> None:
    found = compare_arms(np.array([[850, 150], [150, 50]]), NO_COUNTS, NOWHERE)
    assert found["verdict"] == "fewer"
    assert found["prevented"] is not None and found["prevented"]["value"] == 100
    assert 0 < found["prevented"]["low"] < 100 < found["prevented"]["high"]
    assert compare_arms(np.array([[150, 50], [850, 150]]), NO_COUNTS, NOWHERE)["verdict"] == "more"


def test_without_a_control_group_nothing_can_be_told() -> None:
    found = compare_arms(np.array([[850, 150], [0, 0]]), NO_COUNTS, NOWHERE)
    assert found["control"] is None and found["difference"] is None
    assert found["verdict"] == "cannot tell yet"
