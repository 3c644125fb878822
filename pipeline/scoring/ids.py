"""Ids that stand more than once, and rows of totals, in a file of any length.

Ids are compared by 64-bit hashes, which are kept on disk where they are many. Two different ids in
a file of 20 million have the same hash once in 90,000 files.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.reading import plain

MOST_ROWS = 50_000_000
"""In a longer file ids are not compared: the hashes would take more than 600 MB."""
EXAMPLES = 3
Hashes = NDArray[np.uint64]
_RECORD = np.dtype([("hash", "<u8"), ("row", "<u4")])
_PARTS = 16
_IN_MEMORY = 2 << 20
"""Bytes of each part of the hashes; more go to disk."""
_SEED = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)
"""For the first bytes of a word of eight."""
_MIXERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_TOTALS = (
    "total", "totals", "grand total", "Grand Total", "sum", "subtotal", "gesamt", "summe",
    "gesamtsumme", "somme", "totale", "suma", "razem", "toplam", "итого",
)  # fmt: skip


def hashes_of(column: pa.Array) -> Hashes:
    """A hash of each id; of those that are missing or empty 0."""
    column = plain(column)
    if pa.types.is_integer(column.type):
        values = column.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        found = _mixed(values.view(np.uint64) ^ _SEED) | np.uint64(1)
        found[np.asarray(column.is_null().to_numpy(zero_copy_only=False), bool)] = 0
        return found
    text = column.cast(pa.large_string())
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    if data is None or not len(text):
        return np.zeros(len(text), np.uint64)
    return _hashed(np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], ends - ends[0])


def _hashed(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> Hashes:
    """Of the texts between the ends, eight bytes of each at a time."""
    padded = np.concatenate([text, np.zeros(8, np.uint8)])
    words = np.ndarray((len(text) + 1,), "<u8", padded, 0, (1,))  # one begins at each byte
    starts, lengths = ends[:-1], np.diff(ends)
    found = np.where(lengths > 0, lengths.astype(np.uint64) ^ _SEED, np.uint64(0))
    at = np.flatnonzero(lengths > 0)
    done = 0
    while len(at):
        left = np.minimum(lengths[at] - done, 8)
        word = words[starts[at] + done] & _MASKS[left]
        found[at] = _mixed(found[at] ^ word) | np.uint64(1)
        done += 8
        at = at[lengths[at] > done]
    return found


def _mixed(values: Hashes) -> Hashes:
    """Steele, Lea & Flood (2014), OOPSLA: the finaliser of SplitMix64."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _MIXERS[0]
        values = (values ^ (values >> np.uint64(27))) * _MIXERS[1]
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class IdBlock:
    """The ids of some customers."""

    parts: Sequence[bytes]
    """Hashes with the numbers of their rows, those that begin alike together."""
    count: int
    total_rows: Sequence[int]
    """Where an id is a word for a total."""


def id_block(column: pa.Array, rows: NDArray[np.int64]) -> IdBlock:
    """What is compared of an id column; missing ids are left out."""
    hashes = hashes_of(column)
    known = hashes != 0
    found = np.empty(int(known.sum()), _RECORD)
    found["hash"], found["row"] = hashes[known], rows[known]
    part = (found["hash"] >> np.uint64(60)).astype(np.uint8)
    order = np.argsort(part, kind="stable")
    cuts = np.searchsorted(part[order], np.arange(1, _PARTS))
    parts = [piece.tobytes() for piece in np.split(found[order], cuts)]
    likely = found[_LIKELY_TOTAL[(found["hash"] & np.uint64(0xFFFF)).astype(np.intp)]]
    totals = likely["row"][np.isin(likely["hash"], _TOTAL_HASHES)]
    return IdBlock(parts, len(found), totals.tolist())


class RepeatedIds:
    """Finds ids that stand more than once among blocks of customers."""

    def __init__(self) -> None:
        self._count, self._totals = 0, 0
        self._total_rows: list[int] = []
        self._stack = ExitStack()
        self._parts: list[Any] = []

    def __enter__(self) -> Self:
        for _ in range(_PARTS):
            file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # the stack closes it
            self._parts.append(self._stack.enter_context(file))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, block: IdBlock | None) -> None:
        """Take in a block; None where there are no ids."""
        self._count += 0 if block is None else block.count
        if block is None or self.too_many:
            return
        self._totals += len(block.total_rows)
        self._total_rows = sorted([*self._total_rows, *block.total_rows])[:EXAMPLES]
        for file, piece in zip(self._parts, block.parts, strict=True):
            file.write(piece)

    @property
    def too_many(self) -> bool:
        """Whether there are more than are compared."""
        return self._count > MOST_ROWS

    def packed(self) -> bytes:
        """All that was taken in, to be added elsewhere."""
        pieces = [self._read(file) for file in self._parts]
        head = [self._count, self._totals, *self._total_rows, *[0] * EXAMPLES][: 2 + EXAMPLES]
        sizes = [len(piece) for piece in pieces]
        return np.array([*head, *sizes], "<i8").tobytes() + b"".join(pieces)

    def add_packed(self, content: bytes, first_row: int) -> None:
        """Take in what `packed` gave, with rows that count from 0."""
        count, totals, *numbers = np.frombuffer(content, "<i8", 2 + EXAMPLES + _PARTS).tolist()
        rows = [row + first_row for row in numbers[: min(totals, EXAMPLES)]]
        at, parts = 8 * (2 + EXAMPLES + _PARTS), []
        for size in numbers[EXAMPLES:]:
            part = np.frombuffer(content, _RECORD, size // _RECORD.itemsize, at).copy()
            part["row"] += np.uint32(first_row)
            parts.append(part.tobytes())
            at += size
        self.add(IdBlock(parts, count, rows))
        self._totals += totals - len(rows)

    @staticmethod
    def _read(file: Any) -> bytes:
        file.seek(0)
        content: bytes = file.read()
        return content

    def summary(self) -> dict[str, Any] | None:
        """How many ids stand more than once and in how many rows, where the first ones are.

        None where there are no ids.
        """
        if not self._count:
            return None
        if self.too_many:
            return {"compared": False}
        totals = {"total_rows": self._totals, "first_total_rows": self._total_rows}
        ids = rows = 0
        first: list[list[int]] = []
        for found in self._repeated():
            ids += len(found)
            rows += sum(map(len, found))
            first = sorted([*first, *found], key=lambda each: each[1])[:EXAMPLES]
        shown = [each[:EXAMPLES] for each in first]
        return {"compared": True, "ids": ids, "rows": rows, "first_rows": shown, **totals}

    def _repeated(self) -> Iterator[list[list[int]]]:
        """The rows of each id that stands more than once, one part after the other."""
        for file in self._parts:
            part = np.frombuffer(self._read(file), _RECORD)
            order = np.argsort(part["hash"], kind="stable")
            hashes, rows = part["hash"][order], part["row"][order]
            starts = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
            sizes = np.diff(starts, append=len(hashes))
            again = np.flatnonzero(sizes > 1)
            yield [sorted(rows[starts[i] : starts[i] + sizes[i]].tolist()) for i in again.tolist()]


def _of_words(words: Sequence[str]) -> Hashes:
    forms = [form(word).encode() for word in words for form in (str, str.capitalize, str.upper)]
    text = np.frombuffer(b"".join(forms), np.uint8)
    return _hashed(text, np.cumsum([0, *map(len, forms)], dtype=np.int64))


_TOTAL_HASHES = _of_words(_TOTALS)
_LIKELY_TOTAL = np.zeros(1 << 16, bool)
_LIKELY_TOTAL[(_TOTAL_HASHES & np.uint64(0xFFFF)).astype(np.intp)] = True
