"""Rows with ids, kept on disk in parts by their hash: what is joined is a part at a time in memory.

Rows whose ids differ in type or leading zeros alone are in the same part.
"""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from model_store import Temporary
from pipeline.runs.outcomes.ids import IdHashes
from pipeline.scoring.outcome_documents import IdMatching

PARTS = 32
"""A part of 20 million customers has 625,000."""
_IN_MEMORY = 1 << 20
"""Bytes of each part; more go to disk."""
Rows = NDArray[Any]
"""A structured array: `exact` and `loose`, the hashes of an id, and the columns that it came with.
"""


class IdParts:
    """Rows in parts. A context manager."""

    def __init__(self, columns: Mapping[str, str], ids: IdMatching = "text") -> None:
        """Begin without rows.

        Args:
            columns: The name of each column beside the id → its type in numpy's words.
            ids: By number, ids that differ in leading zeros or `.0` alone are the same.
        """
        self._by_number = ids == "number"
        self.type = np.dtype([("exact", "<u8"), ("loose", "<u8"), *columns.items()])
        self.rows = 0
        """That were added."""
        self.no_id = 0
        """Of these: rows without an id, which are in no part."""
        self._stack = ExitStack()
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        for _ in range(PARTS):
            file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # the stack closes it
            self._files.append(self._stack.enter_context(file))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, ids: IdHashes, **columns: NDArray[Any]) -> None:
        """Append rows.

        Args:
            ids: The hashes of their ids.
            columns: The other columns by name.

        Raises:
            Temporary: The disk is full.
        """
        known = np.flatnonzero(ids.exact)
        self.rows += len(ids.exact)
        self.no_id += len(ids.exact) - len(known)
        rows = np.empty(len(known), self.type)
        exact = ids.loose if self._by_number else ids.exact
        rows["exact"], rows["loose"] = exact[known], ids.loose[known]
        for name, values in columns.items():
            rows[name] = values[known]
        part = (rows["loose"] % np.uint64(PARTS)).astype(np.intp)
        order = np.argsort(part, kind="stable")
        ends = np.searchsorted(part[order], np.arange(PARTS + 1))
        try:
            for index, file in enumerate(self._files):
                if ends[index] < ends[index + 1]:
                    file.write(rows[order[ends[index] : ends[index + 1]]].tobytes())
        except OSError as error:
            reason = error.strerror or str(error)
            raise Temporary("write", tempfile.gettempdir(), reason) from error

    def part(self, index: int) -> Rows:
        """The rows of a part, by their ids; those of one id in the order of the file."""
        file = self._files[index]
        file.seek(0)
        rows: Rows = np.frombuffer(file.read(), self.type)
        return rows[np.argsort(rows["exact"], kind="stable")]
