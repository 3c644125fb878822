"""Excel workbooks: one sheet, written out as delimited text and read as that."""

import csv
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pipeline.errors import WrongFile

LARGEST = 500 << 20
"""Bytes of a workbook unpacked; it is held in memory as a whole."""


def is_workbook(path: Path) -> bool:
    """Whether a file is a zip archive with a workbook in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


@contextmanager
def as_text(path: Path, sheet: str | None) -> Iterator[Path]:
    """A temporary CSV file of a workbook's first or named sheet."""
    rows = _rows(path, sheet)
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([_cell(v) for v in row] for row in rows)
        file.flush()
        yield Path(file.name)


def _rows(path: Path, sheet: str | None) -> Iterator[list[Any]]:
    import python_calamine

    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > LARGEST:
        limit = f"{LARGEST >> 20} MiB"
        raise WrongFile(path, f"unpacks to {unpacked >> 20} MiB; a workbook may have {limit}")
    try:
        book = python_calamine.load_workbook(str(path))
        if sheet is not None and sheet not in book.sheet_names:
            raise WrongFile(path, f"no sheet {sheet!r}; there are: {', '.join(book.sheet_names)}")
        chosen = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
        yield from chosen.iter_rows()
    except (python_calamine.CalamineError, zipfile.BadZipFile) as error:
        raise WrongFile(path, f"is not readable as a workbook ({error})") from error


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
