"""Rows that could not be scored, and the file that tells of them."""

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import TextIO

from pipeline.scoring.outputs import csv_writer, harmless


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """An input row that could not be scored."""

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


_COLUMNS = [field.name for field in dataclasses.fields(Reject)]
_CELLS = attrgetter(*_COLUMNS)


class RejectWriter:
    """Appends rejects to a CSV file; of a data set's they begin with the name of the file."""

    def __init__(self, file: TextIO, *first: str, safe: bool = False) -> None:
        """`safe`: no cell is what a spreadsheet would run."""
        self._csv, self._safe, self.rows = csv_writer(file), safe, 0
        self.first: Reject | None = None
        self._csv.writerow([*first, *_COLUMNS])

    def write(self, rejects: Iterable[Reject], *first: str) -> None:
        for reject in rejects:
            self.first = self.first or reject
            cells = [*first, *_CELLS(reject)]
            if self._safe:
                cells = [harmless(cell) if isinstance(cell, str) else cell for cell in cells]
            self._csv.writerow(cells)
            self.rows += 1


@contextmanager
def reject_writer(path: Path, *first: str, safe: bool = False) -> Iterator[RejectWriter]:
    """`first` names columns that stand before those of a reject."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield RejectWriter(file, *first, safe=safe)
