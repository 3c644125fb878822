"""The search: screen thousands of recipes, gather evidence for a few, choose by the written rule.

Selection sees three quarters of the customers. The other quarter tests the winner once, so that
its churn figure is not flattered by having been chosen.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from pipeline.errors import WrongFile
from pipeline.training.cleaning import Customers
from pipeline.training.evaluation import RESTARTS, Budget, Evaluation, evaluate
from pipeline.training.fitting import EmptyCluster, fit
from pipeline.training.recipes import ALGORITHMS, RECIPES, Recipe
from pipeline.training.search.alternatives import Alternative, evaluate_alternatives
from pipeline.training.search.choice import choose, shortfall
from pipeline.training.search.shortlist import Screening
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.gap import Gap, gap_choice, gap_curve, has_structure
from pipeline.training.statistics.redundancy import correlate, near_duplicates

SEED = 42
FINALIST_BUDGET = Budget(bootstraps=20, repeats=1, silhouette_sample=5_000)
MOST_RIVALS = 4
"""So many finalists, those that fall short the least, are tried with every algorithm."""
LEAST_CUSTOMERS = 200
_UNCHECKED = {"assume_finite": True, "skip_parameter_validation": True}
"""Customers were cleaned and recipes are ours: scikit-learn need not check both in every fit."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The recipe that won the search, and what it was compared with."""

    winner: Recipe
    evaluations: tuple[Evaluation, ...]
    """Every finalist, the best with other algorithms, and the published recipe, all on the
    customers that selection saw."""
    gaps: tuple[Gap, ...]
    untouched_auc: float | None
    """ROC AUC on the quarter that took no part in choosing."""
    dropped_features: dict[str, str]
    """Feature → why it was no candidate."""
    thresholds: Thresholds
    alternatives: tuple[Alternative, ...] = ()
    """Algorithms that cannot be trained, on the winner's features."""

    def to_dict(self) -> dict[str, Any]:
        """The leaderboard, for the artifact."""
        return {
            "bars": asdict(self.thresholds),
            "dropped_features": self.dropped_features,
            "gap_statistic": [asdict(gap) for gap in self.gaps],
            "gap_choice": gap_choice(self.gaps),
            "churn_auc_untouched": self.untouched_auc,
            "algorithms": [asdict(alternative) for alternative in self.alternatives],
            "candidates": [
                {
                    "recipe": asdict(evaluation.recipe),
                    "chosen": evaluation.recipe == self.winner,
                    "shortfall": shortfall(evaluation, self.thresholds),
                    **evaluation.metrics(),
                }
                for evaluation in self.evaluations
            ],
        }


def search(
    customers: Customers, progress: Callable[[str], None], thresholds: Thresholds
) -> SearchResult:
    """Find the recipe for some customers.

    Args:
        customers: With every feature that may be a candidate, numbers only.
        progress: Called with each step, in words.
        thresholds: What the recipe is to reach.

    Raises:
        WrongFile: There are too few customers, or they form no clusters.
    """
    count = len(customers.features)
    if count < LEAST_CUSTOMERS:
        problem = f"has {count:,} usable customers; the search needs at least {LEAST_CUSTOMERS}"
        raise WrongFile(customers.cleaning.file, problem)
    dropped = _redundant(customers)
    names = [str(name) for name in customers.features if name not in dropped]
    seen, untouched = _split(customers.select(names))
    progress(f"screening sets of up to {thresholds.most_features} of {len(names)} features")
    with threadpool_limits(1), config_context(**_UNCHECKED):
        screening = Screening(seen.features, seen.churned, thresholds, SEED)
        finalists = screening.finalists(progress)
        if not finalists:
            raise _no_structure(customers, "no set of features separates them")
        evaluations = _evaluate_finalists(finalists, seen, thresholds, progress)
        winner = choose(evaluations, thresholds).recipe
        progress("testing whether there is any structure (gap statistic)")
        quick = fit(replace(winner, n_init=RESTARTS), seen.select(winner.features))
        gaps = gap_curve(quick.standardised)
        if not has_structure(gaps):
            raise _no_structure(
                customers, "by the gap statistic no number of clusters beats a single group"
            )
        progress("comparing with algorithms that cannot be trained")
        alternatives = evaluate_alternatives(winner, quick, seen)
        original = RECIPES["original"]
        if set(original.features) <= set(names):
            evaluations.append(_evaluate(original, seen))
    auc = _untouched_auc(winner, seen, untouched)
    return SearchResult(
        winner, tuple(evaluations), tuple(gaps), auc, dropped, thresholds, alternatives
    )


def _evaluate(recipe: Recipe, seen: Customers) -> Evaluation:
    return evaluate(recipe, seen.select(recipe.features), FINALIST_BUDGET)


def _evaluate_finalists(
    finalists: Sequence[Recipe],
    seen: Customers,
    thresholds: Thresholds,
    progress: Callable[[str], None],
) -> list[Evaluation]:
    """The evidence for every finalist, and for the best of them with the other algorithms."""
    evaluations = []
    for number, recipe in enumerate(finalists, start=1):
        progress(f"gathering evidence for finalist {number} of {len(finalists)}")
        evaluations.append(_evaluate(recipe, seen))
    best = sorted(evaluations, key=lambda one: shortfall(one, thresholds))[:MOST_RIVALS]
    for algorithm in ALGORITHMS:
        rivals = [replace(one.recipe, algorithm=algorithm) for one in best]
        rivals = [recipe for recipe in rivals if recipe not in finalists]
        for number, recipe in enumerate(rivals, start=1):
            progress(f"the same for {ALGORITHMS[algorithm]}, {number} of {len(rivals)}")
            with suppress(EmptyCluster):  # not a candidate
                evaluations.append(_evaluate(recipe, seen))
    return evaluations


def _redundant(customers: Customers) -> dict[str, str]:
    frame = customers.features
    dropped = {str(name): "it is constant" for name in frame if frame[name].nunique() < 2}
    pairs = near_duplicates(frame, correlate(frame))
    return dropped | {pair.dropped: f"it nearly repeats {pair.kept}" for pair in pairs}


def _split(customers: Customers) -> tuple[Customers, Customers]:
    """Three quarters to choose by, and one to test the choice."""
    rows = np.arange(len(customers.features))
    seen, untouched = train_test_split(
        rows, test_size=0.25, random_state=SEED, stratify=customers.churned
    )
    return customers.take(np.sort(seen)), customers.take(np.sort(untouched))


def _untouched_auc(recipe: Recipe, seen: Customers, untouched: Customers) -> float | None:
    if seen.churned is None or untouched.churned is None:
        return None
    fitted = fit(recipe, seen.select(recipe.features))
    rates = np.bincount(fitted.labels, seen.churned) / np.bincount(fitted.labels)
    labels = fitted.pipeline.predict(untouched.features[list(recipe.features)])
    return float(roc_auc_score(untouched.churned, rates[labels]))


def _no_structure(customers: Customers, why: str) -> WrongFile:
    return WrongFile(customers.cleaning.file, f"its customers form no clusters: {why}")
