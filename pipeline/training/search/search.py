"""The search for a recipe: are there groups, which features show them, and do they tell leavers?

Two searches look at the customers. The first knows nothing of churn and looks for groups that
stand apart (`structure`). The second, where there is a label, looks for features whose clusters
differ in churn (`separation`); it sees three quarters of the customers, and the others test what it
chose. Groups come first: a recipe that churn chose goes before them only where it tells leavers
clearly better.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.metrics import roc_auc_score

from pipeline.errors import WrongFile
from pipeline.training import parallel
from pipeline.training.cleaning import Customers
from pipeline.training.counting import rarer, split
from pipeline.training.evaluation import RESTARTS, Budget, Evaluation, evaluate
from pipeline.training.fitting import Fitted, fit
from pipeline.training.recipes import ALGORITHMS, RECIPES, SEARCH, Recipe
from pipeline.training.search import structure
from pipeline.training.search.alternatives import evaluate_alternatives
from pipeline.training.search.choice import CLEARLY, choose, shortfall, with_churn_threshold
from pipeline.training.search.result import SearchResult, Verdict
from pipeline.training.search.sample import Sample
from pipeline.training.search.separation import CUSTOMERS, SeparationSearch
from pipeline.training.search.structure import Grouping, StructureSearch, best_groupings
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.evidence import auc_standard_error
from pipeline.training.statistics.gap import gap_curve, has_structure
from pipeline.training.statistics.redundancy import correlate, near_duplicates

SEED = 42
FINALIST_BUDGET = Budget(bootstraps=20, repeats=1, silhouette_sample=5_000)
MOST_GROUPINGS = 4
"""So many ways to group customers get the whole evidence."""
MOST_RIVALS = 4
"""So many finalists, those that fall short the least, are tried with every algorithm."""
LEAST_CUSTOMERS = 200
LEAST_LEAVERS = 20
"""Who left, or stayed, of the customers seen: of fewer no feature can be said to tell them."""
LEAST_JACCARD = 0.75
"""Of the weakest cluster: groups that do not come back when customers are drawn again are none."""
_CLEARLY_BETTER = 0.03
"""Of AUC: churn chooses in place of groups that stand apart only where it is better by more."""
_EVIDENCE_SECONDS = 15
_REPEATS = 0.98
"""Of rank correlation: one of two features that say the same is no candidate."""
_Z = 2.326
"""Of the AUC on untouched customers, for a p-value of 0.01."""


def search(
    customers: Customers, progress: Callable[[str], None], thresholds: Thresholds
) -> SearchResult:
    """Find the recipe for some customers.

    Args:
        customers: With every feature that may be a candidate.
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
    names = sorted(str(name) for name in customers.features if name not in dropped)
    if not names:
        problem = "has no feature that varies, so its customers form no clusters"
        raise WrongFile(customers.cleaning.file, problem)
    return _Search(customers.select(names), dropped, thresholds, progress).run()


class _Search:
    """One search; every step tells what it does."""

    def __init__(
        self,
        customers: Customers,
        dropped: dict[str, str],
        thresholds: Thresholds,
        progress: Callable[[str], None],
    ) -> None:
        self._customers, self._dropped = customers, dropped
        self._thresholds, self._progress = thresholds, progress
        seen, untouched = split(len(customers.features), customers.churned, SEED)
        self._seen, self._untouched = customers.take(seen), customers.take(untouched)
        self._structure = StructureSearch(
            Sample.of(customers, structure.CUSTOMERS, SEED), thresholds
        )
        self._groupings: list[Grouping] = []

    def run(self) -> SearchResult:
        self._progress(f"searching for the recipe: {self._expected()}")
        groups = self._groups()
        parts = self._parts()
        thresholds = with_churn_threshold(parts, self._thresholds)
        best = choose(parts, thresholds) if parts else None
        chosen = groups[0] if groups else None
        if best is not None and self._goes_before(best, chosen):
            auc = self._untouched_auc(best.recipe)
            if self._significant(auc) and self._has_structure(best.recipe):
                verdict: Verdict = "parts that differ in churn"
                return self._result(best.recipe, verdict, [*parts, *groups], thresholds, auc)
        if chosen is None:
            raise self._no_clusters()
        verdict = "separate groups" if self._stand_apart(chosen) else "groups that touch"
        auc = self._untouched_auc(chosen.recipe)
        return self._result(chosen.recipe, verdict, [*groups, *parts], self._thresholds, auc)

    def _expected(self) -> str:
        """How long it will take, measured on other files as multiples of its first part."""
        seconds = self._structure.expected_seconds()
        seconds = _EVIDENCE_SECONDS + (seconds if self._seen.churned is None else 1.8 * seconds)
        if seconds < 90:
            return f"about {10 * math.ceil(seconds / 10)} seconds"
        return f"about {math.ceil(seconds / 60)} minutes"

    def _groups(self) -> list[Evaluation]:
        """Groups found without a look at churn, the ones to go with first."""
        self._groupings = self._structure.groupings(self._progress)
        recipes = [_recipe(one) for one in best_groupings(self._groupings, MOST_GROUPINGS)]
        evaluations = self._evaluated(recipes, "the groups that were found")
        return [one for one in evaluations if min(one.jaccard) >= LEAST_JACCARD]

    def _parts(self) -> list[Evaluation]:
        """Recipes whose clusters differ in churn, the best of them also by other algorithms."""
        if self._seen.churned is None or rarer(self._seen.churned) < LEAST_LEAVERS:
            return []
        sample = Sample.of(self._seen, CUSTOMERS, SEED)
        recipes = SeparationSearch(sample, self._thresholds).recipes(self._progress)
        evaluations = self._evaluated(recipes, "the finalists for churn")
        asked = with_churn_threshold(evaluations, self._thresholds)
        best = sorted(evaluations, key=lambda one: shortfall(one, asked))[:MOST_RIVALS]
        rivals = [
            replace(one.recipe, algorithm=algorithm)
            for one in best
            for algorithm in ALGORITHMS
            if algorithm != one.recipe.algorithm
        ]
        return evaluations + self._evaluated(rivals, "other algorithms for the best of them")

    def _evaluated(self, recipes: Sequence[Recipe], what: str) -> list[Evaluation]:
        if not recipes:
            return []
        self._progress(f"gathering evidence for {what} ({len(recipes)})")
        found = evaluated(recipes, self._seen)
        with parallel.small_fits():
            return [replace(one, excess=self._structure.excess(one.recipe)) for one in found]

    def _goes_before(self, best: Evaluation, chosen: Evaluation | None) -> bool:
        """Whether churn chooses: there are no groups, or they tell leavers clearly less."""
        churned = self._seen.churned
        if best.churn_auc is None or churned is None:
            return False
        if chosen is None:
            return True
        clearly = CLEARLY["churn"]
        if self._stand_apart(chosen):
            error = auc_standard_error(best.churn_auc, int(churned.sum()), int((~churned).sum()))
            clearly = max(_CLEARLY_BETTER, 2 * error)
        return best.churn_auc - (chosen.churn_auc or 0.5) > clearly

    def _stand_apart(self, chosen: Evaluation) -> bool:
        return any(one.separate for one in self._groupings if _recipe(one) == chosen.recipe)

    def _has_structure(self, recipe: Recipe) -> bool:
        self._progress("testing whether there is any structure (gap statistic)")
        return has_structure(gap_curve(self._quick(recipe).standardised))

    def _quick(self, recipe: Recipe) -> Fitted:
        return fit(replace(recipe, n_init=RESTARTS), self._seen.select(recipe.features))

    def _untouched_auc(self, recipe: Recipe) -> float | None:
        seen, untouched = self._seen.churned, self._untouched.churned
        if seen is None or untouched is None or not rarer(untouched):
            return None
        fitted = fit(recipe, self._seen.select(recipe.features))
        rates = np.bincount(fitted.labels, seen) / np.bincount(fitted.labels)
        labels = fitted.pipeline.predict(self._untouched.features[list(recipe.features)])
        return float(roc_auc_score(untouched, rates[labels]))

    def _significant(self, auc: float | None) -> bool:
        churned = self._untouched.churned
        if auc is None or churned is None:
            return False
        error = auc_standard_error(0.5, int(churned.sum()), int((~churned).sum()))
        return auc - 0.5 > _Z * error

    def _result(
        self,
        winner: Recipe,
        verdict: Verdict,
        evaluations: Sequence[Evaluation],
        thresholds: Thresholds,
        untouched_auc: float | None,
    ) -> SearchResult:
        quick = self._quick(winner)
        self._progress("comparing with algorithms that cannot be trained")
        with parallel.small_fits():
            gaps = gap_curve(quick.standardised)
            alternatives = evaluate_alternatives(winner, quick, self._seen)
            original = RECIPES["original"]
            published = []
            if set(original.features) <= set(self._seen.features):
                published = [_evaluate(self._seen, original)]
        return SearchResult(
            winner,
            verdict,
            (*evaluations, *(one for one in published if one is not None)),
            tuple(gaps),
            untouched_auc,
            self._dropped,
            thresholds,
            alternatives,
            tuple(self._groupings),
        )

    def _no_clusters(self) -> WrongFile:
        problem = (
            "its customers form no clusters: with no set of features do they hold together better "
            "than customers of a single group would"
        )
        if self._seen.churned is not None and rarer(self._seen.churned) < LEAST_LEAVERS:
            problem += f", and fewer than {LEAST_LEAVERS} left or stayed, too few to tell them by"
        elif self._seen.churned is not None:
            problem += ", and none tells who left on customers that took no part in choosing it"
        return WrongFile(self._customers.cleaning.file, problem)


def evaluated(recipes: Sequence[Recipe], seen: Customers) -> list[Evaluation]:
    """The evidence for some recipes, side by side, but for those that leave a cluster empty."""
    found = parallel.each(partial(_evaluate, seen), recipes, heavy=True)
    return [one for one in found if one is not None]


def _evaluate(seen: Customers, recipe: Recipe) -> Evaluation | None:
    with suppress(WrongFile):  # a cluster is empty: no candidate
        return evaluate(recipe, seen.select(recipe.features), FINALIST_BUDGET)
    return None


def _recipe(grouping: Grouping) -> Recipe:
    return Recipe(
        SEARCH,
        "The winner of the search",
        grouping.features,
        grouping.k,
        yeo_johnson=grouping.yeo_johnson,
        seed=SEED,
    )


def _redundant(customers: Customers) -> dict[str, str]:
    """Features that cannot be candidates, and why; transformed columns repeat as much."""
    frame = customers.features
    dropped = {str(name): "it is constant" for name in frame if frame[name].nunique() < 2}
    ranks = frame.select_dtypes("number").rank()
    pairs = near_duplicates(ranks, correlate(ranks), _REPEATS)
    return dropped | {pair.dropped: f"it nearly repeats {pair.kept}" for pair in pairs}
