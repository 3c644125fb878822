"""What the columns of a file hold, as far as their cells show it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.contract import Contract, Feature, is_missing
from pipeline.model.numbers import NumberFormat, interpretations
from pipeline.reading.arrow_columns import as_text, is_text, without_dictionary
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import ReadingOptions

Kind = Literal["number", "integer", "category", "text", "date", "constant", "empty", "other"]
MOST = 0.95
"""Share of the cells that have to be of a kind for their column to be."""
MOST_CATEGORIES = 60
_LOOKED_AT = 1_000
"""Different texts that are looked at to tell a date."""
_DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ,]+\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})([T ,].*)?"
)
_CODE = re.compile(r"0\d+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its kind, and its values row by row."""

    name: str
    kind: Kind
    texts: tuple[str, ...]
    """The different values, as text, the commonest first."""
    codes: NDArray[np.int64]
    """(rows,): each row's value, as an index of `texts`; -1 where it is missing."""
    numbers: NDArray[np.float64]
    """(rows,): NaN where there is no number."""

    @property
    def rows(self) -> int:
        """All rows."""
        return len(self.codes)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return int((self.codes < 0).sum())

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def counts(self) -> dict[str, int]:
        """Value → rows, the commonest first."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts))
        return dict(zip(self.texts, counts.tolist(), strict=True))

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.kind in ("number", "integer")

    @property
    def unique(self) -> bool:
        """Whether each row has a value of its own."""
        return not self.missing and len(self.texts) == self.rows

    @property
    def not_numbers(self) -> dict[str, int]:
        """In a column of numbers: the other texts, and their rows."""
        codes = self.codes[(self.codes >= 0) & np.isnan(self.numbers)]
        return dict(Counter(self.texts[code] for code in codes.tolist()).most_common())

    @property
    def flag(self) -> bool:
        """Whether it is 0 or 1."""
        return self.numeric and set(np.unique(self.known).tolist()) <= {0.0, 1.0}

    @property
    def known(self) -> NDArray[np.float64]:
        """Its numbers, without the rows that have none."""
        return self.numbers[~np.isnan(self.numbers)]


def read_columns(path: Path, reading: ReadingOptions) -> list[Column]:
    """Read a file of any kind, whatever its columns are called.

    Args:
        path: The file.
        reading: What somebody said about how it is written.

    Raises:
        WrongFile: It is no table, has no rows, or two columns of one name.
    """
    with open_customers(path, None, reading) as file:
        table, _ = file.read_all()
    if not len(table):
        raise WrongFile(path, "has a header but no customers")
    names = Counter(table.column_names)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise WrongFile(path, f"has {names[twice[0]]} columns {twice[0]}, expected one of each")
    numbers = _numbers_of(path, file, table, reading)
    return [_column(name, table.column(name), numbers) for name in table.column_names]


def _numbers_of(
    path: Path, file: CustomerFile, table: pa.Table, reading: ReadingOptions
) -> NumberFormat:
    """How numbers are written: where the file as a whole does not show it, its numbers do."""
    if file.numbers.decimal or file.format == "parquet":
        return file.numbers
    columns = (_column(name, table.column(name), file.numbers) for name in table.column_names)
    features = tuple(Feature(it.name, "number", it.name) for it in columns if it.numeric)
    if not features:
        return file.numbers
    with open_customers(path, Contract("draft", "Draft", features), reading) as again:
        return again.numbers


def _column(name: str, cells: pa.ChunkedArray, numbers: NumberFormat) -> Column:
    array = as_text(without_dictionary(cells.combine_chunks()))
    if pa.types.is_nested(array.type):
        nothing = np.full(len(array), np.nan)
        return Column(name, "other", (), np.full(len(array), -1), nothing)
    encoded = array.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    texts, codes = _by_frequency([_text(value) for value in values], codes)
    parsed = _parse(texts, numbers if is_text(array) else NumberFormat(".", ""))
    by_row = np.append(parsed, np.nan)[codes]
    dates = pa.types.is_temporal(array.type)
    return Column(name, _kind(texts, codes, by_row, dates=dates), texts, codes, by_row)


def _text(value: object) -> str | None:
    """A cell as text; None where there is no value."""
    if isinstance(value, float):
        if np.isnan(value):
            return None
        value = int(value) if value.is_integer() else value
    return None if is_missing(value) else str(value).strip()


def _by_frequency(
    texts: Sequence[str | None], codes: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The different texts, the commonest first, and each row's among them."""
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    total: Counter[str] = Counter()
    for text, count in zip(texts, counts.tolist(), strict=True):
        if text is not None:
            total[text] += count
    ordered = sorted(total, key=lambda text: (-total[text], text))
    index: Mapping[str | None, int] = {text: number for number, text in enumerate(ordered)}
    moved = np.array([*(index.get(text, -1) for text in texts), -1], np.int64)
    return tuple(ordered), moved[codes]


def _parse(texts: Sequence[str], numbers: NumberFormat) -> NDArray[np.float64]:
    """Each text as a number; NaN where it is none."""
    if numbers.decimal == ".":
        try:
            return np.array(pa.array(texts, pa.string()).cast(pa.float64()), float)
        except pa.ArrowInvalid:
            pass
    parsed = np.full(len(texts), np.nan)
    for number, text in enumerate(texts):
        readings = interpretations(text, numbers)
        if readings and np.isfinite(readings[0].value):
            parsed[number] = readings[0].value
    return parsed


def _kind(
    texts: Sequence[str], codes: NDArray[np.int64], numbers: NDArray[np.float64], *, dates: bool
) -> Kind:
    present = int((codes >= 0).sum())
    if not present:
        return "empty"
    if len(texts) == 1:
        return "constant"
    if dates or _are_dates(texts):
        return "date"
    known = numbers[~np.isnan(numbers)]
    if len(known) >= MOST * present and not any(map(_CODE.fullmatch, texts)):
        return "integer" if (np.floor(known) == known).all() else "number"
    if len(texts) > min(MOST_CATEGORIES, max(10, present // 10)) or len(texts) > present / 2:
        return "text"
    return "category"


def _are_dates(texts: Sequence[str]) -> bool:
    some = texts[:_LOOKED_AT]
    return sum(_DATE.fullmatch(text) is not None for text in some) >= MOST * len(some)
