"""The evidence for one recipe: separation, stability, and how well it separates churn."""

import warnings
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, TypedDict, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from pipeline.model.published.facts import Metrics
from pipeline.training import parallel
from pipeline.training.cleaning import Customers
from pipeline.training.counting import Rows
from pipeline.training.fitting import Fitted, build_pipeline, fit
from pipeline.training.recipes import Recipe
from pipeline.training.statistics.evidence import (
    Fit,
    Labels,
    Predict,
    bootstrap_jaccard,
    explained_churn,
    out_of_sample_auc,
    stability_word,
)
from pipeline.training.statistics.gap import gap_at, has_structure

RESTARTS = 10
"""Starts of K-Means inside a resample; fewer than for the model itself, which is fitted once."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much evidence to gather."""

    bootstraps: int = 100
    folds: int = 5
    repeats: int = 4
    silhouette_sample: int = 20_000
    """The silhouette is quadratic: above this number of customers it is taken on a sample."""
    customers: int = 20_000
    """With more, stability and AUC are measured on so many of them."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evidence for one recipe. Where there is no churn label, the figures about it are None."""

    recipe: Recipe
    silhouette_model_space: float
    silhouette_standardised_space: float
    """Of the same clusters where each transformed feature has mean 0, variance 1, unrotated."""
    silhouette_raw_space: float
    """The same with the features standardised as they are, not transformed."""
    davies_bouldin: float
    calinski_harabasz: float
    gap: float | None
    """Of K-Means with its k before any rotation; None with too few different customers."""
    gap_standard_error: float | None
    beats_single_group: bool | None
    """Whether that gap lies clearly above the one of a single group."""
    jaccard: tuple[float, ...]
    """Per cluster, in the order of their ids."""
    smallest_share: float
    churn_auc: float | None
    """Out of sample: fitted on four fifths, tested on the other, repeated."""
    churn_auc_sd: float | None
    lowest_churn: float | None
    highest_churn: float | None
    cramers_v: float | None
    excess: float | None = None
    """By how much its clusters hold together better than those of customers of a single group."""

    def metrics(self) -> Metrics:
        """What the manifest and the leaderboard state of it."""
        figures = {name: value for name, value in asdict(self).items() if name != "recipe"}
        weakest = min(self.jaccard)
        figures |= {"jaccard": list(self.jaccard), "weakest_jaccard": weakest}
        return cast(Metrics, {**figures, "stability": stability_word(weakest)})


class _Churn(TypedDict):
    """The part of an evaluation that counts who left."""

    lowest_churn: float | None
    highest_churn: float | None
    cramers_v: float | None


def evaluate(
    recipe: Recipe,
    customers: Customers,
    budget: Budget,
    fitted: Fitted | None = None,
    counted: Rows | None = None,
) -> Evaluation:
    """Gather the evidence for a recipe on some customers.

    Args:
        recipe: What is evaluated.
        customers: On whom; their features are those of the recipe.
        budget: How much evidence to gather.
        fitted: The recipe as it was fitted on these customers; without it, it is fitted here.
        counted: Positions of the customers whose churn the clusters' rates count; without it all.
    """
    fitted = fitted or fit(replace(recipe, n_init=RESTARTS), customers)
    labels = fitted.labels
    drawn = _drawn(len(labels), budget.customers)
    few = customers.take(drawn)
    rows = few.features.to_numpy(dtype=object)
    refit = _refit(recipe, customers)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a resample may leave clusters empty
        rng = np.random.default_rng(recipe.seed)
        jaccard = bootstrap_jaccard(rows, labels[drawn], refit, budget.bootstraps, rng)
        auc = _auc(recipe, rows, few.churned, refit, budget)
    raw_columns = build_pipeline(replace(recipe, yeo_johnson=()), customers.contract)["transform"]
    numbers = np.array([column.value is None for column in fitted.columns])
    spaces = (
        fitted.points,
        _unit(fitted.standardised, numbers),
        _unit(raw_columns.fit_transform(customers.features), numbers),
    )
    separation = partial(silhouette, labels=labels, sample=budget.silhouette_sample)
    own, unrotated, raw = parallel.each(separation, spaces, heavy=True)
    gaps = gap_at(fitted.standardised, recipe.k)
    return Evaluation(
        recipe,
        silhouette_model_space=own,
        silhouette_standardised_space=unrotated,
        silhouette_raw_space=raw,
        davies_bouldin=float(davies_bouldin_score(fitted.points, labels)),
        calinski_harabasz=float(calinski_harabasz_score(fitted.points, labels)),
        gap=gaps and gaps[1].gap,
        gap_standard_error=gaps and gaps[1].standard_error,
        beats_single_group=gaps and has_structure(gaps),
        jaccard=tuple(jaccard.tolist()),
        smallest_share=float(np.bincount(labels).min() / len(labels)),
        churn_auc=auc and auc[0],
        churn_auc_sd=auc and auc[1],
        **_churn_figures(labels, customers.churned, counted),
    )


def rates_by_cluster(labels: Labels, churned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each cluster's churn rate, (clusters,); NaN for one without customers."""
    sizes = np.bincount(labels)
    rates: NDArray[np.float64] = np.full(len(sizes), np.nan)
    np.divide(np.bincount(labels, churned), sizes, out=rates, where=sizes > 0)
    return rates


def _drawn(customers: int, most: int) -> Rows:
    """All customers, or a seeded draw where there are more."""
    return np.sort(np.random.default_rng(0).permutation(customers)[:most])


def _auc(
    recipe: Recipe,
    rows: NDArray[Any],
    churned: NDArray[np.bool_] | None,
    refit: Fit,
    budget: Budget,
) -> tuple[float, float] | None:
    if churned is None or np.bincount(churned, minlength=2).min() < budget.folds:
        return None
    return out_of_sample_auc(
        rows, churned, refit, folds=budget.folds, repeats=budget.repeats, seed=recipe.seed
    )


def _churn_figures(
    labels: Labels, churned: NDArray[np.bool_] | None, counted: Rows | None
) -> _Churn:
    if churned is None:
        return _Churn(lowest_churn=None, highest_churn=None, cramers_v=None)
    if counted is not None:
        labels, churned = labels[counted], churned[counted]
    rates = rates_by_cluster(labels, churned)
    return _Churn(
        lowest_churn=float(np.nanmin(rates)),
        highest_churn=float(np.nanmax(rates)),
        cramers_v=explained_churn(labels, churned).cramers_v,
    )


def silhouette(points: NDArray[np.float64], labels: NDArray[np.intp], sample: int) -> float:
    """Mean silhouette (Rousseeuw 1987) of points (n, axes), on a seeded sample where n is large."""
    size = sample if len(points) > sample else None
    return float(silhouette_score(points, labels, sample_size=size, random_state=0))


def _refit(recipe: Recipe, customers: Customers) -> Fit:
    names, types = list(customers.features), customers.features.dtypes
    contract = customers.contract  # and not all customers, where the function travels
    lighter = replace(recipe, n_init=RESTARTS)

    def frame(rows: NDArray[Any]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=names).astype(types)

    def refit(rows: NDArray[Any]) -> Predict:
        pipeline = build_pipeline(lighter, contract).fit(frame(rows))
        return lambda new: np.asarray(pipeline.predict(frame(new)), np.intp)

    return refit


def _unit(columns: NDArray[np.float64], numbers: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Numbers with mean 0 and variance 1; a category's columns stay 0 and 1."""
    spread = np.where(numbers, columns.std(axis=0), 1.0)
    unit: NDArray[np.float64] = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return unit
