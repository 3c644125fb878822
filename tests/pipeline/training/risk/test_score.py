"""Which score is published: one that foresees leavers better than the groups, of allowed inputs."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import WrongFile
from pipeline.training.counting import split
from pipeline.training.recipes import Recipe
from pipeline.training.risk.evidence import calibration_slope, is_better, reached
from pipeline.training.risk.score import MOST_FEATURES, Scored, check_risk_features, fit_risk
from tests.support.simulated import CONTRACT, FEATURES, World, simulate

RECIPE = Recipe("own", "", tuple(feature.name for feature in FEATURES), 4)


def scored(world: World, recipe: Recipe = RECIPE) -> Scored:
    found = fit_risk(recipe, world.customers(), world.groups())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def steep() -> Scored:
    return scored(simulate("steep", 3_000, 1))


def test_a_score_that_tells_more_than_the_groups_is_published(steep: Scored) -> None:
    evidence = steep.evidence
    assert steep.score is not None and evidence.published and evidence.reason == ""
    assert evidence.score is not None and evidence.groups is not None
    assert evidence.score.auc > evidence.groups.auc + 0.05
    assert evidence.score.brier < evidence.groups.brier
    assert evidence.reached is not None
    assert evidence.reached.by_risk > evidence.reached.by_group


def test_it_is_judged_on_the_quarter_that_chose_nothing() -> None:
    world = simulate("steep", 3_000, 1)
    _, untouched = split(3_000, world.churned, RECIPE.seed)
    spoiled = world.frame.copy()  # what was learnt from the others says nothing of these
    spoiled.iloc[untouched] = world.frame.iloc[np.random.default_rng(0).permutation(untouched)]
    found = scored(World(spoiled, world.logit, world.churned))
    assert found.evidence.customers == len(untouched) == 750
    assert found.evidence.score is not None
    assert found.evidence.score.auc == pytest.approx(0.5, abs=0.08)
    assert found.score is None


def test_on_labels_that_are_noise_none_is_published() -> None:
    published = [scored(simulate("nothing", 1_200, seed)).score for seed in range(20)]
    assert sum(score is not None for score in published) <= 1


def test_what_is_sensitive_is_no_input_unless_named(steep: Scored) -> None:
    assert steep.evidence.features == ("amount", "count", "balance", "plan")
    assert steep.evidence.not_read == ("age",)
    named = replace(RECIPE, risk_features=("age", "amount"))
    found = scored(simulate("steep", 3_000, 1), named)
    assert found.evidence.features == ("amount", "age")
    assert found.score is None or found.score.features == ("amount", "age")


def test_the_report_compares_what_is_said_of_sensitive_traits_with_what_happened(
    steep: Scored,
) -> None:
    ((label, compared),) = steep.evidence.by_trait
    assert label == "Age" and len(compared) == 4
    assert sum(each.observed.customers for each in compared) == steep.evidence.customers


def test_a_model_of_sensitive_features_alone_has_no_score() -> None:
    world = simulate("steep", 1_000, 1)
    ages = replace(world.customers().select(["age"]))
    found = fit_risk(replace(RECIPE, features=("age",)), ages, world.groups())
    assert found is not None and found.score is None
    assert "sensitive" in found.evidence.reason


def test_without_a_label_and_where_none_is_asked_for_there_is_none() -> None:
    world = simulate("steep", 400, 1)
    unlabelled = replace(world.customers(), churned=None)
    assert fit_risk(RECIPE, unlabelled, world.groups()) is None
    assert fit_risk(replace(RECIPE, risk=False), world.customers(), world.groups()) is None


def test_a_handful_of_leavers_is_too_few() -> None:
    world = simulate("steep", 400, 1)
    churned = np.zeros(400, bool)
    churned[:12] = True
    found = scored(World(world.frame, world.logit, churned))
    assert found.score is None
    assert found.evidence.reason == "only 9 of 300 customers left; it takes 30"


def test_of_many_features_those_that_tell_most_are_read() -> None:
    world, rng = simulate("steep", 2_000, 4), np.random.default_rng(0)
    customers = world.customers()
    noise = [replace(FEATURES[0], name=f"noise_{index}") for index in range(MOST_FEATURES)]
    frame = customers.features.assign(**{f.name: rng.normal(size=2_000) for f in noise})
    contract = replace(CONTRACT, features=(*FEATURES, *noise))
    many = replace(customers, contract=contract, features=frame)
    recipe = replace(RECIPE, features=tuple(f.name for f in contract.features))
    found = fit_risk(recipe, many, world.groups())
    assert found is not None and len(found.evidence.features) == MOST_FEATURES
    assert {"amount", "count", "balance"} <= set(found.evidence.features)


def test_features_that_the_model_does_not_read_are_refused() -> None:
    narrow = CONTRACT.select(["amount", "count"])
    recipe = replace(RECIPE, risk_features=("amount", "income"))
    with pytest.raises(WrongFile, match="a risk score of income, which the model does not read"):
        check_risk_features(recipe, narrow, "customers.csv")
    check_risk_features(replace(RECIPE, risk_features=("count",)), narrow, "customers.csv")


def test_a_score_that_is_sure_of_the_truth_has_a_slope_of_one() -> None:
    world = simulate("waves", 20_000, 8)
    slope, error = calibration_slope(world.logit, world.churned)
    assert abs(slope - 1) < 3 * error
    twice, _ = calibration_slope(2 * world.logit, world.churned)
    assert twice == pytest.approx(slope / 2, abs=1e-6)


def test_a_gain_counts_beyond_two_standard_errors() -> None:
    assert is_better(0.021, 0.01) and not is_better(0.019, 0.01)
    assert not is_better(0.0, 0.0)


def test_calls_in_the_order_of_risk_are_as_many_as_the_riskiest_group_has() -> None:
    rates = np.array([0.9, 0.1, 0.8, 0.2])
    churned = np.array([True, False, True, False])
    found = reached(rates, np.array([0, 0, 1, 1]), 0, churned)
    assert (found.customers, found.leavers, found.by_group, found.by_risk) == (2, 2, 1, 2)
