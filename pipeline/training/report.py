"""The report on a trained model: what was found, how sure it is, and what it must not be used for.

It shows groups and never a single customer; the same model gives the same bytes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from sklearn.tree import DecisionTreeClassifier

from pipeline.contract import Feature
from pipeline.training import report_charts as charts
from pipeline.training.characteristics import association, characteristics
from pipeline.training.choosing import Bars, shortfall
from pipeline.training.cleaning import Customers
from pipeline.training.evidence import (
    Gap,
    RiskRatio,
    explained_churn,
    gap_choice,
    risk_ratio,
    stability_word,
)
from pipeline.training.judging import Judged
from pipeline.training.templating import NOTHING, render_page

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True)
class Leaf:
    """One line of the readable rule."""

    conditions: tuple[str, ...]
    cluster: int
    customers: int
    right: float
    """The share of its customers that are in the cluster."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A decision tree that nearly repeats the clusters, in the features' own units."""

    leaves: tuple[Leaf, ...]
    fidelity: float
    """The share of customers that it puts into their own cluster."""


def render(trained: "Trained") -> str:
    """The report as a page that stands alone."""
    found, metrics, model = trained.search, trained.metrics, trained.model
    labels, churned = trained.fitted.labels, trained.customers.churned
    shown = {name.split(".")[0]: Markup(svg) for name, svg in charts.draw(trained).items()}
    return render_page(
        "report.html.j2",
        recipe=trained.recipe,
        contract=model.contract,
        contract_digest=model.contract.digest,
        metrics=metrics,
        cleaning=trained.cleaning,
        clusters=model.clusters,
        names={feature.name: feature.label for feature in model.contract.features},
        charts=shown,
        jaccard=charts.jaccard(trained),
        stability_word=stability_word,
        apart=_apart(metrics["silhouette_standardised_space"]),
        figure=_figure,
        p_value=_p_value,
        category_shares=_category_shares(trained.customers, labels),
        churn_test=None if churned is None else explained_churn(labels, churned),
        ratios=_ratios(trained),
        rule=readable_rule(trained),
        personal=_personal(trained),
        characteristics=characteristics(trained.customers, labels),
        comparison=_comparison(trained),
        algorithms=() if found is None else found.compared,
        candidates=[] if found is None else _ranked(found.judged, found.winner, found.bars),
        dropped={} if found is None else found.dropped_features,
        searched=found is not None,
        gap_rule=_gap_rule(found.gaps) if found and found.gaps else "",
    )


def figures(trained: "Trained") -> dict[str, str]:
    """The report's charts as files that stand alone: name → SVG."""
    space, paper = ' xmlns="http://www.w3.org/2000/svg"', 'style="background: #fff; '
    return {
        name: svg.replace("<svg", f"<svg{space}", 1).replace('style="', paper, 1) + "\n"
        for name, svg in charts.draw(trained).items()
    }


def readable_rule(trained: "Trained") -> Rule:
    """At most three questions that put a customer into a cluster, and how often they are right."""
    frame, labels = trained.customers.features, trained.fitted.labels
    space = [(column.feature, column.value) for column in trained.model.columns]
    given = [frame[name] if value is None else frame[name] == value for name, value in space]
    table = np.column_stack(given).astype(float)
    least = max(5, len(labels) // 200) if len(labels) > 50 else 1
    fitted = DecisionTreeClassifier(max_depth=3, min_samples_leaf=least, random_state=0)
    fitted.fit(table, labels)
    features = {feature.name: feature for feature in trained.model.contract.features}
    asked = [(features[name], value) for name, value in space]
    leaves = sorted(_leaves(fitted.tree_, asked, 0, {}), key=lambda x: (x.cluster, -x.customers))
    return Rule(tuple(leaves), float((fitted.predict(table) == labels).mean()))


def _ratios(trained: "Trained") -> list[RiskRatio]:
    """Each cluster's churn rate over that of all other customers."""
    rates = [cluster.churn for cluster in trained.model.clusters if cluster.churn]
    left, everyone = sum(r.churned for r in rates), sum(r.customers for r in rates)
    return [
        risk_ratio(r.churned, r.customers, left - r.churned, everyone - r.customers) for r in rates
    ]


def _category_shares(customers: Customers, labels: Any) -> list[tuple[str, str, list[float]]]:
    """Label, value and its share in each cluster, for every value of every category."""
    return [
        (feature.label, value, (np.bincount(labels, mask) / np.bincount(labels)).tolist())
        for feature in customers.contract.features
        if not feature.numeric
        for value in feature.values
        for mask in [(customers.features[feature.name] == value).to_numpy()]
    ]


def _personal(trained: "Trained") -> list[tuple[str, float, bool]]:
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


def _is_personal(feature: Feature) -> bool:
    return bool(_PERSONAL & set(feature.name.lower().split("_")))


def _comparison(trained: "Trained") -> dict[str, Any]:
    """Which recipe reaches which bar: headings, rows of (figure, reached), and how many in all."""
    search, bars = trained.search, trained.search.bars if trained.search else Bars()
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
        cells = [(_figure(name, v), m) for v, m in zip(values, met, strict=True)]
        rows.append((what, f"{side} {_figure(name, bar)}", cells))
    verdicts = [[cells[place][1] for _, _, cells in rows] for place in range(len(columns))]
    totals = [f"{v.count(True)} of {len(v) - v.count(None)}" for v in verdicts]
    return {"headings": list(columns), "rows": rows, "totals": totals}


def _ranked(judged: Any, winner: Any, bars: Bars) -> list[tuple[Judged, float, str]]:
    """Each candidate with its shortfall and what it is, the winner first, the published last."""
    rows = []
    for one in judged:
        other = "published" if one.recipe.name == PUBLISHED else ""
        rows.append((one, shortfall(one, bars), "chosen" if one.recipe == winner else other))
    return sorted(rows, key=lambda row: (row[2] != "chosen", row[2] == "published", row[1]))


def _leaves(tree: Any, asked: list[Any], node: int, limits: dict[int, Any]) -> list[Leaf]:
    """The leaves below a node; `limits` holds (above, at most) for each column asked so far."""
    if tree.children_left[node] < 0:
        shares = tree.value[node][0]
        told = tuple(_condition(*asked[column], *limits[column]) for column in limits)
        best = int(shares.argmax())
        right = float(shares[best] / shares.sum())
        return [Leaf(told, best + 1, int(tree.n_node_samples[node]), right)]
    column, threshold = int(tree.feature[node]), float(tree.threshold[node])
    above, most = limits.get(column, (None, None))
    left = {**limits, column: (above, threshold)}
    right_limits = {**limits, column: (threshold, most)}
    return [
        *_leaves(tree, asked, int(tree.children_left[node]), left),
        *_leaves(tree, asked, int(tree.children_right[node]), right_limits),
    ]


def _condition(feature: Feature, value: str | None, above: Any, most: Any) -> str:
    if value is not None:
        return f"{feature.label} is {'' if above is not None else 'not '}{value}"
    whole = feature.type == "integer"
    low = None if above is None else feature.show(math.floor(above) + 1 if whole else above)
    high = None if most is None else feature.show(math.floor(most) if whole else most)
    if low and high:
        return f"{feature.label} from {low} to {high}"
    return f"{feature.label} {'at least' if whole else 'above'} {low}" if low else (
        f"{feature.label} at most {high}")  # fmt: skip


def _apart(silhouette: float) -> str:
    """Kaufman and Rousseeuw's (1990) reading of a mean silhouette."""
    words = ((0.7, "strongly apart"), (0.5, "reasonably apart"), (0.25, "weakly apart"))
    return next((word for least, word in words if silhouette > least), "hardly apart")


def _figure(name: str, value: float | None) -> str:
    """A figure as people write it: shares in per cent, the others with three digits."""
    if value is None or math.isnan(value):
        return NOTHING
    if name == "most_features":
        return f"{value:.0f}"
    share = name in ("lowest_churn", "highest_churn", "smallest_share")
    return f"{value:.1%}" if share else f"{value:.3f}".replace("-", "−")


def _gap_rule(gaps: Sequence[Gap]) -> str:
    k = gap_choice(gaps)
    return f"k = {k}, the most that were tried" if k == gaps[-1].k else f"k = {k}"


def _p_value(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"
