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

from pipeline.errors import WrongFile
from pipeline.reading.customer_file import Block, first_line
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
        read = 0
        with _told(self.path, "is damaged"):
            repeating = _repeating(self.schema, first_chunks(self.path))
            with opened(self.path, self.unit, repeating) as table:
                for batch in table.iter_batches(batch_size=BLOCK_ROWS):
                    self._refuse_odd(batch)
                    yield RowBatch(batch, read + 1)
                    read += batch.num_rows

    def _refuse_odd(self, batch: pa.RecordBatch) -> None:
        """WrongFile where columns are left out, or repeat large values through their dictionary."""
        if missing := sorted({*self.schema.names} - {*batch.schema.names}):
            told = f"has columns that hold nothing ({', '.join(missing)}); write it without them"
            raise WrongFile(self.path, told)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
                lengths = pc.binary_length(column.dictionary).take(column.indices)
                if (size := pc.sum(lengths).as_py() or 0) > LARGEST_COLUMN:
                    told = f"unpacks to {size >> 20:,} MiB in {len(column):,} rows of column {name}"
                    raise WrongFile(self.path, f"{told}; expected a table")

    def parse(self, raw: RowBatch, columns: Sequence[int]) -> Block:
        rows = np.arange(raw.first_row, raw.first_row + raw.batch.num_rows)
        return Block(rows, None, [raw.batch.column(index) for index in columns], [], None)


def open_parquet(path: Path) -> ParquetReader:
    """The reader of a Parquet file; WrongFile when it is none, or is encrypted."""
    encrypted = [chunk.column for chunk in first_chunks(path) if chunk.encrypted]
    if encrypted:
        names = ", ".join(encrypted[:12]) + (", …" if len(encrypted) > 12 else "")
        raise WrongFile(path, f"has encrypted columns ({names}); write it without encryption")
    with _told(path, "is not readable as Parquet"):
        unit = unit_of(path, path)
        with opened(path, unit) as table:
            return ParquetReader(path, table.schema_arrow, unit)


def opened(source: Path | BinaryIO, unit: str, repeating: Sequence[str] = ()) -> Any:
    """Arrow's reader. `unit`: of INT96 timestamps; `repeating` columns become dictionaries."""
    return pa.parquet.ParquetFile(
        source, pre_buffer=False, read_dictionary=list(repeating), coerce_int96_timestamp_unit=unit
    )


@contextmanager
def _told(path: Path, problem: str) -> Iterator[None]:
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
    """Text columns to be read as dictionaries: those that take few bytes a row are cheaper so, and
    of those that take very many the size is known before each row has its own copy."""
    texts = {field.name for field in schema if field.type == pa.string()}
    return [
        chunk.column
        for chunk in chunks
        if chunk.column in texts
        and chunk.dictionary
        and not _REPEATING_BYTES * chunk.values <= chunk.bytes <= _LONG_BYTES * chunk.values
    ]
