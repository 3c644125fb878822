"""Scoring one block: a pure function from rows to assigned rows and rejects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.checking import check
from pipeline.model import Assignments, ClusterModel
from pipeline.reading import Block, BrokenRow, CustomerFile, plain

APPENDED = ("cluster", "cluster_name", "churn_rate", "distance", "margin", "outlier")


@dataclass(frozen=True, slots=True)
class Reject:
    """An input row that could not be scored."""

    row: int
    id: str
    column: str
    code: str
    value: str
    reason: str
    text: str
    """The row as it stood in the file, where the file format itself breaks it."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A block's customers: those assigned, as they came and with their clusters, and the rest."""

    batch: pa.RecordBatch
    features: dict[str, NDArray[Any]]
    churned: NDArray[np.float64]
    """1 churned, 0 stayed, NaN unknown."""
    assignments: Assignments
    rejects: Sequence[Reject]


class Scorer:
    """Scores the blocks of one file with one model. Columns are bound by name, once."""

    def __init__(self, model: ClusterModel, file: CustomerFile) -> None:
        contract = model.contract
        self.model = model
        self._features = {feature.name: file.column(feature.name) for feature in contract.features}
        self._id = _optional(file, contract.id_column)
        self._label = _optional(file, contract.label.column if contract.label else None)
        free = _free_names(APPENDED, file.schema.names)
        self.appended = dict(zip(APPENDED, free, strict=True))
        kinds = (pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.float64(), pa.bool_())
        fields = [pa.field(n, kind) for n, kind in zip(self.appended.values(), kinds, strict=True)]
        self.schema = pa.schema([*file.schema, *fields])
        clusters = model.clusters
        self._positions = {cluster.id: index for index, cluster in enumerate(clusters)}
        self._names = pa.array([cluster.name for cluster in clusters])
        self._rates = pa.array([c.churn.rate if c.churn else None for c in clusters], pa.float64())

    def score(self, block: Block) -> Scored:
        """Assign a block's customers; every row ends as assigned or as a reject."""
        batch = block.batch
        columns = {name: batch.column(index) for name, index in self._features.items()}
        checked = check(self.model.contract, columns)
        rejects = [_broken(row) for row in block.broken]
        for position, problems in checked.problems.items():
            first = problems[0]
            reason = "; ".join(str(problem) for problem in problems)
            row, customer = int(block.rows[position]), self._id_of(batch, position)
            rejects.append(Reject(row, customer, first.column, first.code, first.value, reason, ""))
        rejects.sort(key=lambda reject: reject.row)
        kept = batch if checked.good.all() else batch.filter(pa.array(checked.good))
        assignments = self.model.assign_many(checked.features)
        appended = self._appended(assignments)
        return Scored(
            pa.RecordBatch.from_arrays([*kept.columns, *appended], schema=self.schema),
            dict(checked.features),
            self._churned(kept),
            assignments,
            rejects,
        )

    def _appended(self, found: Assignments) -> list[pa.Array]:
        lookup = np.zeros(max(self._positions) + 1, np.int64)
        lookup[list(self._positions)] = list(self._positions.values())
        positions = pa.array(lookup[found.cluster])
        return [
            pa.array(found.cluster),
            self._names.take(positions),
            self._rates.take(positions),
            pa.array(found.distance),
            pa.array(found.margin),
            pa.array(found.outlier),
        ]

    def _churned(self, batch: pa.RecordBatch) -> NDArray[np.float64]:
        label = self.model.contract.label
        if label is None or self._label is None:
            return np.full(batch.num_rows, np.nan)
        coded = plain(batch.column(self._label)).dictionary_encode()
        meanings = [label.parse(value) for value in coded.dictionary.to_pylist()]
        rates: NDArray[np.float64] = np.array(
            [np.nan if m is None else float(m) for m in [*meanings, None]]
        )
        codes = coded.indices.fill_null(len(meanings)).to_numpy(zero_copy_only=False)
        churned: NDArray[np.float64] = np.take(rates, codes)
        return churned

    def _id_of(self, batch: pa.RecordBatch, position: int) -> str:
        if self._id is None:
            return ""
        value = batch.column(self._id)[position].as_py()
        return "" if value is None else str(value)


def _optional(file: CustomerFile, name: str | None) -> int | None:
    return None if name not in file.schema.names else file.column(str(name))


def _free_names(wanted: Sequence[str], taken: Sequence[str]) -> list[str]:
    names = []
    for name in wanted:
        free = name
        while free in taken:
            free = f"assigned_{free}"
        names.append(free)
    return names


def _broken(row: BrokenRow) -> Reject:
    return Reject(row.row, "", "", row.code, "", row.message, row.text)
