"""The tables of a training report, from what was trained to the figures in their cells."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.model.contract import Feature
from pipeline.pages.rendering import NOTHING
from pipeline.training.cleaning import Customers
from pipeline.training.clusters.characteristics import association, characteristics
from pipeline.training.search.choice import shortfall
from pipeline.training.search.evaluation import Judged
from pipeline.training.statistics.evidence import RiskRatio, risk_ratio

if TYPE_CHECKING:
    from pipeline.training.search.search import Search
    from pipeline.training.train import Trained

PUBLISHED = "original"
"""The name of the recipe that the search compares its winner with."""
_PERSONAL = frozenset({"age", "gender", "sex", "income", "marital"})
_BARS = (
    ("Silhouette in the model’s space", "silhouette_model_space", "at least"),
    ("Silhouette, every feature alike", "silhouette_standardised_space", "at least"),
    ("Weakest Jaccard", "weakest_jaccard", "at least"),
    ("Churn AUC on customers not seen", "churn_auc", "at least"),
    ("Lowest churn rate of a cluster", "lowest_churn", "at most"),
    ("Highest churn rate of a cluster", "highest_churn", "at least"),
    ("Smallest share of a cluster", "smallest_share", "at least"),
    ("Features", "most_features", "at most"),
)


def ratios(trained: "Trained") -> list[RiskRatio]:
    """Each cluster's churn rate over that of all other customers."""
    rates = [cluster.churn for cluster in trained.model.clusters if cluster.churn]
    left, everyone = sum(r.churned for r in rates), sum(r.customers for r in rates)
    return [
        risk_ratio(r.churned, r.customers, left - r.churned, everyone - r.customers) for r in rates
    ]


def category_shares(customers: Customers, labels: Any) -> list[tuple[str, str, list[float]]]:
    """Label, value and its share in each cluster, for every value of every category."""
    return [
        (feature.label, value, (np.bincount(labels, mask) / np.bincount(labels)).tolist())
        for feature in customers.contract.features
        if not feature.numeric
        for value in feature.values
        for mask in [(customers.features[feature.name] == value).to_numpy()]
    ]


def personal(trained: "Trained") -> list[tuple[str, float, bool]]:
    """Label, Cramér's V with the clusters, and whether the model reads it: personal traits."""
    customers, labels = trained.customers, trained.fitted.labels
    read = [
        (f.label, association(f, customers.features[f.name].to_numpy(), labels), True)
        for f in customers.contract.features
        if _is_personal(f)
    ]
    found = characteristics(customers, labels)
    return read + [
        (c.feature.label, c.association, False) for c in found if _is_personal(c.feature)
    ]


def comparison(trained: "Trained") -> dict[str, Any]:
    """Which recipe reaches which bar: headings, rows of (figure, reached), and how many in all."""
    search, bars = trained.search, trained.bars
    columns: dict[str, dict[str, Any]] = {}
    for judged in search.judged if search else ():
        known = {**judged.to_dict(), "most_features": len(judged.recipe.features)}
        if judged.recipe.name == PUBLISHED:
            columns["Published recipe"] = known
        if search and judged.recipe == search.winner:
            columns["This recipe, same customers"] = known
    own = {**trained.metrics, "most_features": len(trained.recipe.features)}
    columns = dict(sorted(columns.items())) | {"This model, all customers": own}
    rows = []
    for what, name, side in _BARS:
        bar, sign = getattr(bars, name), 1 if side == "at least" else -1
        values = [known[name] for known in columns.values()]
        met = [None if v is None else bool(sign * (v - bar) >= 0) for v in values]
        cells = [(figure(name, v), m) for v, m in zip(values, met, strict=True)]
        rows.append((what, f"{side} {figure(name, bar)}", cells))
    verdicts = [[cells[place][1] for _, _, cells in rows] for place in range(len(columns))]
    totals = [f"{v.count(True)} of {len(v) - v.count(None)}" for v in verdicts]
    return {"headings": list(columns), "rows": rows, "totals": totals}


def ranked(found: "Search") -> list[tuple[Judged, float, str]]:
    """Each candidate with its shortfall and what it is, the winner first, the published last."""
    rows = []
    for one in found.judged:
        other = "published" if one.recipe.name == PUBLISHED else ""
        word = "chosen" if one.recipe == found.winner else other
        rows.append((one, shortfall(one, found.bars), word))
    return sorted(rows, key=lambda row: (row[2] != "chosen", row[2] == "published", row[1]))


def figure(name: str, value: float | None) -> str:
    """A figure as people write it: shares in per cent, the others with three digits."""
    if value is None or math.isnan(value):
        return NOTHING
    if name == "most_features":
        return f"{value:.0f}"
    share = name in ("lowest_churn", "highest_churn", "smallest_share")
    return f"{value:.1%}" if share else f"{value:.3f}".replace("-", "−")


def _is_personal(feature: Feature) -> bool:
    return bool(_PERSONAL & set(feature.name.lower().split("_")))
