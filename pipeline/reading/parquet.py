"""Parquet: every column keeps its type."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pipeline.errors import WrongFile
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

    def raw(self, size: int) -> Iterator[Piece]:
        read = 0
        try:
            repeating = _repeating(self.path)
            with pa.parquet.ParquetFile(
                self.path, pre_buffer=False, read_dictionary=repeating
            ) as table:
                for batch in table.iter_batches(batch_size=BLOCK_ROWS):
                    yield Piece(batch, read + 1)
                    read += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise WrongFile(self.path, f"is damaged ({first_line(error)})") from error

    def parse(self, raw: Piece, columns: Sequence[int]) -> Block:
        rows = np.arange(raw.first_row, raw.first_row + raw.batch.num_rows)
        return Block(rows, None, [raw.batch.column(index) for index in columns], [], None)


def _repeating(path: Path) -> list[str]:
    """Text columns that are cheaper to read as dictionaries: they take few bytes a row."""
    found = pa.parquet.read_metadata(path)
    if not found.num_row_groups:
        return []
    texts = {field.name for field in found.schema.to_arrow_schema() if field.type == pa.string()}
    first = found.row_group(0)
    return [
        chunk.path_in_schema
        for chunk in map(first.column, range(first.num_columns))
        if chunk.path_in_schema in texts
        and chunk.has_dictionary_page
        and chunk.total_uncompressed_size < _REPEATING_BYTES * chunk.num_values
    ]


def schema_of(path: Path) -> pa.Schema:
    """The columns of a Parquet file; WrongFile when it is none."""
    try:
        return pa.parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise WrongFile(path, f"is not readable as Parquet ({first_line(error)})") from error
