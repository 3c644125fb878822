"""Whom of a cluster to turn to first, read from the assigned file of a run."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract, Value
from pipeline.reading.arrow_columns import as_text, is_text, without_dictionary
from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.reading.validation import check
from pipeline.scoring.assigned_file import AssignedFile, is_cluster, open_assigned
from pipeline.scoring.documents import Manifest

FIRST_CALLS = 10
"""So many customers are on the list."""


class Call(TypedDict):
    """A customer to turn to."""

    id: str
    """Empty where the file has no ids."""
    row: int
    """In the assigned file; 1 is the first customer."""
    risk: float | None
    """The customer's own, where the run has it."""
    values: dict[str, Value]
    """By feature."""
    reason: str
    """The weightiest reason for the cluster, as a sentence."""


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """A customer; the lowest one is first."""

    risk: float
    """Below zero, so that the highest is first."""
    margin: float
    """The same."""
    row: int
    customer: str
    values: Any


def first_calls(
    path: Path, model: ClusterModel, manifest: Manifest, cluster: int, most: int = FIRST_CALLS
) -> list[Call]:
    """The first customers of a cluster who have not left: by risk, else the surest of it.

    Args:
        path: The assigned file.
        model: What the run was scored with.
        manifest: The run's.
        cluster: The id of the cluster.
        most: How many customers.

    Raises:
        WrongFile: The file is no longer what the run wrote.
    """
    best: list[_Candidate] = []
    with open_assigned(path, model.contract, manifest) as assigned:
        columns, before = _Columns.of(assigned, model.contract), 0
        for block in assigned.file.blocks(columns.wanted):
            found = columns.candidates(block.columns, cluster, before, most)
            best = heapq.nsmallest(most, [*best, *found])
            before += block.row_count
    by_risk = columns.risk is not None
    return [_call(model, each, by_risk=by_risk) for each in best]


def _call(model: ClusterModel, candidate: _Candidate, *, by_risk: bool) -> Call:
    reasons = model.locate(candidate.values).reasons
    return {
        "id": candidate.customer,
        "row": candidate.row,
        "risk": -candidate.risk if by_risk else None,
        "values": candidate.values,
        "reason": reasons[0].sentence if reasons else "",
    }


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns that a list needs, by their index in the file."""

    assigned: AssignedFile
    contract: Contract
    wanted: list[int]
    risk: int | None
    customer: int | None
    label: int | None

    @classmethod
    def of(cls, assigned: AssignedFile, contract: Contract) -> "_Columns":
        file = assigned.file
        risk, margin = assigned.appended("risk"), assigned.appended("margin")
        customer = file.optional_column(contract.id_column)
        label = file.optional_column(contract.label.column if contract.label else None)
        features = [file.column(feature.name) for feature in contract.features]
        every = [assigned.cluster, margin, risk, customer, label, *features]
        wanted = list(dict.fromkeys(index for index in every if index is not None))
        return cls(assigned, contract, wanted, risk, customer, label)

    def candidates(
        self, columns: Sequence[pa.Array], cluster: int, before: int, most: int
    ) -> list[_Candidate]:
        """The first customers of a block; `before` it there were so many rows."""
        by_index = dict(zip(self.wanted, columns, strict=True))
        rows = np.flatnonzero(is_cluster(by_index[self.assigned.cluster], cluster))
        margin = self._numbers(by_index, self.assigned.appended("margin"), rows)
        risk = self._numbers(by_index, self.risk, rows)
        order = np.lexsort((rows, -margin, -risk))
        first = order[~self._left(by_index, rows[order])][:most]
        values = self._values(by_index, rows[first])
        return [
            _Candidate(
                -float(risk[at]), -float(margin[at]), before + int(rows[at]) + 1,
                self._text(by_index, self.customer, int(rows[at])), customer,
            )
            for at, customer in zip(first, values, strict=True)
        ]  # fmt: skip

    def _left(self, columns: dict[int, pa.Array], rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which customers have left, as far as the file says."""
        label = self.contract.label
        if label is None or self.label is None:
            return np.zeros(len(rows), bool)
        cells = values_of(as_text(without_dictionary(columns[self.label])))[rows].tolist()
        left = {cell: label.parse(cell) is True for cell in set(cells)}
        return np.array([left[cell] for cell in cells], bool)

    def _values(self, columns: dict[int, pa.Array], rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        """The features of some rows, as the contract reads them."""
        file, where = self.assigned.file, column_of(rows.astype(np.int64))
        features = {
            f.name: without_dictionary(columns[file.column(f.name)]).take(where)
            for f in self.contract.features
        }
        parsed = check(self.contract, features, file.numbers).features
        return [
            {name: values[at].item() if hasattr(values[at], "item") else values[at]
             for name, values in parsed.items()}
            for at in range(len(rows))
        ]  # fmt: skip

    def _numbers(
        self, columns: dict[int, pa.Array], index: int | None, rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """An appended column of numbers; zeros where there is none, or no number."""
        if index is None:
            return np.zeros(len(rows))
        column = without_dictionary(columns[index])
        if not is_text(column):
            typed: NDArray[np.float64] = values_of(column).astype(float)[rows]
            return np.nan_to_num(typed)
        mark = self.assigned.file.numbers.output_decimal
        texts = [str(text or "0").replace(mark, ".") for text in values_of(column)[rows]]
        return np.array(texts, float)

    def _text(self, columns: dict[int, pa.Array], index: int | None, row: int) -> str:
        if index is None:
            return ""
        cell = as_text(without_dictionary(columns[index].slice(row, 1)))[0].as_py()
        return "" if cell is None else self.assigned.file.display(str(cell))
