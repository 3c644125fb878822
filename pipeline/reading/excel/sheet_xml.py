"""What a workbook's own XML says and its reader does not: errors, formulas never computed, areas.

Of .xlsx only. The files are scanned as bytes; they are parsed where the bytes show that there is
something to find.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from pipeline.errors import WrongFile
from pipeline.model.contract import NOT_COMPUTED

DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)
"""What reading a damaged archive ends with."""
CellOverrides = dict[int, dict[int, str]]
"""Row and column, both from 0, → what stands in the cell instead of a value."""
_CHUNK = 1 << 20
_OVERLAP = 200
_ROWS, _COLUMNS = 1_048_576, 16_384
_LARGE_AREA, _SPARSE = 16_000_000, 50
"""Cells of an area, and how many of them may be empty for each that is not."""
_WIDE = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{2,})(\d+)"')
_FAR = re.compile(rb'\br="[A-Z]*(\d{7,})"')
_TALL = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="(\d+)"')
_CELL = re.compile(rb"<(?:\w+:)?c[\s>/]")
_HINT = re.compile(rb'<(?:\w+:)?f[\s>/]|\bt="e"|v>\d{16}')
_LONG = re.compile(r"-?\d{16,}")
"""A whole number that the reader may round."""


def parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The files of an archive by their names in small letters, with slashes as some write them."""
    return {name.replace("\\", "/").lower(): name for name in archive.namelist()}


def check_areas(path: Path) -> None:
    """Refuse a sheet with a cell far from all others, or outside of any sheet.

    The reader keeps an area as large as that, whatever is in it.

    Raises:
        WrongFile: There is such a cell.
    """
    with zipfile.ZipFile(path) as archive:
        for part, name in parts(archive).items():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                _check_area(path, archive, name)


def scan(path: Path, sheet: str) -> CellOverrides:
    """The error cells of a sheet, formulas that no program has computed, and long numbers."""
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        try:
            part = _part_of(archive, sheet)
            if part is None or not any(_HINT.search(it) for it in _chunks(archive, part[0])):
                return {}
            scanner = _Scanner(zeros_are_unknown=part[1])
            with archive.open(part[0]) as file:
                scanner.parse(file)
        except (KeyError, ValueError, ElementTree.ParseError, expat.ExpatError, *DAMAGED):
            return {}  # the reader has read it all the same
    return scanner.overrides


def _check_area(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    rows = columns = cells = 0
    for chunk in _chunks(archive, name):
        cells += len(_CELL.findall(chunk))
        numbers = (*_TALL.findall(chunk), *_FAR.findall(chunk))
        rows = max([rows, *(int(number[:9]) for number in numbers)])
        for letters, row in _WIDE.findall(chunk):
            columns, rows = max(columns, _column(letters.decode()) + 1), max(rows, int(row[:9]))
    if rows > _ROWS or columns > _COLUMNS:
        raise WrongFile(path, f"has a cell outside of any sheet ({name}); save it again in Excel")
    area = rows * max(columns, 26 if cells > rows else 1)
    if area > _LARGE_AREA and area > _SPARSE * cells:
        raise WrongFile(
            path,
            f"has {cells:,} cells in {rows:,} rows and {max(columns, 1):,} columns ({name}): one "
            "lies far from the others; delete it, or export the table as CSV",
        )


def _chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """A file of the archive in chunks that end behind a tag."""
    with archive.open(name) as file:
        rest = b""
        while chunk := file.read(_CHUNK):
            text = rest + chunk
            end = text.rfind(b">") + 1
            yield text[:end]
            rest = text[end:][-_CHUNK:]


def _part_of(archive: zipfile.ZipFile, sheet: str) -> tuple[str, bool] | None:
    """The file of a sheet, and whether the workbook asks for its formulas to be computed."""
    names = parts(archive)
    if "xl/workbook.xml" not in names:
        return None
    book = ElementTree.fromstring(archive.read(names["xl/workbook.xml"]))
    links = ElementTree.fromstring(archive.read(names["xl/_rels/workbook.xml.rels"]))
    targets = {link.get("Id"): str(link.get("Target")) for link in links}
    again = any(
        element.get("fullCalcOnLoad") in ("1", "true")
        for element in book.iter()
        if element.tag.endswith("calcPr")
    )
    for element in book.iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            ids = (value for key, value in element.attrib.items() if key.endswith("}id"))
            target = targets[next(ids, None)].replace("\\", "/")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return names[part.lower()], again
    return None


class _Scanner:
    """Collects cells without a value of their own while the XML of a sheet goes by."""

    def __init__(self, *, zeros_are_unknown: bool) -> None:
        self.overrides: CellOverrides = {}
        self._zeros_are_unknown = zeros_are_unknown
        self._row = self._column = -1
        self._type = ""
        self._formula = False
        self._value: str | None = None
        self._reading = False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def parse(self, file: object) -> None:
        """Go through a file; ExpatError when it is no XML."""
        self._parser.ParseFile(file)  # type: ignore[arg-type] # it has the one method it needs

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
        elif name == "c":
            letters = attributes.get("r", "").rstrip("0123456789")
            self._column = _column(letters) if letters else self._column + 1
            self._type, self._formula, self._value = attributes.get("t", ""), False, None
        elif name == "f":
            self._formula = True
        elif name == "v":
            self._value, self._reading = "", True

    def _text(self, text: str) -> None:
        if self._reading and self._value is not None:
            self._value += text

    def _end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "v":
            self._reading = False
        elif name == "c":
            word = self._word()
            if word:
                self.overrides.setdefault(self._row, {})[self._column] = word

    def _word(self) -> str:
        if self._type == "e" and self._value:
            return self._value
        if not self._formula:
            digits = self._type in ("", "n") and _LONG.fullmatch(self._value or "")
            return str(self._value) if digits else ""
        unknown = self._value is None or (not self._value and self._type != "str")
        return NOT_COMPUTED if unknown or (self._value == "0" and self._zeros_are_unknown) else ""


def _column(letters: str) -> int:
    """The number of a column, from 0."""
    number = 0
    for letter in letters.upper()[:4]:
        number = number * 26 + ord(letter) - 64
    return number - 1
