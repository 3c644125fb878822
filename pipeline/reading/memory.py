"""Customers that are a table in memory already, read as a file of them would be."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.reading.blocks import Block


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """A table that stands where a customer file would."""

    name: str
    """What messages and manifests call it."""
    table: pa.Table

    @property
    def sha256(self) -> str:
        """The digest of its columns: the same table has the same digest, however it is chunked."""
        digest = hashlib.sha256()
        whole = self.table.replace_schema_metadata(None).combine_chunks()
        with pa.ipc.new_stream(pa.PythonFile(_Digesting(digest), "w"), whole.schema) as stream:
            stream.write_table(whole)
        return digest.hexdigest()


class _Digesting:
    """What is written is digested, and kept nowhere."""

    closed = False

    def __init__(self, digest: "hashlib._Hash") -> None:
        self._digest = digest

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        return len(content)

    def flush(self) -> None:
        """Nothing waits to be written."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class MemoryReader:
    """Reads a table in memory, in the chunks that it has."""

    table: pa.Table

    def raw(self, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches with the number of their first row; their size does not depend on `size`."""
        read = 0
        for batch in self.table.to_batches():
            yield read + 1, batch
            read += batch.num_rows

    def parse(self, raw: tuple[int, pa.RecordBatch], columns: Sequence[int]) -> Block:
        """The rows of a batch with some of their columns; none of them is broken."""
        first, batch = raw
        rows = np.arange(first, first + batch.num_rows)
        return Block(rows, None, [batch.column(index) for index in columns], [], None)
