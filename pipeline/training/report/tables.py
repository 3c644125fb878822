"""The tables of a training report, from what was trained to the figures in their cells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster import Cluster
from pipeline.model.published.facts import Metrics, figure
from pipeline.pages.rendering import NOTHING
from pipeline.training.cleaning import Customers
from pipeline.training.evaluation import Evaluation
from pipeline.training.recipes import Recipe
from pipeline.training.search.choice import shortfall
from pipeline.training.search.result import SearchResult
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.evidence import RiskRatio, risk_ratio
from pipeline.training.train import Trained

PUBLISHED = "original"
"""The name of the recipe that the search compares its winner with."""
_THRESHOLDS = (
    ("Silhouette in the model’s space", "silhouette_model_space", "at least"),
    ("Silhouette, every feature alike", "silhouette_standardised_space", "at least"),
    ("Weakest Jaccard", "weakest_jaccard", "at least"),
    ("Churn AUC on customers not seen", "churn_auc", "at least"),
    ("Lowest churn rate of a cluster", "lowest_churn", "at most"),
    ("Highest churn rate of a cluster", "highest_churn", "at least"),
    ("Smallest share of a cluster", "smallest_share", "at least"),
    ("Features", "most_features", "at most"),
)


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One threshold: what it is about, what it asks for, and who reaches it."""

    name: str
    threshold: str
    cells: tuple[tuple[str, bool | None], ...]
    """A column each: the figure, and whether it reaches the threshold; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class ThresholdTable:
    """Which recipe reaches which threshold."""

    headings: tuple[str, ...]
    rows: tuple[ThresholdRow, ...]
    totals: tuple[str, ...]
    """A column each: how many thresholds are reached, of those that are known."""


def ratios(clusters: Sequence[Cluster]) -> list[RiskRatio]:
    """Each cluster's churn rate over that of all other customers."""
    rates = [cluster.churn for cluster in clusters if cluster.churn]
    left, everyone = sum(r.churned for r in rates), sum(r.customers for r in rates)
    return [
        risk_ratio(r.churned, r.customers, left - r.churned, everyone - r.customers) for r in rates
    ]


def category_shares(
    customers: Customers, labels: NDArray[np.intp]
) -> list[tuple[str, str, list[float]]]:
    """Label, value and its share in each cluster, for every value of every category."""
    return [
        (feature.label, value, (np.bincount(labels, mask) / np.bincount(labels)).tolist())
        for feature in customers.contract.features
        if not feature.numeric
        for value in feature.values
        for mask in [(customers.features[feature.name] == value).to_numpy()]
    ]


def comparison(trained: Trained) -> ThresholdTable:
    """Compare this model, and what the search compared it with, to the thresholds."""
    columns = _compared(trained)
    rows = tuple(
        _threshold_row(name, key, side, threshold, columns.values())
        for name, key, side in _THRESHOLDS
        if (threshold := getattr(_thresholds(trained), key)) is not None
        if trained.customers.churned is not None or "churn" not in key
    )
    verdicts = [[row.cells[index][1] for row in rows] for index in range(len(columns))]
    totals = tuple(f"{v.count(True)} of {len(v) - v.count(None)}" for v in verdicts)
    return ThresholdTable(tuple(columns), rows, totals)


def _thresholds(trained: Trained) -> Thresholds:
    """Those of the search, which asks for as much churn as can be reached, or those given."""
    return trained.thresholds if trained.search is None else trained.search.thresholds


def ranked(search: SearchResult) -> list[tuple[Evaluation, float, str]]:
    """Each candidate with its shortfall and what it is, the winner first, the published last."""
    rows = []
    for evaluation in search.evaluations:
        other = "published" if evaluation.recipe.name == PUBLISHED else ""
        word = "chosen" if evaluation.recipe == search.winner else other
        rows.append((evaluation, shortfall(evaluation, search.thresholds), word))
    return sorted(rows, key=lambda row: (row[2] != "chosen", row[2] == "published", row[1]))


def figure_text(name: str, value: float | None) -> str:
    """A figure as people write it: shares in per cent, the others with three digits."""
    if value is None or math.isnan(value):
        return NOTHING
    if name == "most_features":
        return f"{value:.0f}"
    share = name in ("lowest_churn", "highest_churn", "smallest_share")
    return f"{value:.1%}" if share else f"{value:.3f}".replace("-", "−")


def _compared(trained: Trained) -> dict[str, tuple[Recipe, Metrics]]:
    """Heading → what stands below it, this model last."""
    columns: dict[str, tuple[Recipe, Metrics]] = {}
    search = trained.search
    for evaluation in search.evaluations if search else ():
        column = evaluation.recipe, evaluation.metrics()
        if evaluation.recipe.name == PUBLISHED:
            columns["Published recipe"] = column
        if search and evaluation.recipe == search.winner:
            columns["This recipe, same customers"] = column
    own = trained.recipe, trained.metrics
    return dict(sorted(columns.items())) | {"This model, all customers": own}


def _threshold_row(
    name: str,
    key: str,
    side: str,
    threshold: float,
    columns: Iterable[tuple[Recipe, Metrics]],
) -> ThresholdRow:
    cells = []
    for recipe, metrics in columns:
        value = len(recipe.features) if key == "most_features" else figure(metrics, key)
        margin = None if value is None else value - threshold
        reached = None if margin is None else (margin if side == "at least" else -margin) >= 0
        cells.append((figure_text(key, value), reached))
    return ThresholdRow(name, f"{side} {figure_text(key, threshold)}", tuple(cells))
