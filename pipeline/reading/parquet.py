"""Parquet: every column keeps its type."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pipeline.errors import WrongFile
from pipeline.reading.footer import Chunk, first_chunks
from pipeline.reading.int96 import unit_of
from pipeline.reading.table import Block, first_line

BLOCK_ROWS = 32_768
_REPEATING_BYTES = 4


@dataclass(frozen=True, slots=True)
class Piece:
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

    def raw(self, size: int) -> Iterator[Piece]:
        read = 0
        with _told(self.path, "is damaged"):
            repeating = _repeating(self.schema, first_chunks(self.path))
            with opened(self.path, self.unit, repeating) as table:
                for batch in table.iter_batches(batch_size=BLOCK_ROWS):
                    yield Piece(batch, read + 1)
                    read += batch.num_rows

    def parse(self, raw: Piece, columns: Sequence[int]) -> Block:
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
    """Text columns that are cheaper to read as dictionaries: they take few bytes a row."""
    texts = {field.name for field in schema if field.type == pa.string()}
    return [
        chunk.column
        for chunk in chunks
        if chunk.column in texts
        and chunk.dictionary
        and chunk.bytes < _REPEATING_BYTES * chunk.values
    ]
