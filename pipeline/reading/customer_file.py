"""What a customer file is, whatever it is written in."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile, shortened
from pipeline.model.numbers import NumberFormat
from pipeline.reading.delimited.dialect import normalised
from pipeline.reading.delimited.records import BrokenRow
from pipeline.reading.delimited.streams import CHUNK, Text

Format = Literal["csv", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "parquet")
TYPED = NumberFormat(".", "")
"""Text in files that have types is a number only as programs write it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows: the good ones with their numbers (1 is the first), and broken ones."""

    rows: NDArray[np.int64]
    lines: NDArray[np.int64] | None
    """Where each row begins in a text file; 1 is the first line."""
    columns: Sequence[pa.Array]
    """The columns that were asked for, in the order in which they were."""
    broken: Sequence[BrokenRow]
    text: pa.StringArray | None
    """Of a text file: each good row as it stands there, with the newline before it if any."""

    @property
    def row_count(self) -> int:
        """Rows of the file that this block accounts for."""
        return len(self.rows) + len(self.broken)


class Reader(Protocol):
    """Reads one kind of file. `raw` runs in one thread, `parse` in any."""

    def raw(self, size: int) -> Iterator[Any]:
        """Pieces in the order of the file, of about so many bytes where it is text."""
        ...

    def parse(self, raw: Any, columns: Sequence[int]) -> Block:
        """The rows of a piece with some of their columns."""
        ...


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """An opened file: its kind and columns are known, its rows are read by `blocks`."""

    path: Path
    format: Format
    schema: pa.Schema
    """With the names of the contract where a column differs from one in case or spaces only."""
    header: tuple[str, ...]
    """The names as they stand in the file."""
    reader: Reader
    numbers: NumberFormat = TYPED
    """How numbers are written that come as text."""
    text: Text | None = None
    """Of a text file: how its bytes become text."""
    header_text: str = ""
    """The header of a text file as it stands there."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """How it is written, for the manifest: encoding, delimiter, packing."""

    def column(self, name: str) -> int:
        """The index of a column by its name; WrongFile when it is missing or there twice."""
        for alike in (str, normalised):
            found = [i for i, known in enumerate(self.schema.names) if alike(known) == alike(name)]
            if len(found) == 1:
                return found[0]
            if found:
                raise WrongFile(
                    self.path, f"column {name} is there {len(found)} times, expected once"
                )
        close = difflib.get_close_matches(name, self.schema.names, 1)
        hint = f"; did you mean {shortened(close[0])!r}?" if close else ""
        shown = [shortened(known) for known in self.schema.names[:12]]
        names = ", ".join(shown) + (", …" if len(self.schema) > 12 else "")
        line = self.facts.get("header_row")
        where = f" in line {line}" if line else ""
        raise WrongFile(
            self.path,
            f"no column {name}; expected a header that names it, found{where}: "
            f"{self.shown(names)}{hint}",
        )

    def optional_column(self, name: str | None) -> int | None:
        """The same, None when there is no such column."""
        return None if name not in self.schema.names else self.column(str(name))

    def blocks(self, columns: Sequence[int] | None = None) -> Iterator[Block]:
        """All rows, in the order of the file, with some or all columns."""
        wanted = range(len(self.schema)) if columns is None else columns
        for raw in self.reader.raw(CHUNK):
            yield self.reader.parse(raw, wanted)

    def shown(self, text: str) -> str:
        """A cell as people read it, where its bytes were left as they are."""
        return text if self.text is None else self.text.shown(text)

    def whole(self) -> tuple[pa.Table, list[BrokenRow]]:
        """All good rows as one table, and the broken ones."""
        blocks = list(self.blocks())
        batches = [
            pa.RecordBatch.from_arrays([plain(column) for column in b.columns], self.schema.names)
            for b in blocks
        ]
        schema = batches[0].schema if batches else self.schema
        return pa.Table.from_batches(batches, schema), [row for b in blocks for row in b.broken]


def canonical(names: Sequence[str], wanted: Collection[str]) -> list[str]:
    """The names, those replaced that differ from a wanted one in case or stray spaces only.

    Where two could be meant, neither is replaced.
    """
    meant = {normalised(name): name for name in wanted}
    alike = Counter(normalised(name) for name in names)
    return [
        name if name in wanted or alike[normalised(name)] > 1 else meant.get(normalised(name), name)
        for name in names
    ]


def plain(column: pa.Array) -> pa.Array:
    """A column without dictionary encoding."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def is_text(column: pa.Array) -> bool:
    """Whether a column's cells are text."""
    kind = column.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def is_binary(column: pa.Array) -> bool:
    """Whether a column's cells are bytes, which may be text that its writer did not call so."""
    kind = column.type
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def as_text(column: pa.Array) -> pa.Array:
    """A column of bytes as text, as Impala and old Spark mean them; any other stays what it is."""
    if not is_binary(column):
        return column
    try:
        return column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        cells = (None if cell is None else _text_of(cell) for cell in column.to_pylist())
        return pa.array(cells, pa.large_string())


def _text_of(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:  # no number and no category either
        return repr(cell)


def filtered(column: pa.Array, good: pa.Array) -> pa.Array:
    """The cells that are good. Arrow cannot tell that of views, which Polars writes."""
    kept = without_view(column).filter(good)
    return kept if kept.type == column.type else kept.cast(column.type)


def without_view(column: pa.Array) -> pa.Array:
    """A column of views as the type that all of Arrow's functions know."""
    kind = column.type
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    return column.cast(pa.large_binary()) if pa.types.is_binary_view(kind) else column


def first_line(error: Exception) -> str:
    """An error of a library in one line."""
    return str(error).splitlines()[0].strip() if str(error) else type(error).__name__
