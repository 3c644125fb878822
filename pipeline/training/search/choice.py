"""The written rule that picks the winner among judged recipes.

1. Every bar is reached; where no recipe reaches all, those that fall short the least stay.
2. Of these, the Pareto front over silhouette, stability and churn separation: a recipe goes when
   another is at least as good in all three and clearly better in one.
3. Of the front, the simplest: fewest features, then clusters; K-Means before other algorithms;
   fewest axes, transformed features; standard before robust scaling; then the better silhouette.
"""

from collections.abc import Sequence

from pipeline.training.search.evaluation import Judged
from pipeline.training.search.recipes import ALGORITHMS
from pipeline.training.search.thresholds import Thresholds

CLEARLY = {"silhouette": 0.005, "stability": 0.005, "churn": 0.01}
"""A smaller difference than this decides nothing."""


def shortfall(judged: Judged, bars: Thresholds) -> float:
    """The sum over all bars of the share by which each is missed; 0 where all are reached."""
    missed = [
        below(judged.silhouette_model_space, bars.silhouette_model_space),
        below(judged.silhouette_standardised_space, bars.silhouette_standardised_space),
        below(min(judged.jaccard), bars.weakest_jaccard),
        below(judged.smallest_share, bars.smallest_share),
    ]
    return sum(missed) + churn_shortfall(
        judged.churn_auc, judged.lowest_churn, judged.highest_churn, bars
    )


def churn_shortfall(
    auc: float | None, lowest: float | None, highest: float | None, bars: Thresholds
) -> float:
    """The part of the shortfall that churn is to blame for; 0 where there is no label."""
    if auc is None or lowest is None or highest is None:
        return 0.0
    return (
        below(auc, bars.churn_auc)
        + below(highest, bars.highest_churn)
        + below(1 - lowest, 1 - bars.lowest_churn)
    )


def below(value: float, bar: float) -> float:
    """The share by which a bar is missed; 0 where it is reached."""
    return max(0.0, (bar - value) / (bar or 1))


def choose(candidates: Sequence[Judged], bars: Thresholds) -> Judged:
    """The winner by the rule; the order of the candidates does not matter."""
    least = min(shortfall(judged, bars) for judged in candidates)
    allowed = [judged for judged in candidates if shortfall(judged, bars) <= least]
    front = [b for b in allowed if not any(_dominates(a, b) for a in allowed)]
    return min(front, key=_complexity)


def _axes(judged: Judged) -> tuple[tuple[str, float], ...]:
    return (
        ("silhouette", judged.silhouette_model_space),
        ("stability", min(judged.jaccard)),
        ("churn", judged.churn_auc or 0.0),
    )


def _dominates(a: Judged, b: Judged) -> bool:
    pairs = list(zip(_axes(a), _axes(b), strict=True))
    never_worse = all(mine[1] >= theirs[1] for mine, theirs in pairs)
    return never_worse and any(mine[1] > theirs[1] + CLEARLY[mine[0]] for mine, theirs in pairs)


def _complexity(judged: Judged) -> tuple[object, ...]:
    recipe = judged.recipe
    return (
        len(recipe.features),
        recipe.k,
        list(ALGORITHMS).index(recipe.algorithm),
        recipe.principal_components or len(recipe.features),
        len(recipe.yeo_johnson),
        recipe.scaling != "standard",
        -judged.silhouette_standardised_space,
        recipe.features,
    )
