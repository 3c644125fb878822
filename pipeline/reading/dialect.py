"""How a delimited file is written: its delimiter, decimal mark and header."""

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WrongFile
from pipeline.reading.records import LONGEST_RECORD, Records, split

DELIMITERS = (",", ";", "\t", "|")
MOST_COLUMNS = 5_000
_POINT = re.compile(r"[+-]?\d*\.\d+")
_COMMA = re.compile(r"[+-]?\d*,\d+")
_SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written."""

    delimiter: str
    decimal: str
    header: tuple[str, ...]
    header_text: str
    """As it stands in the file, with a cell for an unnamed index."""
    header_line: int
    """Lines before the header: empty ones, or a spreadsheet's `sep=;`."""
    unnamed_index: bool
    """Rows have one field more than the header: the first is an index without a name."""

    @property
    def names(self) -> tuple[str, ...]:
        return ("", *self.header) if self.unnamed_index else self.header


def normalised(name: str) -> str:
    """A column's name without stray spaces and without its case."""
    return " ".join(name.split()).casefold()


def detect(path: Path, start: bytes, wanted: Collection[str], *, whole: bool) -> Dialect:
    """The dialect of a text's beginning: the one that finds most of the wanted columns.

    Where none is found, the one whose header has most columns. WrongFile when there is no header.
    """
    stated, skipped = _stated_delimiter(start)
    candidates = [
        _try(path, start[skipped:], delimiter, whole=whole)
        for delimiter in ([stated] if stated else DELIMITERS)
    ]
    names = {normalised(name) for name in wanted}

    def worth(found: tuple[list[str], list[list[str]]]) -> tuple[int, int]:
        header = [normalised(name) for name in found[0]]
        return len(names.intersection(header)), len(header)

    best = max(range(len(candidates)), key=lambda index: worth(candidates[index]))
    header, rows = candidates[best]
    if not header:
        raise WrongFile(path, "has a first line that is no header: its quotes are astray")
    if len(header) > MOST_COLUMNS:
        raise WrongFile(path, f"has {len(header):,} columns; at most {MOST_COLUMNS:,} are read")
    delimiter = stated or DELIMITERS[best]
    wider = bool(rows) and all(len(row) == len(header) + 1 for row in rows)
    lines = start[:skipped].count(b"\n")
    records = header_records(path, start[skipped:], delimiter, whole=whole)
    text = records.data[: int(records.ends[0])].removesuffix(b"\r").decode("utf-8", "replace")
    if wider:
        text = delimiter + text
    return Dialect(delimiter, _decimal(delimiter, rows), tuple(header), text, lines, wider)


def header_records(path: Path, start: bytes, delimiter: str, *, whole: bool) -> Records:
    """The beginning cut into records; WrongFile when not even the header ends in it."""
    records = split(start, delimiter.encode(), final=whole)
    if not records.row_count:
        limit = f"{LONGEST_RECORD >> 20} MiB"
        raise WrongFile(path, f"has no line that ends within {limit}; expected a header")
    return records


def _stated_delimiter(start: bytes) -> tuple[str | None, int]:
    """What a spreadsheet's first line `sep=;` says, and how many bytes stand before the header."""
    blank = len(start) - len(start.lstrip(b"\r\n"))
    match = re.match(rb'"?sep=([,;|\t])"?\r?\n', start[blank:], re.IGNORECASE)
    return (match[1].decode(), blank + match.end()) if match else (None, blank)


def _try(
    path: Path, start: bytes, delimiter: str, *, whole: bool
) -> tuple[list[str], list[list[str]]]:
    records = header_records(path, start, delimiter, whole=whole)
    if not len(records.rows) or records.rows[0]:
        return [], []  # the first line is none of this delimiter
    text = records.data[: int(records.ends[: _SAMPLE_ROWS + 1][-1]) + 1]
    rows = csv.reader(io.StringIO(text.decode("utf-8", "replace"), newline=""), delimiter=delimiter)
    try:
        header, *rest = list(rows) or [[]]
    except csv.Error:
        return [], []
    return header, rest


def _decimal(delimiter: str, rows: list[list[str]]) -> str:
    if delimiter == ",":
        return "."
    cells = [cell.strip() for row in rows for cell in row]
    points = sum(bool(_POINT.fullmatch(cell)) for cell in cells)
    commas = sum(bool(_COMMA.fullmatch(cell)) for cell in cells)
    return "," if commas > points else "."
