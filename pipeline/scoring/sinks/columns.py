"""The columns that scoring appends, and names for all columns of an assigned file."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline.reading.customer_file import CustomerFile
from pipeline.scoring.scorer import ScoredBlock, Scorer


class AppendedColumns:
    """What scoring appends to a block's rows, as columns."""

    def __init__(self, scorer: Scorer) -> None:
        clusters = scorer.model.clusters
        self.ids = pa.array([cluster.id for cluster in clusters], pa.int64())
        self.names = pa.array([cluster.name for cluster in clusters])
        self.rates = pa.array(
            [cluster.churn.rate if cluster.churn else None for cluster in clusters], pa.float64()
        )
        challenger = scorer.challenger
        self.challenger_ids = None if challenger is None else pa.array(challenger.ids, pa.int64())

    def arrays(self, block: ScoredBlock) -> list[pa.Array]:
        """The appended columns of a block, a cell for each assigned row."""
        positions, assignments = pa.array(block.positions), block.assignments
        arrays = [
            self.ids.take(positions),
            pa.DictionaryArray.from_arrays(positions.cast(pa.int32()), self.names),
            self.rates.take(positions),
            pa.array(assignments.distance),
            pa.array(assignments.margin),
            pa.array(assignments.outlier),
        ]
        if self.challenger_ids is not None:
            arrays.append(self.challenger_ids.take(pa.array(block.challenger_positions)))
        return arrays

    def fields(self, names: Sequence[str]) -> list[pa.Field]:
        """The types of the appended columns, with their names."""
        types = [pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.float64(), pa.bool_()]
        if self.challenger_ids is not None:
            types.append(self.challenger_ids.type)
        return [pa.field(name, kind) for name, kind in zip(names, types, strict=True)]


def byte_order_mark(file: CustomerFile) -> str:
    """What a CSV file begins with: a mark of UTF-8 where the input was in another encoding."""
    return "" if file.facts.get("encoding", "utf-8") == "utf-8" else "\ufeff"


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
