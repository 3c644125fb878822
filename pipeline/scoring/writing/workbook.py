"""Workbooks for people, written in constant memory: typed cells, and none that runs as a formula.

The same rows give the same bytes: what a workbook says of its own making is fixed.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

import xlsxwriter

from pipeline.errors import WrongFile

GROUPS, CUSTOMERS, REJECTS = "Groups", "Customers", "Rejects"
"""The sheets of a scored file."""
MOST_ROWS = 1_048_576
"""Of a sheet, the header among them."""
MOST_COLUMNS = 16_384
Kind = Literal["text", "count", "whole", "number", "share", "flag"]
"""What a column's cells are: text, whole numbers to be summed or to be told, any number, a share
from 0 to 1, or yes and no."""
Cell = str | int | float | bool | None
_FORMATS: Mapping[Kind, str] = {
    "text": "@",  # what is typed into such a cell later is no formula either
    "count": "#,##0",
    "whole": "0",
    "number": "General",
    "share": "0.0%",
    "flag": "General",
}
_LONGEST = 32_767
"""Characters that a cell holds."""
_NARROWEST, _WIDEST, _MEASURED_ROWS = 8, 48, 200
_LARGEST = 1e15
"""Whole numbers from here on lose digits in a cell."""
_CREATED = datetime(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet."""

    name: str
    kind: Kind = "text"


class Sheet:
    """A sheet that is written from its first row to its last."""

    def __init__(self, sheet: Any, formats: Mapping[str, Any], columns: Sequence[Column]) -> None:
        """Write the header; it stays in sight when people scroll."""
        self._sheet, self._columns = sheet, columns
        self._writers = [self._writer(column.kind, formats) for column in columns]
        self._widths = [max(_NARROWEST, len(column.name) + 3) for column in columns]
        self.rows = 0
        for index, column in enumerate(columns):
            sheet.write_string(0, index, as_cell(column.name), formats["header"])
        sheet.freeze_panes(1, 0)

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Append rows, a cell for each column; None leaves one empty."""
        for row in rows:
            self.rows += 1
            if self.rows <= _MEASURED_ROWS:
                self._measure(row)
            at = self.rows
            for index, (write, cell) in enumerate(zip(self._writers, row, strict=True)):
                if cell is not None:
                    write(at, index, cell)

    def finish(self) -> None:
        """Set what depends on the rows: widths, the filter, and numbers that are meant as text."""
        assert self.rows < MOST_ROWS  # the library would leave out what is beyond
        last = max(len(self._columns) - 1, 0)
        for index, width in enumerate(self._widths):
            self._sheet.set_column(index, index, min(width, _WIDEST))
        self._sheet.autofilter(0, 0, self.rows, last)
        self._sheet.ignore_errors(
            {"number_stored_as_text": f"A1:{xlsxwriter.utility.xl_rowcol_to_cell(self.rows, last)}"}
        )

    def _writer(self, kind: Kind, formats: Mapping[str, Any]) -> Any:
        sheet, own, plain = self._sheet, formats[kind], formats["text"]
        text, number, flag = sheet.write_string, sheet.write_number, sheet.write_boolean

        def write(row: int, column: int, cell: Any) -> None:
            if isinstance(cell, str):
                text(row, column, as_cell(cell), plain)
            elif isinstance(cell, bool):
                flag(row, column, cell, own)
            elif -_LARGEST < cell < _LARGEST:
                number(row, column, cell, own)
            else:  # too many digits for a cell, or no finite number
                text(row, column, str(cell), plain)

        def write_text(row: int, column: int, cell: Any) -> None:
            text(row, column, as_cell(str(cell)), plain)

        return write_text if kind == "text" else write

    def _measure(self, row: Sequence[Cell]) -> None:
        for index, cell in enumerate(row):
            shown = f"{cell:.4g}" if isinstance(cell, float) else str(cell)
            self._widths[index] = max(self._widths[index], len(shown) + 2)


class Workbook:
    """A workbook whose sheets may be written in turns."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._sheets: list[Sheet] = []
        self._reserved: dict[str, Any] = {}
        self._formats: dict[str, Any] = {
            kind: book.add_format({"num_format": shown}) for kind, shown in _FORMATS.items()
        }
        self._formats["header"] = book.add_format(
            {"bold": True, "bg_color": "#E8EEF4", "bottom": 1, "num_format": "@", "valign": "top"}
        )

    def reserve(self, *names: str) -> None:
        """Have sheets stand in this order, whichever is begun first."""
        for name in names:
            self._reserved[name] = self._book.add_worksheet(name)

    def add(self, name: str, columns: Sequence[Column]) -> Sheet:
        """Begin a sheet, behind the others where it is not reserved."""
        sheet = self._reserved.pop(name, None) or self._book.add_worksheet(name)
        self._sheets.append(Sheet(sheet, self._formats, columns))
        return self._sheets[-1]

    def finish(self) -> None:
        """Finish all sheets; nothing is written to them afterwards."""
        for sheet in self._sheets:
            sheet.finish()

    def abandon(self) -> None:
        """Close the files that rows wait in, where the workbook was not written."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()


@contextmanager
def new_workbook(
    target: Path | BinaryIO, title: str = "", created: datetime = _CREATED
) -> Iterator[Workbook]:
    """A new workbook; it is written when all went well.

    Args:
        target: A path, or a file open for writing.
        title: What programs show as its title.
        created: When it was made, as programs show it.
    """
    folder = tempfile.mkdtemp()
    options = {"constant_memory": True, "tmpdir": folder}
    book = xlsxwriter.Workbook(str(target) if isinstance(target, Path) else target, options)
    book.set_properties({"title": title, "created": created})
    workbook = Workbook(book)
    try:
        yield workbook
        workbook.finish()
        book.close()
    finally:
        workbook.abandon()
        shutil.rmtree(folder, ignore_errors=True)


def as_cell(text: str) -> str:
    """Text as a cell holds it: cut where it is too long, and never taken for the library's XML."""
    if len(text) > _LONGEST // 2 and len(text.encode("utf-16-le")) > 2 * _LONGEST:
        text = text[: _LONGEST // 2 - 1] + "…"
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text


def refuse_more_rows(file: object, rows: int) -> None:
    """WrongFile where a sheet does not hold so many rows below its header."""
    if rows >= MOST_ROWS:
        most = f"{MOST_ROWS - 1:,}"
        problem = f"has more than the {most} rows that a sheet of a workbook holds"
        raise WrongFile(file, f"{problem}; choose csv or parquet as the format")


def refuse_more_columns(file: object, columns: int) -> None:
    """WrongFile where a sheet does not hold so many columns."""
    if columns > MOST_COLUMNS:
        problem = f"has more than the {MOST_COLUMNS:,} columns that a sheet of a workbook holds"
        raise WrongFile(file, f"{problem}; choose csv or parquet as the format")
