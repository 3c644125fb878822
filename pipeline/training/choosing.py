"""The written rule that picks the winner among judged recipes.

1. Every bar is reached; where no recipe reaches all, those that fall short the least stay.
2. Of these, the Pareto front over silhouette, stability and churn separation: a recipe goes when
   another is at least as good in all three and clearly better in one.
3. Of the front, the simplest: fewest features, then clusters, axes, transformed features; standard
   before robust scaling; then the better silhouette.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.training.judging import Judged


@dataclass(frozen=True, slots=True)
class Bars:
    """What a segmentation worth acting on reaches."""

    silhouette_model_space: float = 0.55
    silhouette_standardised_space: float = 0.50
    """Kaufman & Rousseeuw (1990): from 0.5 on, a reasonable structure has been found."""
    weakest_jaccard: float = 0.95
    """Hennig (2008): above 0.85 highly stable."""
    churn_auc: float = 0.82
    lowest_churn: float = 0.03
    """At most: there is a cluster that hardly anybody leaves."""
    highest_churn: float = 0.60
    """At least: there is a cluster that most leave."""
    smallest_share: float = 0.03
    most_features: int = 4
    """What a person can be asked to type."""


CLEARLY = {"silhouette": 0.005, "stability": 0.005, "churn": 0.01}
"""A smaller difference than this decides nothing."""


def shortfall(judged: Judged, bars: Bars) -> float:
    """The sum over all bars of the share by which each is missed; 0 where all are reached."""
    missed = [
        _below(judged.silhouette_model_space, bars.silhouette_model_space),
        _below(judged.silhouette_standardised_space, bars.silhouette_standardised_space),
        _below(min(judged.jaccard), bars.weakest_jaccard),
        _below(judged.smallest_share, bars.smallest_share),
    ]
    return sum(missed) + churn_shortfall(
        judged.churn_auc, judged.lowest_churn, judged.highest_churn, bars
    )


def churn_shortfall(
    auc: float | None, lowest: float | None, highest: float | None, bars: Bars
) -> float:
    """The part of the shortfall that churn is to blame for; 0 where there is no label."""
    if auc is None or lowest is None or highest is None:
        return 0.0
    return (
        _below(auc, bars.churn_auc)
        + _below(highest, bars.highest_churn)
        + _below(1 - lowest, 1 - bars.lowest_churn)
    )


def choose(candidates: Sequence[Judged], bars: Bars) -> Judged:
    """The winner by the rule; the order of the candidates does not matter."""
    least = min(shortfall(judged, bars) for judged in candidates)
    allowed = [judged for judged in candidates if shortfall(judged, bars) <= least]
    front = [b for b in allowed if not any(_dominates(a, b) for a in allowed)]
    return min(front, key=_complexity)


def _below(value: float, bar: float) -> float:
    return max(0.0, (bar - value) / bar)


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
        recipe.principal_components or len(recipe.features),
        len(recipe.yeo_johnson),
        recipe.scaling != "standard",
        -judged.silhouette_standardised_space,
        recipe.features,
    )
