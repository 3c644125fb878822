"""Parquet: every column keeps its type."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from pipeline.errors import TooLarge, WrongFile, first_line
from pipeline.reading.blocks import Block
from pipeline.reading.parquet.footer import Chunk, first_chunks
from pipeline.reading.parquet.int96 import unit_of

BLOCK_ROWS = 32_768
LARGEST_COLUMN = 1 << 29
"""Bytes of a column in a batch."""
_REPEATING_BYTES, _LONG_BYTES = 4, 512


@dataclass(frozen=True, slots=True)
class RowBatch:
    """A batch of rows and the number of the first."""

    batch: pa.RecordBatch
    first_row: int


@dataclass(frozen=True, slots=True)
class ParquetReader:
    """Reads a Parquet file in batches, whatever its row groups are."""

    path: Path
    schema: pa.Schema
    unit: str
    """Of timestamps that are INT96, which knows none."""

    def raw(self, size: int) -> Iterator[RowBatch]:
        """The file in batches; their size does not depend on `size`."""
        read = 0
        with _arrow_errors(self.path, "is damaged"):
            repeating = _repeating(self.schema, first_chunks(self.path))
            with open_arrow_file(self.path, self.unit, repeating) as table:
                for batch in table.iter_batches(batch_size=BLOCK_ROWS):
                    self._refuse_oversized(batch)
                    yield RowBatch(batch, read + 1)
                    read += batch.num_rows

    def _refuse_oversized(self, batch: pa.RecordBatch) -> None:
        """WrongFile where columns are left out, or repeat large values through their dictionary."""
        if missing := sorted({*self.schema.names} - {*batch.schema.names}):
            problem = f"has columns that hold nothing ({', '.join(missing)}); write it without them"
            raise WrongFile(self.path, problem)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
                lengths = pc.binary_length(column.dictionary).take(column.indices)
                if (size := pc.sum(lengths).as_py() or 0) > LARGEST_COLUMN:
                    rows = f"{len(column):,} rows of column {name}"
                    problem = f"unpacks to {size >> 20:,} MiB in {rows}; expected a table"
                    raise TooLarge(self.path, problem)

    def parse(self, raw: RowBatch, columns: Sequence[int]) -> Block:
        """The rows of a batch with some of their columns; none of them is broken."""
        rows = np.arange(raw.first_row, raw.first_row + raw.batch.num_rows)
        return Block(rows, None, [raw.batch.column(index) for index in columns], [], None)


def open_parquet(path: Path) -> ParquetReader:
    """The reader of a Parquet file.

    Raises:
        WrongFile: It is none, is encrypted, or has timestamps that 64 bits cannot hold.
    """
    encrypted = [chunk.column for chunk in first_chunks(path) if chunk.encrypted]
    if encrypted:
        names = ", ".join(encrypted[:12]) + (", …" if len(encrypted) > 12 else "")
        raise WrongFile(path, f"has encrypted columns ({names}); write it without encryption")
    with _arrow_errors(path, "is not readable as Parquet"):
        unit = unit_of(path, path)
        with open_arrow_file(path, unit) as table:
            return ParquetReader(path, table.schema_arrow, unit)


def open_arrow_file(source: Path | BinaryIO, unit: str, repeating: Sequence[str] = ()) -> Any:
    """Open a Parquet file with Arrow's own reader.

    Args:
        source: The file.
        unit: What INT96 timestamps are read in: ns or us.
        repeating: Columns of text that are read as dictionaries.
    """
    return pa.parquet.ParquetFile(
        source, pre_buffer=False, read_dictionary=list(repeating), coerce_int96_timestamp_unit=unit
    )


@contextmanager
def _arrow_errors(path: Path, problem: str) -> Iterator[None]:
    """WrongFile in place of what Arrow raises about a file."""
    try:
        yield
    except MemoryError:  # which Arrow's own is as well: no fault that the file can be told of
        raise
    except UnicodeDecodeError as error:
        raise WrongFile(path, f"{problem} (names of columns that are no UTF-8)") from error
    except (pa.ArrowException, OSError) as error:
        raise WrongFile(path, f"{problem} ({first_line(error)})") from error


def _repeating(schema: pa.Schema, chunks: Sequence[Chunk]) -> list[str]:
    """Text columns to be read as dictionaries.

    Those that take few bytes a row are cheaper so, and of those that take very many the size is
    known before each row has its own copy.
    """
    texts = {field.name for field in schema if field.type == pa.string()}
    return [
        chunk.column
        for chunk in chunks
        if chunk.column in texts
        and chunk.dictionary
        and not _REPEATING_BYTES * chunk.values <= chunk.size <= _LONG_BYTES * chunk.values
    ]
