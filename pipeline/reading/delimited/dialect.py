"""How a delimited file is written: its delimiter, line ends, escapes, and where its header is."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from pipeline.errors import Problem, WrongFile, shortened
from pipeline.model.contract import Contract
from pipeline.model.numbers import NumberFormat, interpretations
from pipeline.reading import kinds
from pipeline.reading.columns.names import KnownNames
from pipeline.reading.columns.nearness import names_all_features
from pipeline.reading.delimited.fields import fields_of, fields_with_returns
from pipeline.reading.delimited.records import LONGEST_RECORD, Records, split
from pipeline.reading.delimited.streams import Beginning
from pipeline.reading.delimited.text_format import LONE_RETURN, TextFormat
from pipeline.reading.options import ReadingOptions

DELIMITERS = (",", ";", "\t", "|")
MOST_COLUMNS = 5_000
HEADER_WITHIN = 50
"""Records among which a header may stand below titles."""
_SAMPLE_ROWS = 200
_HEAD = 64 << 10
"""Bytes among which a delimiter stands, if it is one."""
_Meanings = Callable[[Sequence[str]], set[str]]
"""The columns of the contract that a row names."""
ExtraField = Literal["", "index", "trailing"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is written."""

    delimiter: str
    header: tuple[str, ...]
    header_text: str
    """As it stands in the file, with a cell for a column that it does not name."""
    header_line: int
    """The number of the line that it begins on; 1 is the first."""
    header_lines: int
    """Lines up to the end of the header, those above it included."""
    extra_field: ExtraField = ""
    """Rows have one field more than the header: an index before the others, or nothing behind."""

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each field of a row."""
        first = ("",) if self.extra_field == "index" else ()
        last = ("",) if self.extra_field == "trailing" else ()
        return (*first, *self.header, *last)


@dataclass(frozen=True)
class _Candidate:
    """One way to read the beginning of a text."""

    text_format: TextFormat
    delimiter: str
    records: Records
    """From the first line on."""
    skipped_lines: int
    """Lines before these."""
    header: int
    """The index of the record that is the header."""
    matches: int
    """Columns of the contract that it names."""
    complete: bool
    """Whether it names every feature."""

    @cached_property
    def names(self) -> list[str]:
        return self.cells(self.header) or []

    @cached_property
    def rows(self) -> list[list[str] | None]:
        """The cells of some rows below the header; None where the quotes are astray."""
        last = min(len(self.records.ends), self.header + 1 + _SAMPLE_ROWS)
        return [self.cells(index) for index in range(self.header + 1, last)]

    @cached_property
    def misfits(self) -> int:
        """Rows among these that are broken, or have another number of fields than the others."""
        widths = [0 if row is None else len(row) for row in self.rows]
        fitting = max(widths.count(len(self.names)), widths.count(len(self.names) + 1))
        broken = [row for row in self.records.broken if row.row <= self.header + _SAMPLE_ROWS]
        whole = sum(  # such a row is one of the table once its cell has quotes
            row.code == "stray_return"
            and fields_with_returns(row.text, self.delimiter, len(self.names)) is not None
            for row in broken
        )
        return len(widths) - fitting + len(broken) - whole

    @property
    def header_line(self) -> int:
        """The number of the line that the header begins on; 1 is the first."""
        return int(self.records.lines[self.header]) + self.skipped_lines + 1

    def cells(self, index: int) -> list[str] | None:
        return fields_of(self.line(index), self.delimiter)

    def line(self, index: int) -> str:
        start = int(self.records.ends[index - 1]) + 1 if index else 0
        line = self.records.data[start : int(self.records.ends[index])]
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """The better one is greater; of two whole headers the first, or rows would be lost."""
        line = self.header_line if self.complete else 0
        misfits = self.misfits if self.matches else 0
        matches = MOST_COLUMNS if self.complete else self.matches
        return (matches, -line, -misfits, len(self.names))


def detect(
    path: Path,
    beginning: Beginning,
    contract: Contract | None,
    options: ReadingOptions,
    known: KnownNames,
) -> tuple[TextFormat, Dialect, Iterator[list[str]]]:
    """The dialect of a text, by its beginning: the one that finds most columns of the contract.

    Where none is found, the one whose header has most columns.

    Args:
        path: The file, for errors.
        beginning: The beginning of its text.
        contract: The columns that are looked for, where there are any.
        options: What somebody said about how the file is written.
        known: The names under which these columns may stand in the file.

    Returns:
        How the text is read, its dialect, and the cells of the rows of its beginning.

    Raises:
        WrongFile: There is no header, or rows have another number of fields than it has.
    """
    best = _best(_candidates(beginning, contract, options, known.meanings))
    if contract is not None and best is not None and not best.complete:
        best = _near(beginning, contract, options) or best
    if best is None:
        raise WrongFile(path, _no_header(beginning, options))
    if len(best.names) > MOST_COLUMNS:
        raise WrongFile(path, f"has {len(best.names):,} columns; at most {MOST_COLUMNS:,} are read")
    if contract is not None and not best.complete and not best.matches:
        _refuse_no_table(path, beginning)
    dialect = _dialect(path, best, contract, known)
    if contract is not None and best.header and options.header_row is None:
        _refuse_customers_above(path, best, contract)
    return best.text_format, dialect, _rows(best)


def _best(candidates: Iterable[_Candidate]) -> _Candidate | None:
    best: _Candidate | None = None
    for candidate in candidates:
        if best is None or candidate.rank > best.rank:
            best = candidate
    return best


def _near(beginning: Beginning, contract: Contract, options: ReadingOptions) -> _Candidate | None:
    """Where no header names all features, the one whose names are near to them: it is told."""
    features = {feature.name for feature in contract.features}

    def meanings(names: Sequence[str]) -> set[str]:
        return features if names_all_features(contract, names) else set()

    best = _best(_candidates(beginning, contract, options, meanings))
    return best if best is not None and best.complete else None


def _rows(best: _Candidate) -> Iterator[list[str]]:
    for index in range(best.header + 1, len(best.records.ends)):
        row = best.cells(index)
        if row is not None:
            yield row


def _candidates(
    beginning: Beginning, contract: Contract | None, options: ReadingOptions, meanings: _Meanings
) -> Iterator[_Candidate]:
    for text_format in _text_formats(beginning):
        text = text_format.standardise(beginning.start)
        stated, skipped = _stated_delimiter(text)
        chosen = options.delimiter or stated
        head = text[skipped : skipped + _HEAD]
        present = [mark for mark in DELIMITERS if mark.encode() in head]
        for delimiter in [chosen] if chosen else present or DELIMITERS[:1]:
            records = split(text[skipped:], delimiter.encode(), final=beginning.whole)
            lines = text[:skipped].count(b"\n")
            candidate = _candidate(
                text_format, delimiter, records, lines, contract, options, meanings
            )
            if candidate is not None:
                yield candidate


def _text_formats(beginning: Beginning) -> list[TextFormat]:
    """What may end the lines of a text and escape its quotes."""
    formats, start = [beginning.text_format], beginning.start
    returns, newlines = len(LONE_RETURN.findall(start)), start.count(b"\n")
    if returns:
        either = replace(beginning.text_format, line_end="either")
        only = replace(beginning.text_format, line_end="return")
        formats = [beginning.text_format, either] if newlines else []
        formats += [only] if returns > newlines else []
    if b'\\"' in start:
        formats += [replace(known, backslashes=True) for known in formats]
    return formats


def _candidate(
    text_format: TextFormat,
    delimiter: str,
    records: Records,
    skipped_lines: int,
    contract: Contract | None,
    options: ReadingOptions,
    meanings: _Meanings,
) -> _Candidate | None:
    """None where no record can be the header."""
    features = {feature.name for feature in contract.features} if contract else set()
    best: _Candidate | None = None
    for index in range(min(HEADER_WITHIN, len(records.ends))):
        candidate = _Candidate(text_format, delimiter, records, skipped_lines, index, 0, False)
        if options.header_row is not None and candidate.header_line != options.header_row:
            continue
        matches = meanings(candidate.names)
        complete = bool(features) and features <= matches
        if best is None or (complete and not best.complete):
            best = replace(candidate, matches=len(matches), complete=complete)
        if best.complete or not features:
            break
    first_is_broken = bool(records.broken) and records.broken[0].row == 0
    if best is None or not best.names or (first_is_broken and not best.complete):
        return None
    return best


def _dialect(path: Path, best: _Candidate, contract: Contract | None, known: KnownNames) -> Dialect:
    header, line = best.names, best.line(best.header)
    first = best.header_line
    extra = _extra_field(path, best, contract, known)
    text = {"index": best.delimiter + line, "trailing": line + best.delimiter}.get(extra, line)
    return Dialect(best.delimiter, tuple(header), text, first, first + line.count("\n"), extra)


def _extra_field(
    path: Path, best: _Candidate, contract: Contract | None, known: KnownNames
) -> ExtraField:
    """What all rows have and the header does not; WrongFile where that is unclear.

    An index is assumed where the first field looks like one and the contract fits without it, and
    with it does not. Where some rows only have more fields, those are rejects.
    """
    count = len(best.names)
    rows = [row for row in best.rows if row is not None]
    if not rows or any(len(row) != count + 1 for row in rows):
        return ""
    if all(not row[-1].strip() for row in rows):
        return "trailing"
    meanings = [known.meaning(name) for name in best.names]
    index = _is_index([row[0] for row in rows], rows, meanings, contract)
    if (
        index
        and _fits(meanings, [row[1:] for row in rows], contract)
        and (contract is None or not _fits(meanings, rows, contract))
    ):
        return "index"
    example = best.delimiter.join(shortened(cell) for cell in rows[0][: count + 1])
    raise WrongFile(
        path,
        f"names {count} columns in its header and has {count + 1} fields in every row, "
        f"first: {shortened(example)!r}; put cells that hold {best.delimiter!r} into quotes, "
        "or name every column",
    )


def _is_index(
    labels: list[str],
    rows: list[list[str]],
    meanings: list[str | None],
    contract: Contract | None,
) -> bool:
    """Whether the first fields count the rows, or are the only labels that rows have."""
    if contract is not None and contract.id_column is not None and contract.id_column in meanings:
        position = meanings.index(contract.id_column) + 1
        ids = [row[position].strip() for row in rows]
        if len(set(ids)) < len(ids) or not all(any(map(str.isdigit, each)) for each in ids):
            return False
    if labels[0] in ("0", "1"):
        first = int(labels[0])
        return labels == [str(first + row) for row in range(len(labels))]
    features = {feature.name for feature in contract.features} if contract else set()
    named_first = meanings[0] in features  # else a label may be half of a text
    return named_first and len(set(labels)) == len(labels) and all(labels)


def _fits(meanings: list[str | None], rows: Sequence[list[str]], contract: Contract | None) -> bool:
    """Whether most rows hold values that the contract allows."""
    if contract is None:
        return True
    positions = {meaning: index for index, meaning in enumerate(meanings)}
    known = [(feature, positions.get(feature.name)) for feature in contract.features]
    bound = [(feature, index) for feature, index in known if index is not None]

    def is_good(row: list[str]) -> bool:
        parsed = [feature.parse(row[index], NumberFormat()) for feature, index in bound]
        return not any(isinstance(it, Problem) and it.code not in _UNCLEAR for it in parsed)

    return sum(map(is_good, rows)) * 2 > len(rows)


def _refuse_customers_above(path: Path, best: _Candidate, contract: Contract) -> None:
    """WrongFile where rows above the header are as wide as it and as full of numbers as a row."""
    fewest = sum(feature.numeric for feature in contract.features)

    def looks_like_a_row(line: str) -> bool:
        cells = (fields_of(line, delimiter) or [] for delimiter in DELIMITERS)
        wide = [row for row in cells if len(row) == len(best.names)]
        return any(sum(map(_is_number, row)) >= max(fewest, 1) for row in wide)

    count = sum(looks_like_a_row(best.line(index)) for index in range(best.header))
    if count:
        raise WrongFile(
            path,
            f"names its columns in line {best.header_line} only, and {count} rows above it look "
            "like customers: put the header first, or say --header-row",
        )


def _is_number(cell: str) -> bool:
    return bool(interpretations(cell, NumberFormat()))


_UNCLEAR = ("missing", "ambiguous_number")
"""Problems that tell nothing about which column a value belongs to."""


def _stated_delimiter(start: bytes) -> tuple[str | None, int]:
    """What a spreadsheet's first line `sep=;` says, and the bytes before the header."""
    blank = len(start) - len(start.lstrip(b"\r\n"))
    match = re.match(rb'"?sep=([,;|\t])"?\r?\n', start[blank:], re.IGNORECASE)
    return (match[1].decode(), blank + match.end()) if match else (None, blank)


def _no_header(beginning: Beginning, options: ReadingOptions) -> str:
    if options.header_row is not None:
        return f"has no header in line {options.header_row} (--header-row)"
    if b"\n" in beginning.start[:LONGEST_RECORD] or beginning.whole:
        return "has a first line that is no header: its quotes are astray"
    return f"has no line that ends within {LONGEST_RECORD >> 20} MiB; expected a header"


def _refuse_no_table(path: Path, beginning: Beginning) -> None:
    """WrongFile where a text without the columns is of a kind that people know by name."""
    markup = kinds.markup_of(beginning.start)
    if markup:
        raise WrongFile(path, f"is {markup} and no table; export it as CSV, Parquet or Excel")
    control = sum(byte < 9 or 13 < byte < 27 for byte in beginning.start[:4096])
    if control > len(beginning.start[:4096]) // 50:
        raise WrongFile(path, "is neither text nor Parquet nor Excel; expected one of them")
