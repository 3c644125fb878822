"""Sets of features whose clusters differ in churn, screened on a sample.

First sets of features, grown from the best of one feature fewer. Then, for the best of each size,
every form of recipe. Last, single features transformed or not, for the best few. Tolerant on
purpose: a sample must not rule a winner out. What a set is worth is measured afterwards, on
customers that were not counted.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from pipeline.training import parallel
from pipeline.training.evaluation import silhouette
from pipeline.training.recipes import Recipe
from pipeline.training.search.choice import below, reachable_auc, structure_shortfall
from pipeline.training.search.sample import Labels, Points, Sample, Scaling, cluster
from pipeline.training.search.thresholds import Thresholds

CUSTOMERS = 3_000
"""Of the sample that sets of features are screened on."""
CLUSTERS = range(10, 1, -1)
FINALISTS = 16
_SILHOUETTE_ROWS = 1_000
_SCREENED_AT = 8
"""The number of clusters that sets of features are compared with."""
_BEAM = 12
_KEPT = 12
"""Sets of each size that are tried in every form."""
_MIXED = 8
_BEHIND = 0.06
"""Of AUC: what stays behind the best by more is not looked at closely."""
_MOST_AXES = 3
_SLACK = 0.12
"""A recipe is dropped where the sample misses the thresholds by more, as a sum of shares."""
_OF_ONE_SET = 4

Form = tuple[tuple[str, ...], tuple[str, ...], Scaling, int | None]
"""Features, which of them are transformed, how they are scaled, and how many principal axes."""


@dataclass(frozen=True, slots=True)
class Screened:
    """A recipe, and what the sample says of it."""

    recipe: Recipe
    structure_missed: float
    """By how much it misses the thresholds of structure, as a sum of shares."""
    auc: float


class SeparationSearch:
    """A sample of customers of whom it is known whether they left."""

    def __init__(self, sample: Sample, thresholds: Thresholds) -> None:
        """Look at a sample with labels."""
        self._sample, self._thresholds = sample, thresholds
        self._most = min(thresholds.most_features, len(sample.names))
        self._floor = 0.0

    def recipes(self, progress: Callable[[str], None]) -> list[Recipe]:
        """The recipes worth gathering evidence for, the most promising first."""
        names = self._sample.names
        progress(f"screening sets of up to {self._most} of {len(names)} features for churn")
        subsets = self._promising()
        progress(f"screening {len(subsets)} promising sets of features in every form")
        screened = self._tried(
            [
                (subset, yeo_johnson, scaling, axes)
                for subset in subsets
                for yeo_johnson in self._extremes(subset)
                for scaling in self._scalings(subset)
                for axes in self._axes(subset)
            ]
        )
        best = list(dict.fromkeys(one.recipe.features for one in _ranked(screened)))[:_MIXED]
        progress(f"trying transforms feature by feature on the best {len(best)}")
        screened += self._tried(
            [
                (subset, yeo_johnson, scaling, axes)
                for subset in best
                for yeo_johnson in self._between(subset)
                for scaling in self._scalings(subset)
                for axes in self._axes(subset)
            ]
        )
        return _finalists(screened)

    def _numbers(self, subset: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in subset if name in self._sample.numbers)

    def _extremes(self, subset: Sequence[str]) -> list[tuple[str, ...]]:
        """Nothing transformed, and everything."""
        every = tuple(name for name in subset if name in self._sample.transformable)
        return [(), every] if every else [()]

    def _between(self, subset: Sequence[str]) -> Iterator[tuple[str, ...]]:
        every = self._extremes(subset)[-1]
        for size in range(1, len(every)):
            yield from itertools.combinations(every, size)

    def _scalings(self, subset: Sequence[str]) -> tuple[Scaling, ...]:
        return ("standard", "robust") if self._numbers(subset) else ("standard",)

    def _axes(self, subset: Sequence[str]) -> list[int | None]:
        """Categories are not rotated: their columns mean nothing but one value each."""
        rotated = (
            range(1, min(len(subset), _MOST_AXES + 1))
            if len(self._numbers(subset)) == len(subset)
            else ()
        )
        return [None, *rotated]

    def _promising(self) -> list[tuple[str, ...]]:
        """The best sets of every size, each grown from the best of one feature fewer."""
        kept: list[tuple[str, ...]] = []
        ranked: list[tuple[str, ...]] = [()]
        for _ in range(self._most):
            grown = (
                tuple(sorted({*subset, name}))
                for subset in ranked[:_BEAM]
                for name in self._sample.names
                if name not in subset
            )
            subsets = list(dict.fromkeys(grown))
            aucs = dict(zip(subsets, parallel.each(self._best_auc, subsets), strict=True))
            ranked = sorted(subsets, key=lambda subset: (-aucs[subset], subset))
            kept += ranked[:_KEPT]
            self._floor = max(self._floor, aucs[ranked[0]] - _BEHIND)
        return kept

    def _best_auc(self, subset: tuple[str, ...]) -> float:
        return max(
            self._auc(self._cluster(self._sample.points(subset, form), _SCREENED_AT, 1))
            for form in self._extremes(subset)
        )

    def _tried(self, forms: Sequence[Form]) -> list[Screened]:
        return [one for some in parallel.each(self._screened, forms) for one in some]

    def _screened(self, form: Form) -> list[Screened]:
        return list(self._each_k(*form))

    def _each_k(
        self,
        subset: tuple[str, ...],
        yeo_johnson: tuple[str, ...],
        scaling: Scaling,
        axes: int | None,
    ) -> Iterator[Screened]:
        scaled = self._sample.points(subset, yeo_johnson, scaling)
        flat = self._sample.points(subset, yeo_johnson)
        points = PCA(axes, svd_solver="full").fit_transform(scaled) if axes else scaled
        for k in CLUSTERS:
            labels = self._cluster(points, k, 2)
            auc = self._auc(labels)
            if auc < self._floor - _BEHIND / 2:
                return  # fewer clusters separate churn even less
            if auc < self._floor:
                continue
            missed = self._structure_missed(points, flat, labels)
            if missed <= 2 * _SLACK:
                recipe = Recipe(
                    "search", "The winner of the search", subset, int(labels.max()) + 1, axes,
                    yeo_johnson, scaling, seed=self._sample.seed, by_churn=True,
                )  # fmt: skip
                yield Screened(recipe, missed, auc)

    def _structure_missed(self, points: Points, flat: Points, labels: Labels) -> float:
        rows = slice(0, len(labels), max(1, len(labels) // _SILHOUETTE_ROWS))
        few = labels[rows]
        if not 2 <= len(set(few.tolist())) < len(few):
            return 2.0
        share = float(np.bincount(labels).min() / len(labels))
        standardised = silhouette(flat[rows], few, CUSTOMERS)
        own = standardised if points is flat else silhouette(points[rows], few, CUSTOMERS)
        return structure_shortfall(own, standardised, 1.0, share, self._thresholds)

    def _auc(self, labels: Labels) -> float:
        churned = self._sample.churned
        return 0.5 if churned is None else auc_of_rates(labels, churned)

    def _cluster(self, points: Points, k: int, restarts: int) -> Labels:
        """At most k clusters, fewer where there are not so many different customers."""
        labels, _ = cluster(points, min(k, len(points)), restarts, self._sample.seed)
        return np.unique(labels, return_inverse=True)[1]


def auc_of_rates(labels: Labels, churned: NDArray[np.bool_]) -> float:
    """ROC AUC of the clusters' churn rates on the same customers.

    Args:
        labels: (customers,): cluster indices from 0.
        churned: (customers,).
    """
    n, left = np.bincount(labels), np.bincount(labels, churned)
    n, left = n[n > 0], left[n > 0]
    order = np.argsort(left / n)
    left, stayed = left[order], (n - left)[order]
    below = np.cumsum(stayed) - stayed
    return float((left * (below + stayed / 2)).sum() / (left.sum() * stayed.sum()))


def _finalists(screened: Sequence[Screened]) -> list[Recipe]:
    """The best few of each set of features."""
    chosen: list[Recipe] = []
    known = set()
    for one in _ranked(screened):
        features, k = one.recipe.features, one.recipe.k
        clusters = (features, k, one.auc, one.structure_missed)  # the same ones in another form
        same = sum(recipe.features == features for recipe in chosen)
        if clusters not in known and same < _OF_ONE_SET:
            chosen.append(one.recipe)
            known.add(clusters)
    return chosen[:FINALISTS]


def _ranked(screened: Sequence[Screened]) -> list[Screened]:
    """Those first that lose least of structure and AUC; of two alike, the simpler."""
    if not screened:
        return []
    least = reachable_auc([(one.structure_missed, one.auc) for one in screened])
    return sorted(
        screened,
        key=lambda one: (
            one.structure_missed + below(one.auc, least),
            len(one.recipe.features),
            one.recipe.k,
            -one.auc,
        ),
    )
