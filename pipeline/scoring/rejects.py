"""Rows that could not be scored, and the file that lists them."""

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import TextIO

from pipeline.scoring.writing.csv_dialect import PLAIN, CsvDialect
from pipeline.scoring.writing.outputs import csv_writer, without_formula


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """An input row that could not be scored. Its fields are the columns of `rejected.csv`."""

    row: int
    line: int | None
    """Where it begins in a text file."""
    id: str
    column: str
    code: str
    value: str
    reason: str
    text: str
    """The row as it stood in the file, where the file format itself breaks it."""

    @property
    def key(self) -> str:
        """What such rejects are counted under."""
        return reason_key(self.column, self.code)


def reason_key(column: str, code: str) -> str:
    """A reason as the summary counts it: column and code, or the code alone where no column is."""
    return f"{column} {code}" if column else code


def column_and_code(key: str) -> tuple[str, str]:
    """What `reason_key` was made of."""
    column, _, code = key.rpartition(" ")
    return column, code


_COLUMNS = [field.name for field in dataclasses.fields(Reject)]
_CELLS = attrgetter(*_COLUMNS)


class RejectWriter:
    """Appends rejects to a CSV file."""

    def __init__(
        self, file: TextIO, *leading: str, safe: bool = False, delimiter: str = ","
    ) -> None:
        """Write the header.

        Args:
            file: Where rejects are appended.
            leading: Names of columns that stand before those of a reject.
            safe: No cell is what a spreadsheet would run.
            delimiter: Between the cells.
        """
        self._csv, self._safe, self.rows = csv_writer(file, delimiter), safe, 0
        self.first: Reject | None = None
        self._csv.writerow([*leading, *_COLUMNS])

    def write(self, rejects: Iterable[Reject], *leading: str) -> None:
        """Append rejects, each with the same leading cells."""
        for reject in rejects:
            self.first = self.first or reject
            cells = [*leading, *_CELLS(reject)]
            if self._safe:
                cells = [without_formula(cell) if isinstance(cell, str) else cell for cell in cells]
            self._csv.writerow(cells)
            self.rows += 1


@contextmanager
def reject_writer(
    path: Path, *leading: str, safe: bool = False, dialect: CsvDialect = PLAIN
) -> Iterator[RejectWriter]:
    """A new file of rejects in a dialect, but in UTF-8: what could not be read may hold any letter.

    For the other arguments see `RejectWriter`.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(dialect.mark)
        yield RejectWriter(file, *leading, safe=safe, delimiter=dialect.delimiter)
