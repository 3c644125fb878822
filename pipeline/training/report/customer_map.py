"""A map of the customers that shows nobody alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.pages.colours import group_colour
from pipeline.training.svg import INK, name_axis, new_figure, to_svg

CELLS = 32
"""The map has this many cells along each axis."""
FEWEST = 5
"""A cell with fewer customers stays empty, so that nobody can be made out."""
_STEPS = (0.3, 0.5, 0.75, 1.0)


def customer_map(points: NDArray[np.float64], labels: NDArray[np.intp], ids: Sequence[int]) -> str:
    """Draw one mark a cell, the stronger the more customers are in it.

    Args:
        points: (customers, 2): where they lie.
        labels: (customers,): the index of each one's cluster.
        ids: Of the clusters.
    """
    figure, axes = new_figure(height=3.0)
    low, high = np.quantile(points, 0.001, axis=0), np.quantile(points, 0.999, axis=0)
    width = np.where(high > low, high - low, 1.0) / CELLS
    cells = np.clip(((points - low) / width).astype(int), 0, CELLS - 1)
    kept, owner, steps = _cells(cells, labels)
    for index, cluster in enumerate(ids):
        for step, alpha in enumerate(_STEPS):
            x, y = (kept[(owner == index) & (steps == step)] + 0.5).T
            axes.plot(x, y, "s", markersize=4.8, markeredgewidth=0, color=group_colour(cluster),
                      alpha=alpha, linestyle="none")  # fmt: skip
        x, y = ((points[labels == index].mean(axis=0) - low) / width).round(1)
        axes.annotate(str(cluster), (x, y), ha="center", va="center", fontsize=10, color="white",
                      bbox={"boxstyle": "circle", "fc": "#222222", "ec": "white"})  # fmt: skip
    axes.set(xlim=(-1, CELLS + 1), ylim=(-1, CELLS + 1), xticks=[], yticks=[])
    axes.set_ylabel("Second main direction", color=INK, fontsize=9)
    name_axis(axes, "First main direction")
    rule = f"Cells with at least {FEWEST} customers, coloured by the cluster of most of them."
    return to_svg(figure, "Map of the customers", rule)


def _cells(
    cells: NDArray[np.intp], labels: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The cells with enough customers, the cluster of most of them, and a step of their number."""
    clusters = int(labels.max()) + 1
    flat = cells[:, 0] * CELLS + cells[:, 1]
    table = np.bincount(flat * clusters + labels, minlength=CELLS * CELLS * clusters)
    table = table.reshape(-1, clusters)
    counts = table.sum(axis=1)
    kept = np.flatnonzero(counts >= FEWEST)
    steps = np.searchsorted([10, 20, 40], counts[kept], "right")
    return np.column_stack([kept // CELLS, kept % CELLS]), table[kept].argmax(axis=1), steps
