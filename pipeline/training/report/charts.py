"""The charts of a training report: which there are, and those that compare clusters.

No chart shows a single customer.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples
from threadpoolctl import threadpool_limits

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.pages.colours import group_colour
from pipeline.training.cells import shaded_cell
from pipeline.training.fitting import Fitted
from pipeline.training.report.curves import elbow_curve, gap_curve
from pipeline.training.report.customer_map import customer_map
from pipeline.training.report.gains import gains, gains_curve
from pipeline.training.report.risk import reliability_curve
from pipeline.training.svg import INK, minus, name_axis, new_figure, to_svg
from pipeline.training.train import Trained

WIDE = 4.0
"""Inches of a chart with a name above each row; a telephone still shows it whole."""
MANY = 6
"""More clusters than these are squares of a heat map and no longer bars."""
FAR = 2.5
"""Standard deviations from the mean that have the full colour."""
SAMPLE = 3_000
"""Customers for the silhouette by cluster, which is quadratic."""


def draw(trained: Trained) -> dict[str, str]:
    """The charts that this model has: file name → SVG."""
    clusters, fitted = trained.model.clusters, trained.fitted
    overall, ids = trained.metrics["churn_rate"], [cluster.id for cluster in clusters]
    drawn = {} if overall is None else {"churn.svg": churn_rates(clusters, overall)}
    if steps := gains(clusters):
        drawn["gains.svg"] = gains_curve(steps)
    if trained.risk is not None and trained.risk.evidence.reliability:
        drawn["risk.svg"] = reliability_curve(trained.risk.evidence.reliability)
    labels = {f.name: f.label for f in trained.model.contract.features if f.numeric}
    if labels:
        bars_or_squares = profiles if len(clusters) <= MANY else profile_squares
        drawn["profiles.svg"] = bars_or_squares(clusters, labels)
    title, lines = "Stability of the clusters", {"stable 0.75": 0.75}
    drawn["stability.svg"] = cluster_bars(jaccard(trained), lines, "Mean Jaccard", title, ids)
    means, title = _silhouettes(fitted, trained.recipe.seed), "Silhouette of the clusters"
    lines = {"reasonable 0.5": 0.5}
    drawn["silhouette.svg"] = cluster_bars(means, lines, "Mean silhouette", title, ids)
    if fitted.standardised.shape[1] > 1:
        drawn["map.svg"] = customer_map(_on_two_axes(fitted), fitted.labels, ids)
    if len(trained.gaps) > 1:
        drawn["elbow.svg"] = elbow_curve(trained.gaps, trained.recipe.k)
        drawn["gap.svg"] = gap_curve(trained.gaps, trained.recipe.k)
    return drawn


def jaccard(trained: Trained) -> list[float | None]:
    """Per cluster; None for one that no resample drew."""
    return [None if math.isnan(value) else value for value in trained.metrics["jaccard"]]


def _silhouettes(fitted: Fitted, seed: int) -> list[float | None]:
    """Mean silhouette of each cluster, on a seeded sample; None for one not drawn."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(fitted.labels))[:SAMPLE])
    labels, count = fitted.labels[rows], len(fitted.centres)
    if not 2 <= len(np.unique(labels)) < len(labels):
        return [None] * count
    with threadpool_limits(1):  # sums depend on how many threads share them
        values = silhouette_samples(fitted.points[rows], labels)
    inside = [values[labels == index] for index in range(count)]
    return [float(some.mean()) if len(some) else None for some in inside]


def _on_two_axes(fitted: Fitted) -> NDArray[np.float64]:
    """Every customer on two axes: the model's own where it has two."""
    if fitted.points.shape[1] == 2:
        return fitted.points
    with threadpool_limits(1):
        return np.asarray(PCA(2, svd_solver="full").fit_transform(fitted.standardised))


def churn_rates(clusters: Sequence[Cluster], overall: float) -> str:
    """Each cluster's churn rate with its interval, beside the rate of all customers."""
    figure, axes = new_figure(WIDE, 0.7 + 0.5 * len(clusters))
    described = []
    for row, cluster in enumerate(clusters):
        if cluster.churn:
            _interval(axes, row, cluster.churn, group_colour(cluster.id))
            described.append(f"{cluster.name} {cluster.churn}")
        axes.vlines(overall, row - 0.13, row + 0.28, color=INK, linewidth=1, alpha=0.7)
        axes.axhline(row, color=INK, linewidth=0.8, alpha=0.15, zorder=0.5)
    rates = [f"{c.churn.rate:.1%}" if c.churn else "" for c in clusters]
    _headed_rows(axes, [f"{c.id} · {c.name}" for c in clusters], 0.2, rates)
    highest = max([c.churn.high for c in clusters if c.churn], default=1.0)
    axes.set_xlim(-0.01 * highest, highest * 1.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(share * 100, 6):g}%"))
    name_axis(axes, f"Churn rate with 95 % interval; upright: all customers, {overall:.1%}")
    return to_svg(figure, "Churn rate by cluster", f"{'; '.join(described)}; all {overall:.1%}.")


def profiles(clusters: Sequence[Cluster], labels: Mapping[str, str]) -> str:
    """How far each cluster's mean lies from the mean of all customers, feature by feature.

    Args:
        clusters: From the first bar on.
        labels: The numeric features in order: name → what people call it.
    """
    thick = 0.72 / len(clusters)
    figure, axes = new_figure(WIDE, 1.0 + len(labels) * (0.35 + 0.17 * len(clusters)))
    described = []
    for index, cluster in enumerate(clusters):
        z = [cluster.profile[name].z for name in labels]
        positions = [row + (index - (len(clusters) - 1) / 2) * thick for row in range(len(z))]
        drawn = axes.barh(
            positions, z, thick * 0.9, color=group_colour(cluster.id), label=str(cluster.id)
        )
        texts = [_signed(value) for value in z]
        axes.bar_label(drawn, texts, padding=3, fontsize=8, color=INK)
        pairs = zip(labels.values(), texts, strict=True)
        figures = ", ".join(f"{name} {text}" for name, text in pairs)
        described.append(f"cluster {cluster.id}: {figures}")
    rows = np.arange(len(labels))
    axes.vlines(0 * rows, rows - 0.37, rows + 0.37, color=INK, linewidth=1, alpha=0.6)
    axes.margins(x=0.12)
    _headed_rows(axes, list(labels.values()), 0.4)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda z, _: "0" if z == 0 else minus(f"{z:g}")))
    name_axis(axes, "Standard deviations from the mean of all customers")
    _legend(axes, len(clusters))
    description = f"In standard deviations, {'; '.join(described)}."
    return to_svg(figure, "Profiles of the clusters", description)


def profile_squares(clusters: Sequence[Cluster], labels: Mapping[str, str]) -> str:
    """The same as `profiles` for many clusters: a row a cluster, a column a feature.

    Args:
        clusters: From the first row on.
        labels: The numeric features in order: name → what people call it.
    """
    width = max(WIDE, 1.0 + 0.55 * len(labels))
    figure, axes = new_figure(width, 1.6 + 0.28 * len(clusters))
    described = []
    for row, cluster in enumerate(clusters):
        z = [cluster.profile[key].z for key in labels]
        texts = [_signed(value) for value in z]
        for column, (value, text) in enumerate(zip(z, texts, strict=True)):
            shaded_cell(axes, column, row, value / FAR, text)
        pairs = zip(labels.values(), texts, strict=True)
        figures = ", ".join(f"{name} {text}" for name, text in pairs)
        described.append(f"cluster {cluster.id}: {figures}")
    axes.set(xlim=(0, len(labels)), ylim=(len(clusters), 0))
    axes.set_yticks([row + 0.5 for row in range(len(clusters))], [str(c.id) for c in clusters])
    axes.set_xticks([column + 0.5 for column in range(len(labels))], list(labels.values()))
    for name in axes.get_xticklabels():
        name.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.spines["bottom"].set_visible(False)
    description = f"In standard deviations, {'; '.join(described)}."
    return to_svg(figure, "Profiles of the clusters", description)


def cluster_bars(
    values: Sequence[float | None],
    lines: Mapping[str, float],
    label: str,
    title: str,
    ids: Sequence[int],
) -> str:
    """One bar a cluster on a scale to 1; None has no bar.

    Args:
        values: One for each cluster.
        lines: What a dashed line is called → where it is.
        label: What the values are.
        title: Of the chart.
        ids: Of the clusters.
    """
    figure, axes = new_figure(height=1.0 + 0.3 * len(values))
    lengths = [0.0 if value is None else value for value in values]
    colours = [group_colour(cluster) for cluster in ids]
    axes.barh(range(len(values)), lengths, 0.72, color=colours)
    texts = ["–" if value is None else minus(f"{value:.3f}") for value in values]
    for row, (length, text) in enumerate(zip(lengths, texts, strict=True)):
        axes.annotate(
            text, (max(length, 0), row), (3, 0), textcoords="offset points",
            va="center", fontsize=8, color=INK,
        )  # fmt: skip
    for name, value in lines.items():
        axes.axvline(value, color=INK, linewidth=1, linestyle=(0, (4, 3)), alpha=0.7, zorder=0.5)
        axes.annotate(
            name, (value, -0.6), (0, 2), textcoords="offset points",
            ha="right", va="bottom", fontsize=8, color=INK,
        )  # fmt: skip
    _rows(axes, [f"Cluster {cluster}" for cluster in ids])
    axes.set_xlim(min(0, *lengths), 1.13)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    name_axis(axes, label)
    pairs = zip(ids, texts, strict=True)
    described = ", ".join(f"cluster {cluster} {text}" for cluster, text in pairs)
    return to_svg(figure, title, f"{label}: {described}.")


def _interval(axes: Axes, row: int, rate: ChurnRate, colour: str) -> None:
    axes.plot([rate.low, rate.high], [row, row], color=colour, linewidth=4, alpha=0.45)
    axes.plot(rate.rate, row, "o", color=colour, markersize=8, clip_on=False)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """The first name on top, with room for a line of text above it."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.grid(True, color=INK, alpha=0.15, linewidth=0.8)


def _legend(axes: Axes, clusters: int) -> None:
    axes.legend(
        title="Cluster", title_fontproperties={"size": 9}, loc="lower left",
        bbox_to_anchor=(0, 1), ncols=min(clusters, 9), frameon=False, labelcolor=INK, fontsize=9,
        borderaxespad=0, handlelength=1.2, alignment="left",
    ).get_title().set_color(INK)  # fmt: skip


def _headed_rows(
    axes: Axes, names: Sequence[str], above: float, figures: Sequence[str] = ()
) -> None:
    """Names and figures over their rows, the first on top; no line may run through them."""
    axes.set_yticks([])
    whole = axes.get_yaxis_transform()  # x in shares of the width, y in rows
    short = [textwrap.shorten(name, 48, placeholder=" …") for name in names]
    for x, side, texts in ((0, "left", short), (1, "right", figures)):
        for row, text in enumerate(texts):
            axes.text(
                x, row - above, text, transform=whole, ha=side, va="bottom", fontsize=9, color=INK
            )
    axes.set_ylim(len(names) - 0.55, -0.75)


def _signed(value: float) -> str:
    return "0.0" if abs(value) < 0.05 else minus(f"{value:+.1f}")
