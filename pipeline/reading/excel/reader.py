"""Workbooks: one sheet, written out as delimited text and read as that."""

import csv
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from pipeline.errors import TooLarge, UnchosenSheet, WrongFile
from pipeline.model.contract import Contract
from pipeline.model.numbers import NumberFormat, interpretations
from pipeline.reading import kinds
from pipeline.reading.columns.names import KnownNames
from pipeline.reading.columns.nearness import near_columns
from pipeline.reading.delimited.dialect import HEADER_WITHIN
from pipeline.reading.excel import sheet_xml
from pipeline.reading.facts import ReadingFacts
from pipeline.reading.options import ReadingOptions

LARGEST = 500 << 20
"""Bytes of a workbook unpacked; it is held in memory as a whole."""
_SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"


@dataclass(slots=True)
class Sheet:
    """A sheet of a workbook as text, a line a row."""

    text: Path
    facts: ReadingFacts = field(default_factory=lambda: ReadingFacts(kind="excel"))
    """For the manifest: its name, the other sheets, rows without content."""
    ambiguous: bool = False
    """Whether a cell of text is a number that can be read in two ways."""


def is_workbook(path: Path, start: bytes) -> bool:
    """Whether a file is a workbook: in a zip archive (.xlsx, .xlsb, .ods), or of Excel 97."""
    if start.startswith(kinds.OLE):
        return True
    if _SPREADSHEET in start:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return "[content_types].xml" in sheet_xml.parts(archive)
    except (zipfile.BadZipFile, OSError):
        return False


@contextmanager
def as_text(path: Path, contract: Contract | None, options: ReadingOptions) -> Iterator[Sheet]:
    """A temporary CSV file of the sheet that has the contract's columns, or of the named one.

    Args:
        path: The workbook.
        contract: The columns that are looked for, where there are any.
        options: What somebody stated: the sheet.

    Yields:
        The sheet; the file goes at the end.

    Raises:
        WrongFile: It is no workbook, has a password, is too large or too sparse, or several visible
            sheets have the columns.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        sheet = Sheet(Path(file.name))
        with _opened(path) as book:
            chosen = _chosen(path, book, contract, options)
            sheet.facts["sheet"] = chosen.name
            others = [name for name in book.sheet_names if name != chosen.name]
            if others:
                sheet.facts["other_sheets"] = others
            _write(file, chosen, sheet_xml.scan(path, chosen.name), sheet)
        file.flush()
        yield sheet


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > LARGEST:
            limit = f"{LARGEST >> 20} MiB"
            problem = f"unpacks to {unpacked >> 20} MiB; a workbook may have {limit}"
            raise TooLarge(path, f"{problem}: export the sheet as CSV")
    try:
        if zipfile.is_zipfile(path):
            sheet_xml.check_areas(path)
        with load_workbook(str(path)) as book:
            yield book
    except PasswordError as error:
        raise WrongFile(path, "is a workbook with a password; save it without one") from error
    except (CalamineError, *sheet_xml.DAMAGED) as error:
        if _is_encrypted(path):
            raise WrongFile(path, "is a workbook with a password; save it without one") from error
        raise WrongFile(path, f"is not readable as a workbook ({error})") from error


def _is_encrypted(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(1 << 20)
    return start.startswith(kinds.OLE) and "EncryptedPackage".encode("utf-16-le") in start


def _chosen(path: Path, book: Any, contract: Contract | None, options: ReadingOptions) -> Any:
    """The sheet to read."""
    stated = options.sheet
    names = [
        entry.name
        for entry in book.sheets_metadata
        if entry.visible == SheetVisibleEnum.Visible and entry.typ == SheetTypeEnum.WorkSheet
    ]
    every = ", ".join(map(repr, book.sheet_names))
    if stated is not None:
        if stated not in book.sheet_names:
            raise WrongFile(path, f"no sheet {stated!r}; there are: {every}")
        return book.get_sheet_by_name(stated)
    if not names:
        problem = f"has no visible sheet; name one with --sheet, there are: {every}"
        raise UnchosenSheet(path, problem, book.sheet_names)
    sheets = [book.get_sheet_by_name(name) for name in names]
    if len(sheets) == 1 or contract is None:
        return sheets[0]
    known = KnownNames.of(path, contract, options.map)
    best, most = _best(sheets, lambda names: len(known.meanings(names)))
    if not most:  # then it is told what of the sheet is near
        best, most = _best(sheets, lambda names: near_columns(contract, names))
    if len(best) == 1:
        return best[0]
    listed = ", ".join(repr(sheet.name) for sheet in best)
    if not most:
        columns = ", ".join(feature.name for feature in contract.features[:12])
        problem = f"no sheet has the columns {columns}; there are: {every}"
        raise UnchosenSheet(path, problem, book.sheet_names)
    problem = f"several sheets have the columns: {listed}; name one with --sheet"
    raise UnchosenSheet(path, problem, [sheet.name for sheet in best])


def _best(sheets: Sequence[Any], columns_of: Callable[[list[str]], int]) -> tuple[list[Any], int]:
    """The sheets in which a row among the first names most columns, and how many."""
    counts = [
        max(
            (columns_of([*map(str, row)]) for row in sheet.to_python(nrows=HEADER_WITHIN)),
            default=0,
        )
        for sheet in sheets
    ]
    most = max(counts)
    return [sheet for sheet, count in zip(sheets, counts, strict=True) if count == most], most


def _write(file: Any, chosen: Any, overrides: sheet_xml.CellOverrides, sheet: Sheet) -> None:
    """Write a sheet's rows, each on the line of its own number; those without content are empty."""
    minimal = csv.writer(file, lineterminator="\n")
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    if chosen.start is None:
        return
    first_row, first_column = chosen.start
    file.write("\n" * first_row)
    blank = 0
    for number, values in enumerate(chosen.iter_rows(), first_row):
        cells = [_cell(value) for value in values]
        for column, word in overrides.get(number, {}).items():
            index = column - first_column
            cells += [""] * (index + 1 - len(cells))
            cells[index] = word
        if not any(map(str.strip, cells)):
            blank += 1
            file.write("\n")
            continue
        if not sheet.ambiguous:
            sheet.ambiguous = _has_ambiguous_text(values)
        returns = any("\r" in cell for cell in cells)
        (quoted if returns else minimal).writerow(cells)
    if blank:
        sheet.facts["empty_rows"] = blank


def _has_ambiguous_text(values: Sequence[Any]) -> bool:
    return any(
        isinstance(value, str)
        and len(value) < 40
        and ("." in value or "," in value)
        and len(interpretations(value, NumberFormat())) > 1
        for value in values
    )


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
