"""The written rule that picks the winner among evaluated recipes.

1. Those stay that reach every threshold; where none does, those that fall short the least.
2. Of these, the Pareto front over structure, stability and churn separation: a recipe goes when
   another is at least as good in all three and clearly better in one. Structure is what clusters
   exceed those of a single group by: silhouettes of different features do not compare.
3. Of the front, the simplest: fewest features, then clusters; K-Means before other algorithms;
   fewest axes; then the higher AUC, fewest transformed features, standard before robust scaling,
   the better silhouette.
"""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.training.evaluation import Evaluation
from pipeline.training.recipes import ALGORITHMS
from pipeline.training.search.thresholds import Thresholds

CLEARLY = {"shortfall": 0.012, "excess": 0.02, "stability": 0.005, "churn": 0.01}
"""A smaller difference than this decides nothing."""


def shortfall(evaluation: Evaluation, thresholds: Thresholds) -> float:
    """The sum over all thresholds of the share by which each is missed; 0: all are reached."""
    return structure_shortfall(
        evaluation.silhouette_model_space,
        evaluation.silhouette_standardised_space,
        min(evaluation.jaccard),
        evaluation.smallest_share,
        thresholds,
    ) + _churn_shortfall(evaluation, thresholds)


def structure_shortfall(
    silhouette: float,
    standardised_silhouette: float,
    weakest_jaccard: float,
    smallest_share: float,
    thresholds: Thresholds,
) -> float:
    """The part of the shortfall that has nothing to do with churn."""
    return (
        below(silhouette, thresholds.silhouette_model_space)
        + below(standardised_silhouette, thresholds.silhouette_standardised_space)
        + below(weakest_jaccard, thresholds.weakest_jaccard)
        + below(smallest_share, thresholds.smallest_share)
    )


def _churn_shortfall(evaluation: Evaluation, thresholds: Thresholds) -> float:
    """The part that churn is to blame for; 0 where there is no label, or no threshold."""
    auc, highest = evaluation.churn_auc, evaluation.highest_churn
    stay = None if evaluation.lowest_churn is None else 1 - evaluation.lowest_churn
    most_stay = None if thresholds.lowest_churn is None else 1 - thresholds.lowest_churn
    pairs = (
        (auc, thresholds.churn_auc),
        (highest, thresholds.highest_churn),
        (stay, most_stay),
    )
    return sum(below(a, b) for a, b in pairs if a is not None and b is not None)


def with_churn_threshold(evaluations: Sequence[Evaluation], thresholds: Thresholds) -> Thresholds:
    """The thresholds with one for churn, where nobody asks for one.

    What can be reached depends on the customers. Of all recipes the one counts that loses least,
    of structure and of the best AUC together; clearly less AUC than it has is too little.
    """
    known = [one for one in evaluations if one.churn_auc is not None]
    if thresholds.churn_auc is not None or not known:
        return thresholds
    pairs = [(shortfall(one, thresholds), one.churn_auc or 0.0) for one in known]
    return replace(thresholds, churn_auc=reachable_auc(pairs))


def reachable_auc(recipes: Sequence[tuple[float, float]]) -> float:
    """The AUC to ask for: clearly less than the recipe has that loses least.

    Args:
        recipes: Shortfall of structure, and AUC, of each; one at least.
    """
    top = max(auc for _, auc in recipes)
    _, auc = min(recipes, key=lambda one: (one[0] + below(one[1], top), -one[1]))
    return auc - CLEARLY["churn"]


def below(value: float, threshold: float) -> float:
    """The share by which a threshold is missed; 0 where it is reached."""
    return max(0.0, (threshold - value) / (threshold or 1))


def choose(candidates: Sequence[Evaluation], thresholds: Thresholds) -> Evaluation:
    """The winner by the rule; the order of the candidates does not matter."""
    least = min(shortfall(evaluation, thresholds) for evaluation in candidates)
    allowed = [
        evaluation
        for evaluation in candidates
        if shortfall(evaluation, thresholds) <= least + CLEARLY["shortfall"]
    ]
    front = [b for b in allowed if not any(_dominates(a, b) for a in allowed)]
    return min(front, key=_complexity)


def _axes(evaluation: Evaluation) -> tuple[tuple[str, float], ...]:
    return (
        ("excess", evaluation.excess or 0.0),
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
        -(evaluation.churn_auc or 0.0),
        len(recipe.yeo_johnson),
        recipe.scaling != "standard",
        -evaluation.silhouette_standardised_space,
        recipe.features,
    )
