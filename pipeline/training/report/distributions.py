"""How the values of a feature spread in each cluster, one above the other; nobody stands alone."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pipeline.model.contract import Feature
from pipeline.pages.colours import group_colour
from pipeline.training.report.customer_map import FEWEST
from pipeline.training.svg import INK, minus, name_axis, new_figure, to_svg
from pipeline.training.train import Trained

BINS = 40
_HEIGHT = 0.62
"""Of a cluster's highest bin, in rows."""


def distributions(trained: Trained) -> list[tuple[str, str]]:
    """Label and chart of each number that the model reads."""
    ids = [cluster.id for cluster in trained.model.clusters]
    features, labels = trained.customers.features, trained.fitted.labels
    return [
        (feature.label, spread_by_cluster(feature, features[feature.name].to_numpy(), labels, ids))
        for feature in trained.model.contract.features
        if feature.numeric
    ]


def spread_by_cluster(
    feature: Feature, column: NDArray[np.float64], labels: NDArray[np.intp], ids: Sequence[int]
) -> str:
    """Draw a histogram for each cluster on the same bins, its quartiles below it.

    A bin with fewer customers than a cell of the map needs stays empty. Far values, half a per
    cent on either side, are in the outermost bins.

    Args:
        feature: Whose values they are.
        column: (customers,): its values.
        labels: (customers,): the index of each one's cluster.
        ids: Of the clusters.
    """
    values = np.asarray(column, float)
    edges = _edges(values, feature.type == "integer")
    drawn = np.clip(values, edges[0], edges[-1])
    figure, axes = new_figure(height=0.8 + 0.42 * len(ids))
    described = []
    for row, cluster in enumerate(ids):
        own, foot = drawn[labels == row], len(ids) - 1 - row
        if len(own) == 0:
            continue
        counts = np.histogram(own, edges)[0]
        heights = np.where(counts >= FEWEST, counts, 0) * (_HEIGHT / counts.max()) + foot
        colour = group_colour(cluster)
        axes.stairs(heights, edges, baseline=foot, fill=True, color=colour, alpha=0.65)
        q1, median, q3 = np.quantile(own, (0.25, 0.5, 0.75)).tolist()
        axes.plot([q1, q3], [foot - 0.1] * 2, color=colour, linewidth=3)
        axes.plot(median, foot - 0.1, "|", color=INK, markersize=8, markeredgewidth=1.6)
        low, middle, high = (feature.show(value) for value in (q1, median, q3))
        described.append(f"cluster {cluster}: half from {low} to {high}, median {middle}")
    axes.set_yticks(range(len(ids)), [str(cluster) for cluster in reversed(ids)])
    axes.set_ylim(-0.35, len(ids) - 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: minus(f"{value:,.10g}")))
    unit = feature.unit
    named = not unit or unit.lower() in feature.label.lower()
    name_axis(axes, feature.label if named else f"{feature.label} ({unit})")
    title = f"{feature.label} in each cluster"
    return to_svg(figure, title, f"{'; '.join(described)}.")


def _edges(values: NDArray[np.float64], whole: bool) -> NDArray[np.float64]:
    low, high = np.quantile(values, (0.005, 0.995)).tolist()
    if whole and high - low < BINS:  # a bin for each whole number
        return np.arange(np.floor(low), np.ceil(high) + 2) - 0.5
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    return np.linspace(low, high, BINS + 1)
