"""Algorithms that cannot be trained, on the winner's features, for comparison.

A Gaussian mixture has no nearest-centre form; K-Means on numbers and one-hot categories asks people
for a dozen inputs. K-Means on the winner's own features stands beside them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipeline.training.cleaning import Customers
from pipeline.training.evaluation import RESTARTS, silhouette
from pipeline.training.fitting import Fitted
from pipeline.training.recipes import Recipe
from pipeline.training.statistics.evidence import Fit, Predict, bootstrap_jaccard, out_of_sample_auc

_BOOTSTRAPS = 10
_SILHOUETTE_SAMPLE = 5_000


@dataclass(frozen=True, slots=True)
class Alternative:
    """One algorithm's figures in the space that it clusters; None where it left a cluster empty."""

    name: str
    silhouette: float | None
    weakest_jaccard: float | None
    churn_auc: float | None
    smallest_share: float


def evaluate_alternatives(
    recipe: Recipe, fitted: Fitted, customers: Customers
) -> tuple[Alternative, ...]:
    """Figures of the other algorithms.

    Args:
        recipe: The winner.
        fitted: The winner, fitted on the same customers.
        customers: With every candidate feature, to cluster by all of them as well.
    """
    own_points = np.ascontiguousarray(fitted.points)
    return tuple(
        _figures(name, points, _refit(make), customers.churned, recipe.seed)
        for name, points, make in _alternatives(recipe, own_points, customers)
    )


def _alternatives(
    recipe: Recipe, own_points: NDArray[np.float64], customers: Customers
) -> Iterator[tuple[str, NDArray[np.float64], Callable[[], Any]]]:
    k, seed = recipe.k, recipe.seed
    yield "K-Means", own_points, lambda: KMeans(k, n_init=RESTARTS, random_state=seed)
    yield "Gaussian mixture", own_points, lambda: GaussianMixture(k, n_init=3, random_state=seed)
    features = (*customers.contract.features, *customers.unread)
    categories = [feature.name for feature in features if not feature.numeric]
    everything = pd.concat([customers.features, customers.others], axis=1)
    numbers = everything.select_dtypes("number")
    columns = []
    if len(numbers.columns):
        columns.append(StandardScaler().fit_transform(numbers))
    if categories:
        columns.append(OneHotEncoder(sparse_output=False).fit_transform(everything[categories]))
    name = f"K-Means, all {len(numbers.columns)} numbers and {len(categories)} categories"
    yield name, np.column_stack(columns), lambda: KMeans(k, n_init=3, random_state=seed)


def _figures(
    name: str,
    points: NDArray[np.float64],
    refit: Fit,
    churned: NDArray[np.bool_] | None,
    seed: int,
) -> Alternative:
    labels = refit(points)(points)
    sizes = np.bincount(labels)
    if sizes.min() == 0 or len(sizes) < 2:
        return Alternative(name, None, None, None, 0.0)
    rng = np.random.default_rng(seed)
    stable = bootstrap_jaccard(points, labels, refit, _BOOTSTRAPS, rng)
    auc = None
    if churned is not None and np.bincount(churned, minlength=2).min() >= 5:
        auc = out_of_sample_auc(points, churned, refit, repeats=1, seed=seed)[0]
    return Alternative(
        name,
        silhouette(points, labels, _SILHOUETTE_SAMPLE),
        float(stable.min()),
        auc,
        float(sizes.min() / len(labels)),
    )


def _refit(make: Callable[[], Any]) -> Fit:
    def refit(rows: NDArray[np.float64]) -> Predict:
        fitted = make().fit(rows)
        return lambda new: np.asarray(fitted.predict(new), np.intp)

    return refit
