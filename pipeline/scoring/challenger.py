"""Champion and challenger: a second model on the same customers, and where both disagree.

The challenger changes nothing in what the first model says: it sees the customers that the first
one has assigned, and one that it cannot assign itself is counted and keeps an empty cell.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.contract import Feature
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.validation import check
from pipeline.scoring.rejects import reason_key
from pipeline.scoring.spec import Challenger

NO_COLUMN = "no_column"
"""The code for customers of a file that lacks a column of the challenger."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ChallengerCounts:
    """What is counted of both models together; it adds up like a tally.

    Arrays have a row for each cluster of the first model, a column for each of the challenger's,
    and a last one for the customers that the challenger cannot assign.
    """

    customers: Counts
    labelled: Counts
    churned: Counts
    unassigned: Counter[str]
    """Column and code → customers that the challenger cannot assign."""

    def plus(self, other: Self | None) -> Self:
        """With the counts of another part of the same file."""
        if other is None:
            return self
        return type(self)(
            self.customers + other.customers,
            self.labelled + other.labelled,
            self.churned + other.churned,
            self.unassigned + other.unassigned,
        )


def _column(file: CustomerFile, feature: Feature) -> int:
    """The column of a feature by any of its names, of which the first model may know none."""
    names = (feature.name, *feature.aliases)
    indexes = {index for name in names if (index := file.find(name)) is not None}
    return indexes.pop() if len(indexes) == 1 else file.column(feature.name)


class ChallengerScorer:
    """A challenger on one file; columns are bound by name, once."""

    def __init__(self, challenger: Challenger, file: CustomerFile, clusters: int) -> None:
        """Bind the columns of the challenger's features.

        Args:
            challenger: The second model.
            file: The file that both models score.
            clusters: How many clusters the first model has.
        """
        self.ids = challenger.ids
        """Its clusters' ids, and None for customers that it cannot assign."""
        self.columns: dict[str, int] = {}
        """Feature → index of its column in the file; empty where one is missing."""
        self._model, self._numbers = challenger.model, file.numbers
        self._shape = (clusters, len(self.ids))
        self._missing: str | None = None
        for feature in self._model.contract.features:
            try:
                self.columns[feature.name] = _column(file, feature)
            except WrongFile:  # for the challenger; the first model does not need the column
                self._missing = feature.name
                self.columns.clear()
                break

    def assign(
        self,
        columns: Sequence[pa.Array],
        index_of: Mapping[int, int],
        positions: NDArray[np.intp],
        churned: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.intp], ChallengerCounts]:
        """Assign customers that the first model has assigned.

        Args:
            columns: Columns of these customers.
            index_of: A column of the file → its index among `columns`.
            positions: Each customer's cluster in the first model, as an index of its clusters.
            churned: 1 churned, 0 stayed, NaN unknown; None where the file has no label.

        Returns:
            Each customer's index in `ids`, and the counts.
        """
        assigned = np.full(len(positions), len(self._model.clusters), np.intp)
        if self._missing is not None:
            unassigned = Counter({reason_key(self._missing, NO_COLUMN): len(positions)})
        else:
            values = {name: columns[index_of[column]] for name, column in self.columns.items()}
            checked = check(self._model.contract, values, self._numbers)
            ids = [cluster.id for cluster in self._model.clusters]
            clusters = self._model.assign_many(checked.features).cluster
            assigned[checked.good] = np.searchsorted(ids, clusters)
            first = (problems[0] for problems in checked.problems.values())
            unassigned = Counter(reason_key(problem.column, problem.code) for problem in first)

        def count(mask: NDArray[np.bool_]) -> Counts:
            table = np.zeros(self._shape, np.int64)
            np.add.at(table, (positions[mask], assigned[mask]), 1)
            return table

        everybody, nobody = np.ones(len(assigned), bool), np.zeros(len(assigned), bool)
        labelled = nobody if churned is None else ~np.isnan(churned)
        left = nobody if churned is None else churned == 1
        counts = ChallengerCounts(count(everybody), count(labelled), count(left), unassigned)
        return assigned, counts
