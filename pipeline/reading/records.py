"""Cutting delimited text into records, without parsing what is in them.

A record ends at a newline outside quotes. Quotes count only where RFC 4180 lets them stand: round a
whole field, doubled inside it. A line with other quotes costs itself and not its neighbours.
"""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

LONGEST_RECORD = 1 << 20
"""Bytes. A longer one is taken for a quote that was never closed, or for no table at all."""
_NEWLINE, _RETURN, _QUOTE = b"\n"[0], b"\r"[0], b'"'[0]
Words = NDArray[np.uint64]
"""A bit for each byte of a text."""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is not a row of this table: where it is, and its text as far as there is any."""

    row: int
    line: int
    code: str
    """wrong_number_of_fields, bad_encoding or broken_quotes."""
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Records:
    """Whole records as one text; `rows` and `lines` count from 0 at the start of the text."""

    data: bytes
    """Every good record with its newline; nothing between them."""
    ends: NDArray[np.int32]
    """Where each record's newline is."""
    rows: NDArray[np.int64]
    lines: NDArray[np.int64]
    broken: tuple[BrokenRow, ...]
    row_count: int
    line_count: int
    consumed: int
    """Bytes of the input; the rest is the beginning of a record."""
    multiline: bool
    """Whether a quoted field may hold a newline."""


def split(data: bytes, delimiter: bytes, *, final: bool) -> Records:
    """Cut a text into its records; `final`: nothing follows, so the last newline may be missing."""
    if final and data and not data.endswith(b"\n"):
        return split(data + b"\n", delimiter, final=True)
    buffer = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(buffer == _NEWLINE).astype(np.int32)
    if b'"' not in data:
        return _cut(data, buffer, newlines, newlines, multiline=False)
    quotes = _quoting(buffer, delimiter[0])
    if quotes is None:
        return _one_by_one(data, delimiter, final=final)
    ends = newlines
    if quotes.inner_newlines.any():
        ends = newlines[~_unpacked(quotes.inner_newlines, len(buffer))[newlines]]
    longest = int(np.diff(ends, prepend=-1, append=len(data)).max())
    if longest > LONGEST_RECORD or (final and quotes.open_at_end):
        return _one_by_one(data, delimiter, final=final)
    return _cut(data, buffer, newlines, ends, multiline=len(ends) < len(newlines))


@dataclass(frozen=True, slots=True)
class _Quoting:
    """What well-placed quotes mean for the newlines of a text."""

    inner_newlines: Words
    """Those within quotes."""
    open_at_end: bool


def _quoting(buffer: NDArray[np.uint8], delimiter: int) -> _Quoting | None:
    """Where quotes enclose; None unless each opens or closes a field or is half of a doubled one.

    On bits, 64 bytes of the text at a time, after Langdale & Lemire (2019), VLDB Journal
    28:941-960: a byte is within quotes where the exclusive or of all quotes up to it is set.
    """
    marks = np.zeros(-(-len(buffer) // 64) * 64, bool)

    def where(byte: int) -> Words:
        np.equal(buffer, byte, out=marks[: len(buffer)])
        return np.packbits(marks, bitorder="little").view("<u8")

    quotes, newlines = where(_QUOTE), where(_NEWLINE)
    within = quotes.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        within ^= within << np.uint64(shift)
    open_after = np.bitwise_xor.accumulate(within >> np.uint64(63))
    within[1:] ^= np.uint64(0) - open_after[:-1]
    stops = newlines | where(delimiter)
    opening, closing = quotes & within, quotes & ~within
    may_open = _next_byte(stops | closing)  # behind a closing quote: a doubled one
    may_open[0] |= np.uint64(1)
    may_close = _byte_before(stops | where(_RETURN) | opening)
    last = len(buffer) - 1
    may_close[last >> 6] |= np.uint64(1 << (last & 63))  # what follows is not here yet
    if (opening & ~may_open).any() or (closing & ~may_close).any():
        return None
    return _Quoting(newlines & within, bool(open_after[-1]))


def _unpacked(words: Words, length: int) -> NDArray[np.bool_]:
    return np.unpackbits(words.view(np.uint8), count=length, bitorder="little").view(bool)


def _next_byte(words: Words) -> Words:
    moved = words << np.uint64(1)
    moved[1:] |= words[:-1] >> np.uint64(63)
    return moved


def _byte_before(words: Words) -> Words:
    moved = words >> np.uint64(1)
    moved[:-1] |= words[1:] << np.uint64(63)
    return moved


def _cut(
    data: bytes,
    buffer: NDArray[np.uint8],
    newlines: NDArray[np.int32],
    ends: NDArray[np.int32],
    *,
    multiline: bool,
) -> Records:
    """Records that end where `ends` says; empty lines and stray carriage returns are left out."""
    consumed = int(ends[-1]) + 1 if len(ends) else 0
    starts = np.empty_like(ends)
    starts[:1], starts[1:] = 0, ends[:-1] + 1
    lines = np.searchsorted(newlines, starts) if multiline else np.arange(len(ends))
    line_count = int(np.searchsorted(newlines, consumed))
    returns = (ends > starts) & (buffer[ends - 1] == _RETURN)
    empty = ends - starts == returns
    if empty.any() or (returns.any() and not returns.all()):
        dropped = np.concatenate([ends[empty], ends[returns] - 1])
        keep = np.ones(consumed, bool)
        keep[dropped] = False
        moved = np.cumsum(keep, dtype=np.int32) - 1
        data, ends, lines = buffer[:consumed][keep].tobytes(), moved[ends[~empty]], lines[~empty]
    elif consumed < len(data):
        data = data[:consumed]
    count = len(ends)
    return Records(data, ends, np.arange(count), lines, (), count, line_count, consumed, multiline)


@cache
def _record(delimiter: bytes) -> re.Pattern[bytes]:
    """One record with its newline, all of its quotes well placed."""
    stop = re.escape(delimiter) + rb"\n"
    field = rb'(?:"(?:[^"]|"")*+"(?=[' + stop + rb'\r])|(?!")[^' + stop + rb"]*+)"
    return re.compile(field + rb"(?:" + re.escape(delimiter) + field + rb")*+\r?\n")


def _one_by_one(data: bytes, delimiter: bytes, *, final: bool) -> Records:
    """The same where quotes are astray: a line that cannot be read is broken by itself."""
    pattern, at, line, row = _record(delimiter), 0, 0, 0
    good: list[bytes] = []
    rows, lines, broken = [], [], []
    while at < len(data):
        match = pattern.match(data, at)
        if match is None and not final and len(data) - at <= LONGEST_RECORD:
            break  # the rest of the record may still come
        if match is not None and match.end() - at <= LONGEST_RECORD:
            text = match[0]
        else:
            end = data.find(b"\n", at)
            if end < 0:
                break
            text = data[at : end + 1]
            broken.append(_astray(row, line, text))
        content = text.rstrip(b"\r\n")
        if content and (not broken or broken[-1].row != row):
            good.append(content + b"\n")
            rows.append(row)
            lines.append(line)
        row += bool(content)
        line += text.count(b"\n")
        at += len(text)
    ends = np.cumsum([len(text) for text in good], dtype=np.int32) - 1
    return Records(
        b"".join(good),
        ends,
        np.array(rows, np.int64),
        np.array(lines, np.int64),
        tuple(broken),
        row,
        line,
        at,
        True,
    )


def _astray(row: int, line: int, text: bytes) -> BrokenRow:
    message = "expected quotes round a whole field only, and closed; found others"
    shown = text.rstrip(b"\r\n").decode("utf-8", "replace")
    return BrokenRow(row, line, "broken_quotes", message, shown)
