"""How much two groups differ: effect sizes, spreads and shared histograms.

Every function answers None where the figure does not exist, never NaN or infinity.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats.contingency import association

from pipeline.model.contract import Range

BINS = 30
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the values of one group lie."""

    customers: int
    mean: float
    sd: float | None
    """With n - 1; None for a single customer."""
    low: float
    q1: float
    median: float
    q3: float
    high: float

    @classmethod
    def of(cls, values: Numbers) -> Self | None:
        """The spread of some values; None when there are none."""
        if len(values) == 0:
            return None
        low, q1, median, q3, high = np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist()
        sd = None if len(values) < 2 else math.sqrt(_squares(values) / (len(values) - 1))
        return cls(len(values), float(values.mean()), sd, low, q1, median, q3, high)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of several groups on the same bins, and how many values lie beyond them."""

    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]
    below: int
    above: int

    @classmethod
    def of(cls, groups: dict[str, Numbers], typical: Range, whole: bool) -> Self | None:
        """Bins cover the typical range as far as there are values; one far value hides nothing."""
        values = np.concatenate(list(groups.values()))
        if len(values) == 0:
            return None
        edges = _edges(values, typical, whole)
        return cls(
            tuple(edges.tolist()),
            {name: tuple(np.histogram(v, edges)[0].tolist()) for name, v in groups.items()},
            int((values < edges[0]).sum()),
            int((values > edges[-1]).sum()),
        )


def cohens_d(stayed: Numbers, churned: Numbers) -> float | None:
    """Difference of the means, churned less stayed, in pooled standard deviations."""
    if len(stayed) < 2 or len(churned) < 2:
        return None
    freedom = len(stayed) + len(churned) - 2
    pooled = math.sqrt((_squares(stayed) + _squares(churned)) / freedom)
    return float(churned.mean() - stayed.mean()) / pooled if pooled > 0 else None


def cramers_v(counts: NDArray[Any]) -> float | None:
    """Association of a table's rows and columns from 0 to 1, without bias correction.

    Empty rows and columns take no part; None where fewer than two of either are left.
    """
    table = np.asarray(counts, np.int64)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    return float(association(table, method="cramer")) if min(table.shape) > 1 else None


def corrected_v(counts: NDArray[Any]) -> float:
    """Cramér's V corrected for bias (Bergsma 2013, J. Korean Stat. Soc. 42:323-328).

    Without association it is about 0 however many rows the table has; 0 where there is nothing to
    compare.
    """
    table = np.asarray(counts, float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return 0.0
    n, (rows, columns) = table.sum(), table.shape
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = ((table - expected) ** 2 / expected).sum() / n - (rows - 1) * (columns - 1) / (n - 1)
    rows_left = rows - (rows - 1) ** 2 / (n - 1)
    columns_left = columns - (columns - 1) ** 2 / (n - 1)
    least = min(rows_left, columns_left) - 1
    return min(1.0, math.sqrt(max(phi, 0.0) / least)) if least > 0 else 0.0


def skewness(values: Numbers) -> float | None:
    """Third standardised moment; above 0 the long tail is on the right."""
    squares = _squares(values)
    if squares == 0:
        return None
    z = (values - values.mean()) / math.sqrt(squares / len(values))
    return float((z**3).mean())


def share_outside(values: Numbers, interval: Range) -> float:
    """The share of values beyond an interval."""
    return float((~_within(values, interval)).mean()) if len(values) else 0.0


def _squares(values: Numbers) -> float:
    """Sum of squared distances to the mean; exactly 0 when all values are the same."""
    if len(values) == 0 or values.min() == values.max():
        return 0.0
    return float(((values - values.mean()) ** 2).sum())


def _within(values: Numbers, interval: Range) -> NDArray[np.bool_]:
    inside = np.ones(len(values), bool)
    if interval.low is not None:
        inside &= values >= interval.low
    if interval.high is not None:
        inside &= values <= interval.high
    return inside


def _edges(values: Numbers, typical: Range, whole: bool) -> Numbers:
    inside = values[_within(values, typical)]
    shown = inside if len(inside) else values
    low, high = float(shown.min()), float(shown.max())
    if whole:  # every bin holds equally many whole numbers
        width = math.ceil((high - low + 1) / BINS)
        count = math.ceil((high - low + 1) / width)
        return np.array([low - 0.5 + float(width) * index for index in range(count + 1)])
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    return np.linspace(low, high, BINS + 1)
