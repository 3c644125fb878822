"""Lists of customers as files: CSV, Parquet, or a workbook, written batch by batch."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from pipeline.errors import WrongFile, first_line
from pipeline.reading.arrow_columns import as_text
from pipeline.reading.arrow_numpy import text_column
from pipeline.runs.audience.spec import Audience
from pipeline.runs.rows import typed
from pipeline.runs.store import Checkpoint
from pipeline.scoring.documents import OutputFormat
from pipeline.scoring.sinks.table import without_formulas
from pipeline.scoring.writing.cells import Cells, kinds_of_appended
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.outputs import csv_line, without_formula
from pipeline.scoring.writing.workbook import Column, Kind, Sheet, new_workbook

SHEET, ABOUT = "Audience", "About"
_ROW_GROUP = 65_536
_PART_ROWS = 4_096
"""Of a batch, written at once as text: that takes many times their memory."""


@dataclass(frozen=True, slots=True)
class ListForm:
    """The columns of a list, and how it is written where it is text."""

    names: Sequence[str]
    roles: Mapping[int, str]
    """The position of each column that scoring appended → what it is."""
    ids: Sequence[int]
    """The positions of columns that are text, whatever they look like."""
    dialect: CsvDialect

    @property
    def cells(self) -> Cells:
        """What turns its rows into cells of a workbook."""
        known: dict[int, Kind] = {0: "whole"}  # the rank
        known |= kinds_of_appended(self.roles)
        known |= dict.fromkeys(self.ids, "text")
        said = range(len(self.names) - 4, len(self.names))  # run, model, input and date
        return Cells({**known, **dict.fromkeys(said, "text")}, self.dialect.decimal)


class ListWriter(Protocol):
    """Writes the customers of an audience, a batch at a time."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        ...

    def finish(self) -> None:
        """Write what comes after the last one."""
        ...


class CsvList:
    """As CSV in the dialect of the run; no cell is what a spreadsheet would run."""

    def __init__(self, target: BinaryIO, form: ListForm, checkpoint: Checkpoint) -> None:
        """Write the header."""
        self._checkpoint, delimiter = checkpoint, form.dialect.delimiter
        self._target, self._delimiter = target, delimiter
        self._special = f'[{re.escape(delimiter)}"\r\n]'
        header = csv_line(map(without_formula, form.names), delimiter)
        target.write(f"{form.dialect.mark}{header}\n".encode())

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        for part in _parts(batch, self._checkpoint):
            self._write(part)

    def finish(self) -> None:
        """Nothing comes after the last line."""

    def _write(self, batch: pa.RecordBatch) -> None:
        cells = [self._cells(without_formulas(column)) for column in batch.columns]
        lines = pc.binary_join_element_wise(*cells, _text(self._delimiter))
        ended = pc.binary_join_element_wise(lines, _text(""), _text("\n"))
        _, offsets, data = ended.buffers()
        ends = np.frombuffer(offsets, np.int64)[ended.offset :]
        self._target.write(memoryview(data)[ends[0] : ends[len(ended)]])

    def _cells(self, column: pa.Array) -> pa.Array:
        """The cells of a column as text, in quotes where they hold what would end them."""
        texts = as_text(column).cast(pa.large_string())
        texts = pc.if_else(texts.is_null(), _text(""), texts)
        special = pc.match_substring_regex(texts, self._special)
        doubled = pc.replace_substring(texts, '"', '""')
        quote = _text('"')
        quoted = pc.binary_join_element_wise(quote, doubled, quote, _text(""))
        return pc.if_else(special, quoted, texts)


def _parts(batch: pa.RecordBatch, checkpoint: Checkpoint) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, _PART_ROWS):
        checkpoint()
        yield batch.slice(start, _PART_ROWS)


def _text(text: str) -> pa.Scalar:
    return text_column([text], large=True)[0]


class ParquetList:
    """As Parquet: columns of the input as they are, those of scoring with their types."""

    def __init__(self, target: BinaryIO, form: ListForm) -> None:
        self._target, self._form = target, form
        self._writer: Any = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        columns = [
            typed(column, self._form.roles[index]) if index in self._form.roles else column
            for index, column in enumerate(batch.columns)
        ]
        batch = pa.RecordBatch.from_arrays(columns, batch.schema.names)
        if self._writer is None:
            self._writer = pa.parquet.ParquetWriter(self._target, batch.schema, compression="zstd")
        self._writer.write_batch(batch, row_group_size=_ROW_GROUP)

    def finish(self) -> None:
        """Write the footer."""
        self._writer.close()


class XlsxList:
    """As a workbook for people: the customers, and a sheet that says what they are."""

    def __init__(self, book: Any, cells: Cells, audience: Audience, checkpoint: Checkpoint) -> None:
        self._book, self._cells, self._audience = book, cells, audience
        self._checkpoint = checkpoint
        self._sheet: Sheet | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers; the first ones decide which columns are numbers."""
        if self._sheet is None:
            self._sheet = self._book.add(SHEET, self._cells.columns(batch))
        for part in _parts(batch, self._checkpoint):
            self._sheet.write(self._cells.rows(part))

    def finish(self) -> None:
        """Add the sheet that tells of the list."""
        about = self._book.add(ABOUT, [Column("What"), Column("Value", "count")])
        about.write(_about(self._audience))


@contextmanager
def open_list(
    path: Path,
    written: OutputFormat,
    audience: Audience,
    form: ListForm,
    checkpoint: Checkpoint,
) -> Iterator[ListWriter]:
    """A new list, finished when all went well.

    Args:
        path: The file.
        written: Its format.
        audience: What it is.
        form: Its columns.
        checkpoint: Called again and again; may raise.

    Raises:
        WrongFile: A column holds what this format does not.
    """
    try:
        with _opened(path, written, audience, form, checkpoint) as writer:
            yield writer
            writer.finish()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = f"cannot be listed as {written} ({first_line(error)})"
        raise WrongFile(audience.input, problem) from error


@contextmanager
def _opened(
    path: Path,
    written: OutputFormat,
    audience: Audience,
    form: ListForm,
    checkpoint: Checkpoint,
) -> Iterator[ListWriter]:
    if written == "xlsx":
        created = datetime.combine(audience.day, time())
        with new_workbook(path, f"Audience of {audience.input}", created) as book:
            yield XlsxList(book, form.cells, audience, checkpoint)
        return
    with path.open("wb") as file:
        csv = written == "csv"
        yield CsvList(file, form, checkpoint) if csv else ParquetList(file, form)


def _about(audience: Audience) -> list[tuple[str, str | int]]:
    counts = audience.counts
    return [
        ("Input", audience.input),
        ("Date", audience.day.isoformat()),
        ("Run", audience.run),
        ("Model", audience.model_version),
        ("Groups", ", ".join(map(str, audience.clusters))),
        ("Ordered by", audience.by or "order of the file"),
        ("Customers of the run", counts.assigned),
        ("In other groups", counts.other_clusters),
        (f"Left out: {audience.churned_word or 'churned'} already", counts.churned),
        ("Left out: outliers", counts.outliers),
        ("Left out: too near to another group", counts.near_border),
        ("Beyond the first ones", counts.beyond_top),
        ("Listed", counts.listed),
        ("Of these to contact", counts.contact),
        ("Of these in the control group, not to contact", counts.control),
    ]
