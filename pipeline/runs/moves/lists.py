"""The list of customers who moved, came or went: CSV, Parquet, or a workbook."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import WrongFile, first_line
from pipeline.runs.audience.lists import CsvList, ListForm, ParquetList
from pipeline.runs.committed import CommittedRun
from pipeline.runs.moves.spec import MovesSpec
from pipeline.scoring.cells import Cells
from pipeline.scoring.csv_dialect import CsvDialect
from pipeline.scoring.workbook import MOST_ROWS, Column, Kind, Sheet, Workbook, new_workbook

SHEET, ABOUT = "Moves", "About"
_KINDS: Mapping[str, Kind] = {
    "old_cluster": "whole",
    "new_cluster": "whole",
    "old_churn_rate": "share",
    "new_churn_rate": "share",
    "feature_share": "share",
}


class MovesWriter(Protocol):
    """Writes the rows of a list, a batch at a time."""

    dialect: CsvDialect

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        ...


class _Flat:
    """As CSV in the dialect of the newer run, or as Parquet."""

    def __init__(self, target: BinaryIO, spec: MovesSpec, dialect: CsvDialect) -> None:
        self.dialect = dialect
        self._target, self._spec = target, spec
        self._list: CsvList | ParquetList | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers; the first ones have the names of the columns."""
        if self._list is None:
            form = ListForm(batch.schema.names, {}, [0], self.dialect)
            kind = CsvList if self._spec.format == "csv" else ParquetList
            self._list = kind(self._target, form)
        self._list.write(batch if self._spec.format == "parquet" else self._as_text(batch))

    def _as_text(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same customers, with the decimal mark of the newer run's input."""
        if self.dialect.decimal != ",":
            return batch
        point, mark = ".", self.dialect.decimal
        columns = [
            pc.replace_substring(column.cast(pa.string()), point, mark)
            if pa.types.is_floating(column.type)
            else column
            for column in batch.columns
        ]
        return pa.RecordBatch.from_arrays(columns, batch.schema.names)

    def finish(self) -> None:
        """Write what comes after the last row."""
        if self._list is not None:
            self._list.finish()


class _Sheets:
    """As a workbook for people."""

    def __init__(self, book: Workbook, dialect: CsvDialect, old: str, new: str) -> None:
        self.dialect = dialect
        self._book, self._about = book, [("Old run", old), ("New run", new)]
        self._sheet: Sheet | None = None
        self._cells: Cells | None = None
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        self._rows += batch.num_rows
        if self._rows >= MOST_ROWS:
            raise WrongFile(
                "the list",
                f"has more customers than a sheet has rows ({MOST_ROWS:,}); "
                "take --format csv or parquet",
            )
        if self._cells is None or self._sheet is None:
            names = batch.schema.names
            kinds = {at: _KINDS.get(name, "text") for at, name in enumerate(names)}
            self._cells = Cells(kinds, self.dialect.decimal)
            self._sheet = self._book.add(SHEET, self._cells.columns(batch))
        self._sheet.write(self._cells.rows(batch))

    def finish(self) -> None:
        """Add the sheet that says what was compared."""
        about = self._book.add(ABOUT, [Column("What"), Column("Value")])
        about.write(self._about)


@contextmanager
def open_moves_list(
    path: Path, spec: MovesSpec, old: CommittedRun, new: CommittedRun
) -> Iterator[MovesWriter]:
    """A new list, finished when all went well.

    Raises:
        WrongFile: There are more customers than a sheet has rows.
    """
    dialect = CsvDialect.of(new.manifest["input"])
    try:
        if spec.format == "xlsx":
            runs = [
                f"{run.manifest['input']['name']}, run {run.manifest['run']}" for run in (old, new)
            ]
            with new_workbook(path, f"Moves of {new.manifest['input']['name']}") as book:
                sheets = _Sheets(book, dialect, *runs)
                yield sheets
                sheets.finish()
            return
        with path.open("wb") as file:
            flat = _Flat(file, spec, dialect)
            yield flat
            flat.finish()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = f"cannot be listed as {spec.format} ({first_line(error)})"
        raise WrongFile(new.manifest["input"]["name"], problem) from error
