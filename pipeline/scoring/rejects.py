"""Rows that could not be scored, and the file that tells of them."""

import csv
import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


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

    def __init__(self, file: Any, *first: str) -> None:
        self._csv = csv.writer(file, lineterminator="\n")
        self._csv.writerow([*first, *(field.name for field in dataclasses.fields(Reject))])

    def write(self, rejects: Iterable[Reject], *first: str) -> None:
        self._csv.writerows([*first, *dataclasses.astuple(reject)] for reject in rejects)


@contextmanager
def reject_writer(path: Path, *first: str) -> Iterator[RejectWriter]:
    """`first` names columns that stand before those of a reject."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield RejectWriter(file, *first)
