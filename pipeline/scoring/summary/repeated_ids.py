"""Ids that several rows have, and rows that are totals, in a file of any length.

Ids are compared by 64-bit hashes, which are kept on disk where they are many. Two different ids in
a file of 20 million have the same hash once in 90,000 files.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.reading.arrow_columns import without_dictionary
from pipeline.reading.arrow_numpy import missing_in, values_of
from pipeline.scoring.documents import RepeatedIdsDocument

MOST_ROWS = 50_000_000
"""In a longer file ids are not compared: the hashes would take more than 600 MB."""
EXAMPLES = 3
"""Ids that the summary shows, and rows of each."""
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
        values = values_of(column.cast(pa.int64(), safe=False))
        hashes = _mixed(values.view(np.uint64) ^ _SEED) | np.uint64(1)
        if column.null_count:
            hashes[missing_in(column)] = 0
        return hashes
    text = column.cast(pa.large_string())
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, np.int64)[text.offset : text.offset + len(text) + 1]
    if data is None or not len(text):
        return np.zeros(len(text), np.uint64)
    return _hashes_of_text(np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], ends - ends[0])


def _hashes_of_text(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> Hashes:
    """The hashes of the texts between the ends, eight bytes of each at a time."""
    padded = np.concatenate([text, np.zeros(8, np.uint8)])
    words = np.ndarray((len(text) + 1,), "<u8", padded, 0, (1,))  # one begins at each byte
    starts, lengths = ends[:-1], np.diff(ends)
    hashes = _mixed(
        lengths.view(np.uint64) ^ _SEED ^ (words[starts] & _MASKS[np.minimum(lengths, 8)])
    )
    offset, longer = 8, np.flatnonzero(lengths > 8)
    while len(longer):
        word = words[starts[longer] + offset] & _MASKS[np.minimum(lengths[longer] - offset, 8)]
        hashes[longer] = _mixed(hashes[longer] ^ word)
        offset += 8
        longer = longer[lengths[longer] > offset]
    hashes |= np.uint64(1)
    hashes[lengths == 0] = 0
    return hashes


def _mixed(values: Hashes) -> Hashes:
    """Steele, Lea & Flood (2014), OOPSLA: the finaliser of SplitMix64."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * _MIXERS[0]
        values = (values ^ (values >> np.uint64(27))) * _MIXERS[1]
    return values ^ (values >> np.uint64(31))


class IdBlock(NamedTuple):
    """The ids of a block of customers, as hashes; missing ones are left out."""

    hashes: Hashes
    rows: Rows
    """The number of each one's row."""
    total_rows: Sequence[int]
    """Where an id is a word for a total."""


def id_block(column: pa.Array, rows: NDArray[np.int64]) -> IdBlock:
    """Hash an id column.

    Args:
        column: The ids, text or whole numbers.
        rows: The number of each one's row in the file.
    """
    hashes, numbers = hashes_of(column), rows.astype(np.uint32)
    known = hashes != 0
    if not known.all():
        hashes, numbers = hashes[known], numbers[known]
    candidates = np.flatnonzero(_MAYBE_TOTAL[_low_bits(hashes)])
    totals: list[int] = []
    if candidates.size:  # of nothing, isin loads masked arrays
        totals = numbers[candidates[np.isin(hashes[candidates], _TOTAL_HASHES)]].tolist()
    return IdBlock(hashes, numbers, totals)


class RepeatedIds:
    """Finds ids that several rows have, among blocks of customers. A context manager."""

    def __init__(self) -> None:
        self._count, self._totals = 0, 0
        self._total_rows: list[int] = []
        self._stack = ExitStack()
        self._hashes: IO[bytes]
        self._rows: IO[bytes]
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
        """Add a block; None where there are no ids."""
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
        """Whether there are so many ids that they are not compared."""
        return self._count > MOST_ROWS

    def encode(self) -> bytes:
        """All that was added, to be added elsewhere."""
        self._write()
        self._hashes.seek(0)
        self._rows.seek(0)
        count = np.array([self._count], "<i8").tobytes()
        return b"".join([count, self._hashes.read(), self._rows.read()])

    def add_encoded(self, content: bytes, first_row: int) -> None:
        """Add the ids of a part of the same file.

        Args:
            content: What `encode` gave; rows count from 0 there.
            first_row: The number of the part's first row.
        """
        count = int(np.frombuffer(content, "<i8", 1)[0])
        hashes = np.frombuffer(content, "<u8", count, 8)
        rows = np.frombuffer(content, "<u4", count, 8 + 8 * count) + np.uint32(first_row)
        totals = np.flatnonzero(np.isin(hashes, _TOTAL_HASHES))
        self.add(IdBlock(hashes, rows, rows[totals].tolist()))

    def _write(self) -> None:
        """Append the blocks that wait in memory to the files."""
        for block in self._waiting:
            self._hashes.write(block.hashes.tobytes())
            self._rows.write(block.rows.tobytes())
        self._waiting.clear()

    def summary(self) -> RepeatedIdsDocument | None:
        """The ids that several rows have, and the totals; None where there are no ids."""
        if not self._count:
            return None
        if self.too_many:
            return {"compared": False}
        ids = rows = 0
        first: list[list[int]] = []
        for repeated in self._repeated():
            ids += len(repeated)
            rows += sum(map(len, repeated))
            first = sorted([*first, *repeated], key=lambda each: each[1])[:EXAMPLES]
        return {
            "compared": True,
            "ids": ids,
            "rows": rows,
            "first_rows": [each[:EXAMPLES] for each in first],
            "total_rows": self._totals,
            "first_total_rows": self._total_rows,
        }

    def _repeated(self) -> Iterator[list[list[int]]]:
        """The rows of each id that several rows have; at once for hashes that begin alike."""
        bits = max(0, (self._count - 1) // _SORTED_AT_ONCE).bit_length()
        for part in range(1 << bits):
            hashes = np.concatenate([_part(each, part, bits) for each, _ in self._chunks()])
            hashes.sort()
            repeated = hashes[1:][hashes[1:] == hashes[:-1]]
            if len(repeated):
                yield _rows_of(np.unique(repeated), self._chunks())

    def _chunks(self) -> Iterator[tuple[Hashes, Rows]]:
        if self._count <= _SORTED_AT_ONCE:
            yield from ((block.hashes, block.rows) for block in self._waiting)
            return
        self._hashes.seek(0)
        self._rows.seek(0)
        while content := self._hashes.read(8 * _CHUNK):
            yield np.frombuffer(content, "<u8"), np.frombuffer(self._rows.read(4 * _CHUNK), "<u4")


def _part(hashes: Hashes, part: int, bits: int) -> Hashes:
    """Those whose first bits are a number."""
    return hashes[hashes >> np.uint64(64 - bits) == part] if bits else hashes


def _rows_of(wanted: Hashes, chunks: Iterator[tuple[Hashes, Rows]]) -> list[list[int]]:
    """The rows of each of the wanted hashes."""
    maybe_wanted = _low_bits_table(wanted)
    matching_hashes, matching_rows = [], []
    for hashes, rows in chunks:
        matches = np.flatnonzero(maybe_wanted[_low_bits(hashes)])
        matches = matches[np.isin(hashes[matches], wanted)]
        matching_hashes.append(hashes[matches])
        matching_rows.append(rows[matches])
    hashes, rows = np.concatenate(matching_hashes), np.concatenate(matching_rows)
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=~hashes[order][:1]))
    return [sorted(group.tolist()) for group in np.split(rows[order], starts[1:])]


def _low_bits(hashes: Hashes) -> NDArray[np.intp]:
    return (hashes & _LOW_BITS).astype(np.intp)


def _low_bits_table(hashes: Hashes) -> NDArray[np.bool_]:
    """Whether one of the hashes has these last bits: cheaper to ask than which one it is."""
    table = np.zeros(1 << 16, bool)
    table[_low_bits(hashes)] = True
    return table


def _hashes_of_words(words: Sequence[str]) -> Hashes:
    """The hashes of words as they are, capitalised and in capitals."""
    forms = [form(word).encode() for word in words for form in (str, str.capitalize, str.upper)]
    text = np.frombuffer(b"".join(forms), np.uint8)
    return _hashes_of_text(text, np.cumsum([0, *map(len, forms)], dtype=np.int64))


_TOTAL_HASHES = _hashes_of_words(_TOTALS)
_MAYBE_TOTAL = _low_bits_table(_TOTAL_HASHES)
