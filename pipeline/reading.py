"""Reading a customer file in blocks: CSV or Parquet, told apart by content.

Cells of a CSV stay the text they are; a Parquet column keeps its type. A row that the format
itself breaks is handed on with its text, never dropped.
"""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from pipeline.errors import WrongFile

Format = Literal["csv", "parquet"]
BLOCK_BYTES = 4 << 20
BLOCK_ROWS = 65_536
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is not a row of this table: its number, and its text as far as there is any."""

    row: int
    code: str
    """wrong_number_of_fields or bad_encoding."""
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows: the good ones with their numbers (1 is the first), and broken ones."""

    rows: NDArray[np.int64]
    batch: pa.RecordBatch
    broken: Sequence[BrokenRow]


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """An opened file: its format and columns are known, its rows are read by `blocks`."""

    path: Path
    format: Format
    schema: pa.Schema

    def column(self, name: str) -> int:
        """The index of a column by its exact name; WrongFile when it is missing or there twice."""
        found = [index for index, known in enumerate(self.schema.names) if known == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise WrongFile(self.path, f"column {name} is there {len(found)} times, expected once")
        close = difflib.get_close_matches(name, self.schema.names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        names = ", ".join(self.schema.names[:12]) + (", …" if len(self.schema) > 12 else "")
        raise WrongFile(
            self.path, f"no column {name}; expected a header that names it, found: {names}{hint}"
        )

    def blocks(self) -> Iterator[Block]:
        """All rows, in the order of the file, in blocks of bounded size."""
        return _csv_blocks(self) if self.format == "csv" else _parquet_blocks(self)


def open_customers(path: Path) -> CustomerFile:
    """Look at a file's beginning; WrongFile when it is no table."""
    try:
        with path.open("rb") as file:
            start = file.read(64 << 10)
    except OSError as error:
        raise WrongFile(path, f"cannot be read ({error.strerror})") from error
    if not start.strip(b"\xef\xbb\xbf \r\n\t"):
        raise WrongFile(path, "is empty; expected a header and a row for each customer")
    try:
        if start.startswith(_PARQUET_MAGIC):
            return CustomerFile(path, "parquet", pa.parquet.read_schema(path))
        if b"\0" in start:
            raise WrongFile(path, "is neither UTF-8 text nor Parquet; expected CSV or Parquet")
        return CustomerFile(path, "csv", _csv_schema(path))
    except (pa.ArrowException, OSError) as error:
        raise WrongFile(path, f"is not readable as a table ({_first_line(error)})") from error


@dataclass(slots=True)
class _BrokenLines:
    """Collects what the CSV parser refuses, in the order of the file."""

    found: list[BrokenRow] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        expected = f"expected {row.expected_columns} fields, found {row.actual_columns}"
        # the parser counts the header as the first row
        self.found.append(
            BrokenRow((row.number or 1) - 1, "wrong_number_of_fields", expected, row.text)
        )
        return "skip"

    def take(self, before: int | None) -> list[BrokenRow]:
        """Remove and return the rows with numbers below a bound, or all."""
        taken = [row for row in self.found if before is None or row.row < before]
        self.found = self.found[len(taken) :]
        return taken


def _open_csv(path: Path, broken: _BrokenLines, types: dict[str, pa.DataType]) -> Any:
    return pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=broken),
        convert_options=pa.csv.ConvertOptions(column_types=types),
    )


def _csv_schema(path: Path) -> pa.Schema:
    try:
        with _open_csv(path, _BrokenLines(), {}) as reader:
            return pa.schema([pa.field(name, pa.string()) for name in reader.schema.names])
    except UnicodeDecodeError as error:
        raise WrongFile(path, "its header is not UTF-8 text") from error


def _csv_blocks(file: CustomerFile) -> Iterator[Block]:
    broken = _BrokenLines()
    read = 0  # rows before the next block, broken ones included
    try:
        # as bytes first, so that one badly encoded cell costs one row and not the file
        types = {name: pa.binary() for name in file.schema.names}
        with _open_csv(file.path, broken, types) as reader:
            for batch in reader:
                rows, lines = _number_rows(read, batch.num_rows, broken)
                read = max([read, *rows[-1:], *(line.row for line in lines)])
                yield _decoded(file, batch, rows, lines)
    except (pa.ArrowException, OSError) as error:
        raise WrongFile(file.path, f"is not a CSV file ({_first_line(error)})") from error
    if left := broken.take(None):
        empty = pa.RecordBatch.from_pylist([], schema=file.schema)
        yield Block(np.zeros(0, np.int64), empty, left)


def _number_rows(
    read: int, count: int, broken: _BrokenLines
) -> tuple[NDArray[np.int64], list[BrokenRow]]:
    """Numbers for the good rows of a block, leaving out those of the broken ones in between."""
    skipped = np.array([line.row for line in broken.found], np.int64)
    numbers = np.arange(read + 1, read + count + len(skipped) + 1)
    rows = numbers[~np.isin(numbers, skipped)][:count]
    return rows, broken.take(int(rows[-1]) if count else None)


def _decoded(
    file: CustomerFile, batch: pa.RecordBatch, rows: NDArray[np.int64], broken: list[BrokenRow]
) -> Block:
    try:
        columns = [column.cast(pa.string()) for column in batch.columns]
    except pa.ArrowInvalid:
        good = np.array([_is_text(row) for row in zip(*_python(batch), strict=True)])
        for index in np.flatnonzero(~good):
            text = b",".join(column[index].as_py() for column in batch.columns)
            message = "expected UTF-8 text, found other bytes"
            broken.append(
                BrokenRow(
                    int(rows[index]), "bad_encoding", message, text.decode("utf-8", "replace")
                )
            )
        broken.sort(key=lambda row: row.row)
        batch, rows = batch.filter(pa.array(good)), rows[good]
        columns = [column.cast(pa.string()) for column in batch.columns]
    return Block(rows, pa.RecordBatch.from_arrays(columns, schema=file.schema), broken)


def _python(batch: pa.RecordBatch) -> list[list[bytes]]:
    return [column.to_pylist() for column in batch.columns]


def _is_text(cells: Sequence[bytes]) -> bool:
    try:
        for cell in cells:
            cell.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _parquet_blocks(file: CustomerFile) -> Iterator[Block]:
    read = 0
    try:
        with pa.parquet.ParquetFile(file.path) as table:
            for batch in table.iter_batches(batch_size=BLOCK_ROWS):
                rows = np.arange(read + 1, read + batch.num_rows + 1)
                read += batch.num_rows
                yield Block(rows, batch, [])
    except (pa.ArrowException, OSError) as error:
        raise WrongFile(file.path, f"is damaged ({_first_line(error)})") from error


def plain(column: pa.Array) -> pa.Array:
    """A column without dictionary encoding."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def is_text(column: pa.Array) -> bool:
    """Whether a column's cells are text."""
    kind = column.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].strip() if str(error) else type(error).__name__
