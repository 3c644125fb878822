"""What is counted of assigned customers. Tallies add up: any way of cutting a file into blocks
gives the same figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import Assignments, ClusterModel
from pipeline.scoring.challenger import ChallengerCounts

Counts = NDArray[np.int64]
_SHIFT = 14
_CELLS = 1 << (32 - _SHIFT)
"""A median is found by counting float32 values whose last 14 bits are cut off: to within 0.1 %,
and exactly for whole numbers up to 1,024."""
_LEAST = 1e-38
"""The cells beside 0 hold nothing that float32 tells from it."""
FIRST = 3
"""Rows that are named for each reason of a rejection."""


@dataclass(slots=True)
class Tally:
    """Counts by cluster (one element each, in the model's order) and of the whole."""

    customers: Counts
    outliers: Counts
    labelled: Counts
    churned: Counts
    sums: dict[str, NDArray[np.float64]]
    """Of each numeric feature."""
    bins: dict[str, Counts]
    """Of each feature, in the bins of the model's baseline."""
    rejected: Counter[str]
    """Column and code → rows."""
    first_rejected: dict[str, list[int]]
    """Column and code → the numbers of the first rows."""
    keys: dict[str, list[NDArray[np.int32]]] = field(default_factory=dict)
    """Cells to be counted for the medians."""
    cells: dict[str, NDArray[np.uint32]] = field(default_factory=dict)
    versus: ChallengerCounts | None = None
    """What a challenger makes of the same customers."""

    @classmethod
    def empty(cls, model: ClusterModel) -> Self:
        """Nothing counted yet."""
        features = {feature.name: np.zeros(0) for feature in model.contract.features}
        nobody = Assignments(*(np.zeros(0, kind) for kind in ("i8", "f8", "f8", "?")))
        return cls.of(model, np.zeros(0, np.intp), nobody, features, None, [])

    @classmethod
    def of(
        cls,
        model: ClusterModel,
        positions: NDArray[np.intp],
        assignments: Assignments,
        features: Mapping[str, NDArray[Any]],
        churned: NDArray[np.float64] | None,
        rejected: Sequence[tuple[str, int]],
    ) -> Self:
        """Count one block; `rejected` has the reason and number of each row, in their order."""
        k = len(model.clusters)
        numeric = [feature.name for feature in model.contract.features if feature.numeric]
        label = np.full(len(positions), np.nan) if churned is None else churned
        return cls(
            np.bincount(positions, minlength=k),
            _counted(positions, assignments.outlier, k),
            _counted(positions, ~np.isnan(label), k),
            _counted(positions, label == 1, k),
            {
                name: np.bincount(positions, features[name], minlength=k).astype(float)
                for name in numeric
            },
            {name: _binned(model, name, values) for name, values in features.items()},
            Counter(reason for reason, _ in rejected),
            _first(rejected),
            {name: [_keys(positions, features[name])] for name in numeric},
        )

    def add(self, other: Self) -> None:
        """Take in the counts of another part of the same file."""
        for mine, theirs in (
            (self.customers, other.customers),
            (self.outliers, other.outliers),
            (self.labelled, other.labelled),
            (self.churned, other.churned),
        ):
            mine += theirs
        for name, total in other.sums.items():
            self.sums[name] += total
        for name, counts in other.bins.items():
            self.bins[name] += counts
        self.rejected.update(other.rejected)
        for reason, rows in other.first_rejected.items():
            known = self.first_rejected.get(reason, [])
            self.first_rejected[reason] = sorted([*known, *rows])[:FIRST]
        for name, keys in other.keys.items():
            cells = self._cells(name)
            for part in keys:
                np.add.at(cells, part, np.uint32(1))  # of another type it is 30 times slower
        for name, found in other.cells.items():
            self._cells(name)[:] += found
        self.versus = other.versus if self.versus is None else self.versus.plus(other.versus)

    def median(self, feature: str, position: int | None, *, whole: bool) -> float | None:
        """The median of a feature in a cluster or of everybody, None where there is nobody."""
        by_cluster = self._cells(feature).reshape(-1, _CELLS)
        counts = by_cluster.sum(axis=0) if position is None else by_cluster[position]
        total = int(counts.sum())
        if not total:
            return None
        cell = int(np.searchsorted(np.cumsum(counts), (total + 1) // 2))
        middle = (_value(cell) + _value(cell + 1)) / 2
        if abs(middle) < _LEAST:
            return 0.0
        return float(np.floor(middle)) if whole else middle

    def _cells(self, feature: str) -> NDArray[np.uint32]:
        if feature not in self.cells:
            self.cells[feature] = np.zeros(len(self.customers) * _CELLS, np.uint32)
        return self.cells[feature]


def _counted(positions: NDArray[np.intp], which: NDArray[np.bool_], k: int) -> Counts:
    """Of each cluster, the customers that are marked; exact, as long as there are below 2**53."""
    return np.bincount(positions, which, minlength=k).astype(np.int64)


def _binned(model: ClusterModel, name: str, values: NDArray[Any]) -> Counts:
    baseline = model.baseline["features"][name]
    if "edges" in baseline:
        above = [np.count_nonzero(values >= edge) for edge in baseline["edges"]]
        return -np.diff([len(values), *above, 0])  # a few comparisons beat one search
    return np.array([int((values == value).sum()) for value in baseline["values"]], np.int64)


def _first(rejected: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    first: dict[str, list[int]] = {}
    for reason, row in rejected:
        rows = first.setdefault(reason, [])
        if len(rows) < FIRST:
            rows.append(row)
    return first


def _keys(positions: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.int32]:
    """The cell of each value, in an order that is that of the values."""
    bits = values.astype(np.float32).view(np.int32)
    ordered = np.where(bits < 0, ~bits, bits | np.int32(-(1 << 31))).view(np.uint32)
    cell = (ordered >> np.uint32(_SHIFT)).astype(np.int32)
    return cell + positions.astype(np.int32) * np.int32(_CELLS)


def _value(cell: int) -> float:
    """The lower end of a cell."""
    ordered = min(cell << _SHIFT, (1 << 32) - 1)
    bits = ordered ^ (1 << 31) if ordered >> 31 else ~ordered & 0xFFFFFFFF
    return float(np.array([bits], np.uint32).view(np.float32)[0])
