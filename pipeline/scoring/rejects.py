"""Rows that could not be scored, and the file that tells of them."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from pipeline.scoring.writing import csv_line, harmless


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


class RejectWriter:
    """Appends rejects to a CSV file; of a data set's they begin with the name of the file."""

    def __init__(self, file: TextIO, *first: str, safe: bool = False) -> None:
        """`safe`: no cell is what a spreadsheet would run."""
        self._file, self._safe, self.rows = file, safe, 0
        self._write([*first, *(field.name for field in dataclasses.fields(Reject))])

    def write(self, rejects: Iterable[Reject], *first: str) -> None:
        for reject in rejects:
            self._write([*first, *dataclasses.astuple(reject)])
            self.rows += 1

    def _write(self, cells: Sequence[Any]) -> None:
        if self._safe:
            cells = [harmless(cell) if isinstance(cell, str) else cell for cell in cells]
        self._file.write(csv_line(cells) + "\n")


@contextmanager
def reject_writer(path: Path, *first: str, safe: bool = False) -> Iterator[RejectWriter]:
    """`first` names columns that stand before those of a reject."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield RejectWriter(file, *first, safe=safe)
