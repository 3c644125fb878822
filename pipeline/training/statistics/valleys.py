"""Whether there are fewer customers between two clusters than within them."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

Points = NDArray[np.float64]
Labels = NDArray[np.intp]

_WINDOW = 0.125
"""Half of a window's width, as a share of the way between two centres."""
_TUBE = 0.9
"""The share of two clusters' customers that are close enough to the line between the centres."""
_MIDDLES = (0.4, 0.45, 0.5, 0.55, 0.6)
"""Where the least populated window may lie, as a share of the way."""


@dataclass(frozen=True, slots=True)
class Valley:
    """How empty it is between the two neighbouring clusters that are separated least."""

    p_value: float
    """Of as few customers in the middle, were there as many as at the less populated centre.

    Divided by the number of neighbours: of many true valleys one looks shallow by chance.
    """
    ratio: float
    """Customers in the middle to customers at the less populated centre."""


def worst_valley(points: Points, labels: Labels) -> Valley:
    """The valley between the two neighbouring clusters that are separated least.

    In a group with one peak the way between any two of its points leads over no valley: a tube
    around it is convex, and a log-concave density stays so in it. Two windows at the centres and
    one in the middle, all of one width, are compared by binomial tests; both must show a valley.

    Args:
        points: (customers, axes), without ties; see `spread_ties`.
        labels: (customers,): clusters from 0 on, none empty.
    """
    white = _whitened(points, labels)
    clusters = int(labels.max()) + 1
    centres = np.array([np.median(white[labels == k], axis=0) for k in range(clusters)])
    valleys = [
        _valley(white, labels, centres, a, b)
        for a, b in itertools.combinations(range(clusters), 2)
        if _neighbours(centres, a, b)
    ]
    worst = max(v.p_value for v in valleys)
    return Valley(min(worst / len(valleys), 1.0), max(v.ratio for v in valleys))


def _valley(white: Points, labels: Labels, centres: Points, a: int, b: int) -> Valley:
    way = centres[b] - centres[a]
    length = float(np.linalg.norm(way)) or 1.0
    offsets = white - centres[a]
    along = offsets @ (way / length)
    aside = np.maximum((offsets**2).sum(axis=1) - along**2, 0)
    both = (labels == a) | (labels == b)
    shares = np.sort(along[aside <= np.quantile(aside[both], _TUBE)] / length)
    centre = min(_count(shares, 0.0), _count(shares, 1.0))
    middle = min(_count(shares, at) for at in _MIDDLES)
    return Valley(float(bdtr(middle, middle + centre, 0.5)), middle / max(centre, 1))


def _count(shares: Points, at: float) -> int:
    low, high = np.searchsorted(shares, (at - _WINDOW, at + _WINDOW))
    return int(high - low)


def _neighbours(centres: Points, a: int, b: int) -> bool:
    """Whether the middle between two centres is closest to them."""
    squared = ((centres - (centres[a] + centres[b]) / 2) ** 2).sum(axis=1)
    return bool(squared.min() >= 0.999 * squared[a])


def _whitened(points: Points, labels: Labels) -> Points:
    """The points in units of the spread within clusters."""
    clusters, axes = int(labels.max()) + 1, points.shape[1]
    means = np.array([points[labels == k].mean(axis=0) for k in range(clusters)])
    residuals = points - means[labels]
    within = residuals.T @ residuals / max(len(points) - clusters, 1)
    within += (1e-6 * np.trace(within) / axes + 1e-300) * np.eye(axes)
    white: Points = points @ np.linalg.cholesky(np.linalg.inv(within))
    return white
