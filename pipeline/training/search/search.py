"""The search: screen thousands of recipes, gather evidence for a few, choose by the written rule.

Selection sees three quarters of the customers. The other quarter judges the winner once, so that
its churn figure is not flattered by having been chosen.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.training.cleaning import Customers
from pipeline.training.fitting import EmptyCluster, fit
from pipeline.training.search.alternatives import Compared, compare
from pipeline.training.search.choice import choose, shortfall
from pipeline.training.search.evaluation import RESTARTS, Budget, Judged, judge
from pipeline.training.search.recipes import ALGORITHMS, RECIPES, Recipe
from pipeline.training.search.screening import Screen
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.gap import Gap, gap_choice, gap_curve, has_structure
from pipeline.training.statistics.redundancy import correlate, near_duplicates

SEED = 42
FINALIST_EFFORT = Budget(bootstraps=20, repeats=1, silhouette_sample=5_000)
MOST_RIVALS = 4
"""So many finalists, those that fall short the least, are tried with every algorithm."""
LEAST_CUSTOMERS = 200
_UNCHECKED = {"assume_finite": True, "skip_parameter_validation": True}
"""Customers were cleaned and recipes are ours: scikit-learn need not check both in every fit."""


@dataclass(frozen=True, slots=True)
class Search:
    """What the search found, and what it compared."""

    winner: Recipe
    judged: tuple[Judged, ...]
    """Every finalist, the best with other algorithms, and the published recipe, all on the
    customers that selection saw."""
    gaps: tuple[Gap, ...]
    untouched_auc: float | None
    """ROC AUC on the quarter that took no part in choosing."""
    dropped_features: dict[str, str]
    """Feature → why it was no candidate."""
    bars: Thresholds
    compared: tuple[Compared, ...] = ()
    """Algorithms that cannot be trained, on the winner's features."""

    def to_dict(self) -> dict[str, Any]:
        """The leaderboard, for the artifact."""
        return {
            "bars": asdict(self.bars),
            "dropped_features": self.dropped_features,
            "gap_statistic": [asdict(gap) for gap in self.gaps],
            "gap_choice": gap_choice(self.gaps),
            "churn_auc_untouched": self.untouched_auc,
            "algorithms": [asdict(compared) for compared in self.compared],
            "candidates": [
                {
                    "recipe": asdict(judged.recipe),
                    "chosen": judged.recipe == self.winner,
                    "shortfall": shortfall(judged, self.bars),
                    **judged.to_dict(),
                }
                for judged in self.judged
            ],
        }


def search(
    customers: Customers, progress: Callable[[str], None], bars: Thresholds | None = None
) -> Search:
    """Find the recipe for some customers; WrongFile when they form no clusters."""
    bars = bars or Thresholds()
    if len(customers.features) < LEAST_CUSTOMERS:
        found = f"has {len(customers.features):,} usable customers"
        raise WrongFile(
            customers.cleaning.file, f"{found}; the search needs at least {LEAST_CUSTOMERS}"
        )
    dropped = _redundant(customers)
    names = [str(name) for name in customers.features if name not in dropped]
    seen, untouched = _split(restrict(customers, names))
    progress(f"screening sets of up to {bars.most_features} of {len(names)} features")
    with threadpool_limits(1), config_context(**_UNCHECKED):
        finalists = Screen(seen.features, seen.churned, bars, SEED).finalists(progress)
        if not finalists:
            raise _no_structure(customers, "no set of features separates them")
        judged = _judged(finalists, seen, bars, progress)
        winner = choose(judged, bars).recipe
        progress("testing whether there is any structure (gap statistic)")
        quick = fit(replace(winner, n_init=RESTARTS), restrict(seen, winner.features))
        gaps = gap_curve(quick.standardised)
        if not has_structure(gaps):
            raise _no_structure(
                customers, "by the gap statistic no number of clusters beats a single group"
            )
        progress("comparing with algorithms that cannot be trained")
        compared = compare(winner, quick, seen)
        original = RECIPES["original"]
        if set(original.features) <= set(names):
            judged.append(judge(original, restrict(seen, original.features), FINALIST_EFFORT))
    auc = _untouched_auc(winner, seen, untouched)
    return Search(winner, tuple(judged), tuple(gaps), auc, dropped, bars, compared)


def _judged(
    finalists: Sequence[Recipe], seen: Customers, bars: Thresholds, progress: Callable[[str], None]
) -> list[Judged]:
    """The evidence for every finalist, and for the best of them with the other algorithms."""
    judged = []
    for number, recipe in enumerate(finalists, start=1):
        progress(f"gathering evidence for finalist {number} of {len(finalists)}")
        judged.append(judge(recipe, restrict(seen, recipe.features), FINALIST_EFFORT))
    best = sorted(judged, key=lambda one: shortfall(one, bars))[:MOST_RIVALS]
    for algorithm in ALGORITHMS:
        rivals = [replace(one.recipe, algorithm=algorithm) for one in best]
        rivals = [recipe for recipe in rivals if recipe not in finalists]
        for number, recipe in enumerate(rivals, start=1):
            progress(f"the same for {ALGORITHMS[algorithm]}, {number} of {len(rivals)}")
            with suppress(EmptyCluster):  # not a candidate
                judged.append(judge(recipe, restrict(seen, recipe.features), FINALIST_EFFORT))
    return judged


def restrict(customers: Customers, names: Any) -> Customers:
    """The same customers with fewer features, in the given order."""
    kept = list(names)
    moved = [feature for feature in customers.contract.features if feature.name not in kept]
    return replace(
        customers,
        contract=customers.contract.select(kept),
        features=customers.features[kept],
        unread=(*customers.unread, *moved),
        others=pd.concat(
            [customers.others, customers.features[[feature.name for feature in moved]]], axis=1
        ),
    )


def numeric(contract: Contract, names: Any) -> tuple[str, ...]:
    """The numeric features of a contract that are among some columns."""
    return tuple(f.name for f in contract.features if f.numeric and f.name in names)


def _redundant(customers: Customers) -> dict[str, str]:
    frame = customers.features
    dropped = {str(name): "it is constant" for name in frame if frame[name].nunique() < 2}
    pairs = near_duplicates(frame, correlate(frame))
    return dropped | {pair.dropped: f"it nearly repeats {pair.kept}" for pair in pairs}


def _split(customers: Customers) -> tuple[Customers, Customers]:
    rows = np.arange(len(customers.features))
    seen, untouched = train_test_split(
        rows, test_size=0.25, random_state=SEED, stratify=customers.churned
    )
    return _rows(customers, np.sort(seen)), _rows(customers, np.sort(untouched))


def _rows(customers: Customers, rows: Any) -> Customers:
    churned = None if customers.churned is None else customers.churned[rows]
    features = customers.features.iloc[rows].reset_index(drop=True)
    others = customers.others.iloc[rows].reset_index(drop=True)
    return replace(customers, features=features, churned=churned, others=others)


def _untouched_auc(recipe: Recipe, seen: Customers, untouched: Customers) -> float | None:
    if seen.churned is None or untouched.churned is None:
        return None
    fitted = fit(recipe, restrict(seen, recipe.features))
    rates = np.bincount(fitted.labels, seen.churned) / np.bincount(fitted.labels)
    labels = fitted.pipeline.predict(untouched.features[list(recipe.features)])
    return float(roc_auc_score(untouched.churned, rates[labels]))


def _no_structure(customers: Customers, why: str) -> WrongFile:
    return WrongFile(customers.cleaning.file, f"its customers form no clusters: {why}")
