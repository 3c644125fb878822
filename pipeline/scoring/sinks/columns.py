"""The columns that scoring appends, and names for all columns of an assigned file."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline.reading.arrow_numpy import column_of, text_column
from pipeline.reading.customer_file import CustomerFile
from pipeline.scoring.documents import RISK_COLUMNS
from pipeline.scoring.scorer import ScoredBlock, Scorer
from pipeline.scoring.writing.csv_dialect import CsvDialect


class AppendedColumns:
    """What scoring appends to a block's rows, as columns."""

    def __init__(self, scorer: Scorer) -> None:
        clusters, self._explained = scorer.model.clusters, scorer.explained
        self.ids = column_of(np.array([cluster.id for cluster in clusters], np.int64))
        self.names = text_column(cluster.name for cluster in clusters)
        rates = [cluster.churn.rate if cluster.churn else np.nan for cluster in clusters]
        self.rates = column_of(np.array(rates), np.isnan(rates))
        self.risk = scorer.model.risk is not None
        self.challenger_ids: pa.Array | None = None
        if scorer.challenger is not None:
            ids = scorer.challenger.ids
            known = np.array([0 if each is None else each for each in ids], np.int64)
            self.challenger_ids = column_of(known, np.array([each is None for each in ids]))

    def arrays(self, block: ScoredBlock) -> list[pa.Array]:
        """The appended columns of a block, a cell for each assigned row."""
        positions, assignments = column_of(block.positions), block.assignments
        arrays = [
            self.ids.take(positions),
            pa.DictionaryArray.from_arrays(positions.cast(pa.int32()), self.names),
            self.rates.take(positions),
            column_of(assignments.distance),
            column_of(assignments.margin),
            column_of(assignments.outlier),
        ]
        if block.risks is not None:
            risks = (block.risks.rate, block.risks.low, block.risks.high)
            arrays += [column_of(each) for each in risks]
        if self.challenger_ids is not None and block.challenger_positions is not None:
            arrays.append(self.challenger_ids.take(column_of(block.challenger_positions)))
        return [*arrays, *block.explained]

    def fields(self, names: Sequence[str]) -> list[pa.Field]:
        """The types of the appended columns, with their names."""
        types = [pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.float64(), pa.bool_()]
        if self.risk:
            types += [pa.float64()] * len(RISK_COLUMNS)
        if self.challenger_ids is not None:
            types.append(self.challenger_ids.type)
        types += [column.type for column in self._explained]
        return [pa.field(name, kind) for name, kind in zip(names, types, strict=True)]


def byte_order_mark(file: CustomerFile) -> str:
    """What a CSV file begins with: a mark of UTF-8 where the input was a workbook or not UTF-8."""
    return CsvDialect.of(file.facts).mark


def unique_names(names: Sequence[str]) -> list[str]:
    """The names; one that is empty or a repetition gets a number behind it."""
    unique: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for name in (name or "column" for name in names):
        free = name
        while free in unique:
            numbers[name] = numbers.get(name, 1) + 1
            free = f"{name}_{numbers[name]}"
        unique[free] = None
    return list(unique)
