"""Columns as CSV."""

import io
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipeline.reading.arrow_columns import is_binary, is_text, without_dictionary, without_view
from pipeline.reading.arrow_numpy import text_column
from pipeline.reading.customer_file import CustomerFile
from pipeline.scoring.scorer import ScoredBlock, Scorer
from pipeline.scoring.sinks.columns import AppendedColumns, byte_order_mark, unique_names
from pipeline.scoring.sinks.rows_only import RowsOnly
from pipeline.scoring.writing.outputs import FORMULA, NUMBER, csv_line, without_formula


class TableSink(RowsOnly):
    """Writes columns as CSV: for what came as Parquet, and for cells made safe."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer, *, safe: bool) -> None:
        """Write the header.

        Args:
            target: Where to write.
            file: The input.
            scorer: What scores the input.
            safe: Cells that a spreadsheet would run as a formula get an apostrophe before them.
        """
        delimiter = file.facts.get("delimiter", ",")
        self._options = pa.csv.WriteOptions(
            include_header=False, delimiter=delimiter, quoting_style="needed"
        )
        self._appended, self._safe = AppendedColumns(scorer), safe
        names = unique_names([*file.header, *scorer.appended.values()])
        self._names, self._file, self.rows = names, target, 0
        header = [without_formula(name) for name in names] if safe else names
        self._file.write(f"{byte_order_mark(file)}{csv_line(header, delimiter)}\n".encode())

    def prepare(self, block: ScoredBlock) -> tuple[int, bytes]:
        """The number of rows, and their lines."""
        columns = [without_view(without_dictionary(column)) for column in block.columns]
        appended = [without_dictionary(column) for column in self._appended.arrays(block)]
        if self._safe:
            columns = [without_formulas(column) for column in columns]
        batch = pa.RecordBatch.from_arrays([*columns, *appended], self._names)
        buffer = io.BytesIO()
        pa.csv.write_csv(batch, buffer, self._options)
        return batch.num_rows, buffer.getvalue()

    def write(self, prepared: tuple[int, bytes]) -> None:
        """Write the lines."""
        rows, text = prepared
        self._file.write(text)
        self.rows += rows

    def finish(self) -> None:
        """Nothing comes after the last line."""


def without_formulas(column: pa.Array) -> pa.Array:
    """A column whose text has an apostrophe before it where a spreadsheet would run it."""
    if is_text(column):
        column = column.cast(pa.large_string())  # the one that all functions know
    elif is_binary(column):
        column = column.cast(pa.large_binary())
    else:
        return column
    risky = pc.and_(
        pc.match_substring_regex(column, FORMULA),
        pc.invert(pc.match_substring_regex(column, NUMBER)),
    )
    mark, nothing = text_column(["'", ""]).cast(column.type)
    return pc.if_else(risky, pc.binary_join_element_wise(mark, column, nothing), column)
