"""Blocks: consecutive rows of a customer file, as every reader hands them on."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class BrokenRow(NamedTuple):
    """A row that is not a row of this table: where it is, and its text as far as there is any."""

    row: int
    line: int
    code: str
    """wrong_number_of_fields, bad_encoding, broken_quotes, stray_return or repeated_header."""
    message: str
    text: str


class Block(NamedTuple):
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
        """The file in chunks, in its own order.

        Args:
            size: Bytes of a chunk, about, where the file is text.
        """
        ...

    def parse(self, raw: Any, columns: Sequence[int]) -> Block:
        """The rows of a chunk with some of their columns, by index."""
        ...
