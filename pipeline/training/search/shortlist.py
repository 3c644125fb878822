"""Screening thousands of recipes cheaply, on a sample, so that evidence is gathered for a few.

First the subsets of features: two K-Means fits each. Then, for the promising ones, every scaling,
rotation and k; silhouettes only for those whose clusters separate churn. Last, single features
transformed by Yeo-Johnson or not, for the best dozen. Tolerant on purpose: a sample must not rule
a winner out.
"""

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import PowerTransformer, RobustScaler, StandardScaler

from pipeline.training.evaluation import silhouette
from pipeline.training.recipes import Recipe
from pipeline.training.search.choice import below, churn_shortfall
from pipeline.training.search.thresholds import Thresholds

Scaling = Literal["standard", "robust"]
SAMPLE = 3_000
SILHOUETTE_ROWS = 1_000
CLUSTERS = range(8, 1, -1)
MOST_CANDIDATE_FEATURES = 14
"""With more, those that say least about churn on their own are left out."""
MOST_SUBSETS = 300
MIXED_SUBSETS = 12
FINALISTS = 12
_SLACK = 0.12
"""A recipe is dropped where the sample misses the thresholds by more, as a sum of shares."""


@dataclass(frozen=True, slots=True)
class ScreenedRecipe:
    """A recipe, and by how much it misses the thresholds on the sample."""

    recipe: Recipe
    shortfall: float


class Screening:
    """A sample of the customers, transformed and scaled in every way once."""

    def __init__(
        self,
        frame: pd.DataFrame,
        churned: NDArray[np.bool_] | None,
        thresholds: Thresholds,
        seed: int,
    ) -> None:
        """Draw the sample from `frame`, (customers, features), numbers only."""
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.permutation(len(frame))[:SAMPLE])
        raw = frame.to_numpy(float)
        power_transformed = PowerTransformer(standardize=False).fit_transform(raw)
        self._positions = {str(name): position for position, name in enumerate(frame)}
        self.names = list(self._positions)
        self.thresholds, self.seed = thresholds, seed
        self.churned = None if churned is None else churned[rows]
        self._columns = {
            (yeo_johnson, scaling): scaler.fit_transform(values)[rows]
            for yeo_johnson, values in ((False, raw), (True, power_transformed))
            for scaling, scaler in (("standard", StandardScaler()), ("robust", RobustScaler()))
        }
        if self.churned is not None and len(self.names) > MOST_CANDIDATE_FEATURES:
            self.names = self._separating_churn()

    def finalists(self, progress: Callable[[str], None]) -> list[Recipe]:
        """The recipes worth gathering evidence for, most promising first."""
        with warnings.catch_warnings():  # a few columns have fewer values than k clusters
            warnings.simplefilter("ignore", ConvergenceWarning)
            return self._finalists(progress)

    def _finalists(self, progress: Callable[[str], None]) -> list[Recipe]:
        subsets = self._promising_subsets()
        progress(f"screening {len(subsets)} promising sets of features in every form")
        screened = [
            recipe
            for subset in subsets
            for yeo_johnson in ((), subset)
            for recipe in self._screened(subset, yeo_johnson)
        ]
        ranked = dict.fromkeys(one.recipe.features for one in _ranked(screened))
        best = list(ranked)[:MIXED_SUBSETS]
        progress(f"trying transforms feature by feature on the best {len(best)}")
        for subset in best:
            for size in range(1, len(subset)):
                for yeo_johnson in itertools.combinations(subset, size):
                    screened += self._screened(subset, yeo_johnson)
        return [one.recipe for one in _ranked(screened)[:FINALISTS]]

    def _promising_subsets(self) -> list[tuple[str, ...]]:
        subsets = [
            subset
            for size in range(1, self.thresholds.most_features + 1)
            for subset in itertools.combinations(self.names, size)
        ]
        if self.churned is None:
            return subsets[:MOST_SUBSETS]
        missed = {}
        for subset in subsets:
            missed[subset] = min(
                self._churn_missed(
                    self._cluster(self._scaled(subset, yeo_johnson, "standard"), 8, 1)
                )
                for yeo_johnson in ((), subset)
            )
        return sorted(subsets, key=lambda subset: missed[subset])[:MOST_SUBSETS]

    def _screened(
        self, subset: tuple[str, ...], yeo_johnson: Sequence[str]
    ) -> Iterator[ScreenedRecipe]:
        for scaling in ("standard", "robust"):
            scaled = self._scaled(subset, yeo_johnson, scaling)
            flat = self._scaled(subset, yeo_johnson, "standard")
            for axes in (None, *range(1, len(subset))):
                points = PCA(axes, svd_solver="full").fit_transform(scaled) if axes else scaled
                for k in CLUSTERS:
                    labels = self._cluster(points, k, 3)
                    missed = self._label_missed(labels)
                    if missed > _SLACK:
                        if k == CLUSTERS[0] and missed > 3 * _SLACK:
                            break  # fewer clusters separate churn even less
                        continue
                    missed += self._silhouettes_missed(points, flat, labels)
                    if missed <= 2 * _SLACK or self.churned is None:
                        recipe = Recipe(
                            "search", "The winner of the search", subset, k, axes,
                            tuple(yeo_johnson), scaling, seed=self.seed,
                        )  # fmt: skip
                        yield ScreenedRecipe(recipe, missed)

    def _silhouettes_missed(
        self, points: NDArray[Any], flat: NDArray[Any], labels: NDArray[np.intp]
    ) -> float:
        rows = slice(0, len(labels), max(1, len(labels) // SILHOUETTE_ROWS))
        if len(set(labels[rows].tolist())) < 2:
            return 2.0
        full = silhouette(flat[rows], labels[rows], SAMPLE)
        missed = below(full, self.thresholds.silhouette_standardised_space)
        if missed > _SLACK and self.churned is not None:
            return missed + 1  # a one-axis rotation cannot make up for that
        own = silhouette(points[rows], labels[rows], SAMPLE)
        return missed + below(own, self.thresholds.silhouette_model_space)

    def _label_missed(self, labels: NDArray[np.intp]) -> float:
        share = float(np.bincount(labels).min() / len(labels))
        return self._churn_missed(labels) + below(share, self.thresholds.smallest_share)

    def _churn_missed(self, labels: NDArray[np.intp]) -> float:
        if self.churned is None:
            return 0.0
        return churn_shortfall(*churn_separation(labels, self.churned), self.thresholds)

    def _scaled(
        self, subset: Sequence[str], yeo_johnson: Sequence[str], scaling: Scaling
    ) -> NDArray[np.float64]:
        return np.column_stack(
            [
                self._columns[name in yeo_johnson, scaling][:, self._positions[name]]
                for name in subset
            ]
        )

    def _separating_churn(self) -> list[str]:
        alone = {
            name: self._churn_missed(self._cluster(self._scaled((name,), (), "standard"), 8, 1))
            for name in self.names
        }
        kept = sorted(self.names, key=lambda name: alone[name])[:MOST_CANDIDATE_FEATURES]
        return [name for name in self.names if name in kept]

    def _cluster(self, points: NDArray[Any], k: int, restarts: int) -> NDArray[np.intp]:
        kmeans = KMeans(k, n_init=restarts, random_state=self.seed, max_iter=50, tol=1e-3)
        labels: NDArray[np.intp] = kmeans.fit(points).labels_
        return labels


def churn_separation(
    labels: NDArray[np.intp], churned: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """ROC AUC of the clusters' churn rates on the same customers; lowest and highest rate."""
    n, left = np.bincount(labels), np.bincount(labels, churned)
    n, left = n[n > 0], left[n > 0]
    rates = left / n
    order = np.argsort(rates)
    left, stayed = left[order], (n - left)[order]
    below = np.cumsum(stayed) - stayed
    auc = (left * (below + stayed / 2)).sum() / (left.sum() * stayed.sum())
    return float(auc), float(rates.min()), float(rates.max())


def _ranked(screened: Sequence[ScreenedRecipe]) -> list[ScreenedRecipe]:
    return sorted(screened, key=lambda one: one.shortfall)
