"""What is counted of assigned customers.

Tallies add up: any way of cutting a file into blocks gives the same figures.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import Assignments, ClusterModel
from pipeline.scoring.challenger import ChallengerCounts
from pipeline.scoring.summary.contributions import ContributionCounts

Counts = NDArray[np.int64]
_DROPPED_BITS = 14
_CELLS = 1 << (32 - _DROPPED_BITS)
_RUN = 512
"""Cells that are counted together where one of them is looked for."""
"""A median is read from counts of float32 values without their last 14 bits, a cell for each: it is
within 0.1 %, and exact for whole numbers up to 1,024."""
_SMALLEST = 1e-38
"""The cells beside 0 hold nothing that float32 tells from it."""
AT_RISK = 0.5
"""From this risk on more customers with such values churned than stayed."""
EXAMPLE_ROWS = 3
"""Rows that are named for each reason of a rejection."""


@dataclass(slots=True)
class Tally:
    """Counts by cluster (one element each, in the model's order) and of the whole."""

    customers: Counts
    outliers: Counts
    labelled: Counts
    churned: Counts
    sums: dict[str, NDArray[np.float64]]
    """Numeric feature → the sum of its values in each cluster."""
    bins: dict[str, Counts]
    """Feature → customers in each bin of the model's baseline."""
    rejected: Counter[str]
    """Column and code → rows."""
    first_rejected: dict[str, list[int]]
    """Column and code → the numbers of the first rows."""
    uncounted: dict[str, list[NDArray[np.int32]]] = field(default_factory=dict)
    """Numeric feature → the cell of each customer of a block, which `add` counts."""
    cells: dict[str, NDArray[np.uint32]] = field(default_factory=dict)
    """Numeric feature → customers in each cell, cluster after cluster."""
    challenger: ChallengerCounts | None = None
    """What a challenger makes of the same customers."""
    filled: Counter[str] = field(default_factory=Counter)
    """Feature → customers for whom the contract filled in a missing value."""
    contributions: ContributionCounts | None = None
    """Where rows say why they are where they are."""
    at_risk: Counts | None = None
    """Customers who have not churned as far as is known, and of whom half or more are to be
    expected to by their own values; where the model has a risk score."""

    def count_risk(
        self,
        positions: NDArray[np.intp],
        rates: NDArray[np.float64],
        churned: NDArray[np.float64] | None,
    ) -> None:
        """Count who is at risk; the arguments are those of `of`, and each customer's rate."""
        high = rates >= AT_RISK
        here = high if churned is None else high & ~(churned == 1)
        self.at_risk = _count(positions, here, len(self.customers))

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
        """Count one block.

        Args:
            model: The model that assigned its customers.
            positions: Each customer's cluster, as an index of the model's clusters.
            assignments: The same customers' assignments.
            features: Feature → the customers' values.
            churned: 1 churned, 0 stayed, NaN unknown; None where the file has no label.
            rejected: The reason and the number of each rejected row, in the order of the rows.
        """
        k = len(model.clusters)
        numeric = [feature.name for feature in model.contract.features if feature.numeric]
        label = np.full(len(positions), np.nan) if churned is None else churned
        return cls(
            np.bincount(positions, minlength=k),
            _count(positions, assignments.outlier, k),
            _count(positions, ~np.isnan(label), k),
            _count(positions, label == 1, k),
            {
                name: np.bincount(positions, features[name], minlength=k).astype(float)
                for name in numeric
            },
            {name: _bin_counts(model, name, values) for name, values in features.items()},
            Counter(reason for reason, _ in rejected),
            _first_rows(rejected),
            {name: [_cells_of(positions, features[name])] for name in numeric},
            at_risk=None if model.risk is None else np.zeros(k, np.int64),
        )

    def add(self, other: Self) -> None:
        """Take in the counts of another part of the same file."""
        for name in ("customers", "outliers", "labelled", "churned", "at_risk"):
            if (counts := getattr(other, name)) is not None:
                getattr(self, name)[:] += counts
        for name, total in other.sums.items():
            self.sums[name] += total
        for name, bins in other.bins.items():
            self.bins[name] += bins
        self._add_rejects(other)
        self.filled.update(other.filled)
        for name, blocks in other.uncounted.items():
            counts = self._cell_counts(name)
            for cells in blocks:
                np.add.at(counts, cells, np.uint32(1))  # of another type it is 30 times slower
        for name, counts in other.cells.items():
            self._cell_counts(name)[:] += counts
        for name in ("challenger", "contributions"):
            if (counts := getattr(other, name)) is not None:
                setattr(self, name, counts.plus(getattr(self, name)))

    def _add_rejects(self, other: Self) -> None:
        self.rejected.update(other.rejected)
        for reason, rows in other.first_rejected.items():
            known = self.first_rejected.get(reason, [])
            self.first_rejected[reason] = sorted([*known, *rows])[:EXAMPLE_ROWS]

    def median(self, feature: str, position: int | None, *, whole: bool) -> float | None:
        """The median of a numeric feature; None where there is nobody.

        Args:
            feature: Its name.
            position: The cluster, as an index of the model's clusters; None for all customers.
            whole: Whether its values are whole numbers.
        """
        runs = self._cell_counts(feature).reshape(len(self.customers), -1, _RUN)
        if position is not None:
            runs = runs[position : position + 1]
        until = np.cumsum(runs.sum(axis=(0, 2)))  # the run first, then its cell: each is short
        total = int(until[-1])
        if not total:
            return None
        middle_one = (total + 1) // 2
        run = int(np.searchsorted(until, middle_one))
        before = int(until[run - 1]) if run else 0
        cells = np.cumsum(runs[:, run].sum(axis=0))
        cell = run * _RUN + int(np.searchsorted(cells, middle_one - before))
        middle = (_cell_start(cell) + _cell_start(cell + 1)) / 2
        if abs(middle) < _SMALLEST:
            return 0.0
        return float(np.floor(middle)) if whole else middle

    def _cell_counts(self, feature: str) -> NDArray[np.uint32]:
        if feature not in self.cells:
            self.cells[feature] = np.zeros(len(self.customers) * _CELLS, np.uint32)
        return self.cells[feature]


def _count(positions: NDArray[np.intp], mask: NDArray[np.bool_], k: int) -> Counts:
    """Each cluster's customers in the mask; exact, as long as there are below 2**53."""
    return np.bincount(positions, mask, minlength=k).astype(np.int64)


def _bin_counts(model: ClusterModel, name: str, values: NDArray[Any]) -> Counts:
    baseline = model.baseline["features"][name]
    if "edges" in baseline:
        above = [np.count_nonzero(values >= edge) for edge in baseline["edges"]]
        return -np.diff([len(values), *above, 0])  # a few comparisons beat one search
    return np.array([int((values == value).sum()) for value in baseline["values"]], np.int64)


def _first_rows(rejected: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    first: dict[str, list[int]] = {}
    for reason, row in rejected:
        rows = first.setdefault(reason, [])
        if len(rows) < EXAMPLE_ROWS:
            rows.append(row)
    return first


def _cells_of(positions: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Each customer's cell; within a cluster cells are in the order of the values."""
    bits = values.astype(np.float32).view(np.int32)
    ordered = np.where(bits < 0, ~bits, bits | np.int32(-(1 << 31))).view(np.uint32)
    cell = (ordered >> np.uint32(_DROPPED_BITS)).astype(np.int32)
    return cell + positions.astype(np.int32) * np.int32(_CELLS)


def _cell_start(cell: int) -> float:
    """The lowest value of a cell."""
    ordered = min(cell << _DROPPED_BITS, (1 << 32) - 1)
    bits = ordered ^ (1 << 31) if ordered >> 31 else ~ordered & 0xFFFFFFFF
    return float(np.array([bits], np.uint32).view(np.float32)[0])
