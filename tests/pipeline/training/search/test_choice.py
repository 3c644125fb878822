from dataclasses import replace

import pytest

from pipeline.training.evaluation import Evaluation
from pipeline.training.recipes import Recipe
from pipeline.training.search.choice import choose, shortfall, with_churn_threshold
from pipeline.training.search.thresholds import Thresholds

GOOD = Evaluation(
    Recipe("search", "", ("a", "b", "c"), 5, 2),
    silhouette_model_space=0.57,
    silhouette_standardised_space=0.53,
    silhouette_raw_space=0.4,
    davies_bouldin=0.6,
    calinski_harabasz=9_000,
    gap=1.0,
    gap_standard_error=0.01,
    beats_single_group=True,
    jaccard=(0.99, 0.98),
    smallest_share=0.08,
    churn_auc=0.84,
    churn_auc_sd=0.01,
    lowest_churn=0.0,
    highest_churn=0.68,
    cramers_v=0.5,
)


def test_reaching_every_threshold_leaves_no_shortfall() -> None:
    assert shortfall(GOOD, Thresholds()) == 0
    assert shortfall(replace(GOOD, jaccard=(0.99, 0.475)), Thresholds()) == pytest.approx(0.5)


def test_a_threshold_of_nothing_is_always_reached() -> None:
    low = Thresholds(smallest_share=0, silhouette_model_space=0, lowest_churn=1)
    assert shortfall(replace(GOOD, smallest_share=0, lowest_churn=1), low) == 0


def test_without_a_label_churn_is_no_threshold() -> None:
    silent = replace(GOOD, churn_auc=None, lowest_churn=None, highest_churn=None)
    assert shortfall(silent, Thresholds()) == 0


def test_missing_a_threshold_loses_even_with_better_figures_elsewhere() -> None:
    brilliant = replace(GOOD, silhouette_model_space=0.9, highest_churn=0.5)
    assert choose([brilliant, GOOD], replace(Thresholds(), highest_churn=0.6)) is GOOD


def test_where_none_reaches_all_thresholds_the_nearest_wins() -> None:
    far, near = replace(GOOD, churn_auc=0.6), replace(GOOD, churn_auc=0.81)
    assert choose([far, near], replace(Thresholds(), churn_auc=0.82)) is near


def test_a_clearly_better_recipe_removes_a_simpler_one() -> None:
    simpler = replace(GOOD, recipe=replace(GOOD.recipe, features=("a",)))
    better = replace(GOOD, excess=0.1)
    assert choose([simpler, better], Thresholds()) is better


@pytest.mark.parametrize(
    "change",
    [
        {"features": ("a", "b", "c", "d")},
        {"k": 6},
        {"algorithm": "minibatch"},
        {"principal_components": None},
    ],
)
def test_of_two_alike_the_simpler_wins_in_any_order(change: dict[str, object]) -> None:
    harder = replace(GOOD, recipe=replace(GOOD.recipe, **change), churn_auc=0.845)  # type: ignore[arg-type]
    assert choose([harder, GOOD], Thresholds()) is GOOD
    assert choose([GOOD, harder], Thresholds()) is GOOD


@pytest.mark.parametrize("change", [{"yeo_johnson": ("a",)}, {"scaling": "robust"}])
def test_how_a_recipe_transforms_matters_only_where_the_auc_is_the_same(
    change: dict[str, object],
) -> None:
    other = replace(GOOD, recipe=replace(GOOD.recipe, **change))  # type: ignore[arg-type]
    assert choose([other, GOOD], Thresholds()) is GOOD
    better = replace(other, churn_auc=0.845)
    assert choose([better, GOOD], Thresholds()) is better


def test_the_churn_to_ask_for_is_that_of_the_recipe_that_loses_least() -> None:
    sound = replace(GOOD, churn_auc=0.70)
    loose = replace(GOOD, churn_auc=0.80, silhouette_model_space=0.50)
    asked = with_churn_threshold([sound, loose], Thresholds())
    assert asked.churn_auc == pytest.approx(0.79)
    assert choose([sound, loose], asked) is loose
    shapeless = replace(loose, silhouette_model_space=0.2)
    asked = with_churn_threshold([sound, shapeless], Thresholds())
    assert asked.churn_auc == pytest.approx(0.69)
    assert choose([sound, shapeless], asked) is sound


def test_the_churn_that_somebody_asks_for_stays() -> None:
    asked = replace(Thresholds(), churn_auc=0.9)
    assert with_churn_threshold([GOOD], asked) == asked
    assert with_churn_threshold([], Thresholds()) == Thresholds()
