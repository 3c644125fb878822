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

from pipeline.reading.arrow_columns import without_dictionary

MOST_ROWS = 50_000_000
"""In a longer file ids are not compared: the hashes would take more than 600 MB."""
EXAMPLES = 3
Hashes = NDArray[np.uint64]
Rows = NDArray[np.uint32]
_SORTED_AT_ONCE = 4 << 20
_IN_MEMORY = 32 << 20
"""Bytes of hashes; more go to disk."""
_CHUNK = 1 << 20
_SEED = np.uint64(0x9E3779B97F4A7C15)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)
"""For the first bytes of a word of eight."""
_MIXERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_LOW_BITS = np.uint64(0xFFFF)
_TOTALS = (
    "total", "totals", "grand total", "Grand Total", "sum", "subtotal", "gesamt", "summe",
    "gesamtsumme", "somme", "totale", "suma", "razem", "toplam", "итого",
)  # fmt: skip


def hashes_of(column: pa.Array) -> Hashes:
    """A hash of each id; of those that are missing or empty 0."""
    column = without_dictionary(column)
    if pa.types.is_integer(column.type):
        values = column.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False)
        found = _mixed(values.view(np.uint64) ^ _SEED) | np.uint64(1)
        if column.null_count:
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
    found = _mixed(
        lengths.view(np.uint64) ^ _SEED ^ (words[starts] & _MASKS[np.minimum(lengths, 8)])
    )
    done, at = 8, np.flatnonzero(lengths > 8)
    while len(at):
        word = words[starts[at] + done] & _MASKS[np.minimum(lengths[at] - done, 8)]
        found[at] = _mixed(found[at] ^ word)
        done += 8
        at = at[lengths[at] > done]
    found |= np.uint64(1)
    found[lengths == 0] = 0
    return found


def _mixed(values: Hashes) -> Hashes:
    """Steele, Lea & Flood (2014), OOPSLA: the finaliser of SplitMix64."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _MIXERS[0]
        values = (values ^ (values >> np.uint64(27))) * _MIXERS[1]
    return values ^ (values >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class IdBlock:
    """The ids of some customers; missing ones are left out."""

    hashes: Hashes
    rows: Rows
    """The number of each one's row."""
    total_rows: Sequence[int]
    """Where an id is a word for a total."""


def id_block(column: pa.Array, rows: NDArray[np.int64]) -> IdBlock:
    """What is compared of an id column."""
    hashes, numbers = hashes_of(column), rows.astype(np.uint32)
    known = hashes != 0
    if not known.all():
        hashes, numbers = hashes[known], numbers[known]
    likely = np.flatnonzero(_LIKELY_TOTAL[_low_bits(hashes)])
    totals: Rows = numbers[likely[np.isin(hashes[likely], _TOTAL_HASHES)]]
    return IdBlock(hashes, numbers, totals.tolist())


class RepeatedIds:
    """Finds ids that stand more than once among blocks of customers."""

    def __init__(self) -> None:
        self._count, self._totals = 0, 0
        self._total_rows: list[int] = []
        self._stack = ExitStack()
        self._hashes: Any = None
        self._rows: Any = None
        self._waiting: list[IdBlock] = []

    def __enter__(self) -> Self:
        hashes = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # the stack closes both
        rows = tempfile.SpooledTemporaryFile(_IN_MEMORY // 2)
        self._hashes = self._stack.enter_context(hashes)
        self._rows = self._stack.enter_context(rows)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, block: IdBlock | None) -> None:
        """Take in a block; None where there are no ids."""
        self._count += 0 if block is None else len(block.hashes)
        if block is None or self.too_many:
            return
        self._totals += len(block.total_rows)
        self._total_rows = sorted([*self._total_rows, *block.total_rows])[:EXAMPLES]
        self._waiting.append(block)
        if self._count > _SORTED_AT_ONCE:
            self._write()

    @property
    def too_many(self) -> bool:
        """Whether there are more than are compared."""
        return self._count > MOST_ROWS

    def packed(self) -> bytes:
        """All that was taken in, to be added elsewhere."""
        self._write()
        self._hashes.seek(0)
        self._rows.seek(0)
        count = np.array([self._count], "<i8").tobytes()
        return b"".join([count, self._hashes.read(), self._rows.read()])

    def _write(self) -> None:
        """Put away what waits in memory."""
        for block in self._waiting:
            self._hashes.write(block.hashes.tobytes())
            self._rows.write(block.rows.tobytes())
        self._waiting.clear()

    def add_packed(self, content: bytes, first_row: int) -> None:
        """Take in what `packed` gave, with rows that count from 0."""
        count = int(np.frombuffer(content, "<i8", 1)[0])
        hashes = np.frombuffer(content, "<u8", count, 8)
        rows = np.frombuffer(content, "<u4", count, 8 + 8 * count) + np.uint32(first_row)
        likely = np.flatnonzero(np.isin(hashes, _TOTAL_HASHES))
        self.add(IdBlock(hashes, rows, rows[likely].tolist()))

    def summary(self) -> dict[str, Any] | None:
        """How many ids stand more than once and in how many rows, where the first ones are.

        None where there are no ids.
        """
        if not self._count:
            return None
        if self.too_many:
            return {"compared": False}
        ids = rows = 0
        first: list[list[int]] = []
        for found in self._repeated():
            ids += len(found)
            rows += sum(map(len, found))
            first = sorted([*first, *found], key=lambda each: each[1])[:EXAMPLES]
        return {
            "compared": True,
            "ids": ids,
            "rows": rows,
            "first_rows": [each[:EXAMPLES] for each in first],
            "total_rows": self._totals,
            "first_total_rows": self._total_rows,
        }

    def _repeated(self) -> Iterator[list[list[int]]]:
        """The rows of each id that stands more than once, for hashes that begin alike."""
        bits = max(0, (self._count - 1) // _SORTED_AT_ONCE).bit_length()
        for part in range(1 << bits):
            hashes = np.concatenate([_part(it, part, bits) for it, _ in self._chunks()])
            hashes.sort()
            again = hashes[1:][hashes[1:] == hashes[:-1]]
            if len(again):
                yield _grouped(np.unique(again), self._chunks())

    def _chunks(self) -> Iterator[tuple[Hashes, Rows]]:
        if self._count <= _SORTED_AT_ONCE:
            yield from ((block.hashes, block.rows) for block in self._waiting)
            return
        self._hashes.seek(0)
        self._rows.seek(0)
        while content := self._hashes.read(8 * _CHUNK):
            yield np.frombuffer(content, "<u8"), np.frombuffer(self._rows.read(4 * _CHUNK), "<u4")


def _part(hashes: Hashes, part: int, bits: int) -> Hashes:
    return hashes[hashes >> np.uint64(64 - bits) == part] if bits else hashes


def _grouped(wanted: Hashes, chunks: Iterator[tuple[Hashes, Rows]]) -> list[list[int]]:
    """The rows of each of the wanted hashes."""
    likely = np.zeros(1 << 16, bool)
    likely[_low_bits(wanted)] = True
    found_hashes, found_rows = [], []
    for hashes, rows in chunks:
        at = np.flatnonzero(likely[_low_bits(hashes)])
        at = at[np.isin(hashes[at], wanted)]
        found_hashes.append(hashes[at])
        found_rows.append(rows[at])
    hashes, rows = np.concatenate(found_hashes), np.concatenate(found_rows)
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order][:1]))
    return [sorted(group.tolist()) for group in np.split(rows[order], starts[1:])]


def _low_bits(hashes: Hashes) -> NDArray[np.intp]:
    return (hashes & _LOW_BITS).astype(np.intp)


def _of_words(words: Sequence[str]) -> Hashes:
    forms = [form(word).encode() for word in words for form in (str, str.capitalize, str.upper)]
    text = np.frombuffer(b"".join(forms), np.uint8)
    return _hashed(text, np.cumsum([0, *map(len, forms)], dtype=np.int64))


_TOTAL_HASHES = _of_words(_TOTALS)
_LIKELY_TOTAL = np.zeros(1 << 16, bool)
_LIKELY_TOTAL[_low_bits(_TOTAL_HASHES)] = True
