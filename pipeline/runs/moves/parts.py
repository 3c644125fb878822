"""Ids with their clusters, hashed into parts on disk: the same id is in the same part."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.reading.arrow_numpy import column_of
from pipeline.runs.moves.ids import hashes_of, loosened

_PART_ROWS, _MOST_PARTS = 200_000, 128
_BUFFERED = 400_000
"""Rows that are sorted into parts at once."""
SCHEMA = pa.schema([("id", pa.string()), ("cluster", pa.int32()), ("row", pa.int64())])


def part_count(rows: int) -> int:
    """Parts for so many rows, so that one of them fits into memory, and all can be open."""
    return max(1, min(_MOST_PARTS, -(-rows // _PART_ROWS)))


class IdParts:
    """The ids of one run; written in order, then read part by part."""

    def __init__(self, folder: Path, name: str, parts: int) -> None:
        """Begin without rows.

        Args:
            folder: Where the parts are written.
            name: What their files begin with.
            parts: How many.
        """
        self._paths = [folder / f"{name}-{number}" for number in range(parts)]
        self._open, self._writers = ExitStack(), list[Any]()
        self._waiting: list[pa.RecordBatch] = []
        self.rows = 0

    def __enter__(self) -> Self:
        """Open the files."""
        for path in self._paths:
            file = self._open.enter_context(path.open("wb"))
            self._writers.append(self._open.enter_context(pa.ipc.new_stream(file, SCHEMA)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what waits, and close the files."""
        if error is None:
            self._flush()
        self._open.close()

    def add(self, ids: pa.Array, clusters: NDArray[np.int32]) -> None:
        """Add the next rows of the run."""
        rows = np.arange(self.rows, self.rows + len(ids))
        batch = pa.RecordBatch.from_arrays(
            [ids, column_of(clusters), column_of(rows)], schema=SCHEMA
        )
        self.rows += len(ids)
        self._waiting.append(batch)
        if sum(each.num_rows for each in self._waiting) >= _BUFFERED:
            self._flush()

    def read(self, part: int) -> pa.RecordBatch:
        """The rows of a part in the order of the run; they can be read once."""
        path = self._paths[part]
        with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
            batches: Sequence[pa.RecordBatch] = list(stream)
        path.unlink()
        return _joined(batches)

    def _flush(self) -> None:
        batch, self._waiting = _joined(self._waiting), []
        parts = len(self._paths)
        hashes = hashes_of(loosened(batch.column(0))).astype(np.uint64)
        part = (hashes * np.uint64(parts) >> np.uint64(32)).astype(np.uint8)
        batch = batch.take(column_of(np.argsort(part, kind="stable")))
        ends = np.cumsum(np.bincount(part, minlength=parts)).tolist()
        for writer, start, end in zip(self._writers, [0, *ends], ends, strict=False):
            if end > start:
                writer.write_batch(batch.slice(start, end - start))


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    columns = [
        pa.concat_arrays([batch.column(index) for batch in batches])
        if batches
        else pa.nulls(0, column.type)
        for index, column in enumerate(SCHEMA)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
