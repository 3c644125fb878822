"""The written rule that picks the winner among evaluated recipes.

1. Every threshold is reached; where no recipe reaches all, those that fall short the least stay.
2. Of these, the Pareto front over silhouette, stability and churn separation: a recipe goes when
   another is at least as good in all three and clearly better in one.
3. Of the front, the simplest: fewest features, then clusters; K-Means before other algorithms;
   fewest axes, transformed features; standard before robust scaling; then the better silhouette.
"""

from collections.abc import Sequence

from pipeline.training.evaluation import Evaluation
from pipeline.training.recipes import ALGORITHMS
from pipeline.training.search.thresholds import Thresholds

CLEARLY = {"silhouette": 0.005, "stability": 0.005, "churn": 0.01}
"""A smaller difference than this decides nothing."""


def shortfall(evaluation: Evaluation, thresholds: Thresholds) -> float:
    """The sum over all thresholds of the share by which each is missed; 0: all are reached."""
    missed = [
        below(evaluation.silhouette_model_space, thresholds.silhouette_model_space),
        below(evaluation.silhouette_standardised_space, thresholds.silhouette_standardised_space),
        below(min(evaluation.jaccard), thresholds.weakest_jaccard),
        below(evaluation.smallest_share, thresholds.smallest_share),
    ]
    return sum(missed) + churn_shortfall(
        evaluation.churn_auc, evaluation.lowest_churn, evaluation.highest_churn, thresholds
    )


def churn_shortfall(
    auc: float | None, lowest: float | None, highest: float | None, thresholds: Thresholds
) -> float:
    """The part of the shortfall that churn is to blame for; 0 where there is no label."""
    if auc is None or lowest is None or highest is None:
        return 0.0
    return (
        below(auc, thresholds.churn_auc)
        + below(highest, thresholds.highest_churn)
        + below(1 - lowest, 1 - thresholds.lowest_churn)
    )


def below(value: float, threshold: float) -> float:
    """The share by which a threshold is missed; 0 where it is reached."""
    return max(0.0, (threshold - value) / (threshold or 1))


def choose(candidates: Sequence[Evaluation], thresholds: Thresholds) -> Evaluation:
    """The winner by the rule; the order of the candidates does not matter."""
    least = min(shortfall(evaluation, thresholds) for evaluation in candidates)
    allowed = [
        evaluation for evaluation in candidates if shortfall(evaluation, thresholds) <= least
    ]
    front = [b for b in allowed if not any(_dominates(a, b) for a in allowed)]
    return min(front, key=_complexity)


def _axes(evaluation: Evaluation) -> tuple[tuple[str, float], ...]:
    return (
        ("silhouette", evaluation.silhouette_model_space),
        ("stability", min(evaluation.jaccard)),
        ("churn", evaluation.churn_auc or 0.0),
    )


def _dominates(a: Evaluation, b: Evaluation) -> bool:
    pairs = list(zip(_axes(a), _axes(b), strict=True))
    never_worse = all(mine[1] >= theirs[1] for mine, theirs in pairs)
    return never_worse and any(mine[1] > theirs[1] + CLEARLY[mine[0]] for mine, theirs in pairs)


def _complexity(evaluation: Evaluation) -> tuple[object, ...]:
    recipe = evaluation.recipe
    return (
        len(recipe.features),
        recipe.k,
        list(ALGORITHMS).index(recipe.algorithm),
        recipe.principal_components or len(recipe.features),
        len(recipe.yeo_johnson),
        recipe.scaling != "standard",
        -evaluation.silhouette_standardised_space,
        recipe.features,
    )
