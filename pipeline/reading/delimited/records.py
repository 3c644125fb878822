"""Cutting delimited text into records, without parsing what is in them.

A record ends at a newline outside quotes. Quotes count only where RFC 4180 lets them stand: round a
whole field, doubled inside it. A line with other quotes costs itself and not its neighbours. No two
programs agree on what a carriage return outside quotes is: the cell gets quotes where the record is
whole with it, else the line is broken.
Lines in which nothing stands but delimiters are no records.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.delimited.fields import whole_with_returns

_CERTAIN_WIDTH = 4
"""Fields from which on lines in quotes do not look like records by chance."""
LONGEST_RECORD = 1 << 20
"""Bytes. A longer one is taken for a quote that was never closed, or for no table at all."""
_NEWLINE, _RETURN, _QUOTE = b"\n"[0], b"\r"[0], b'"'[0]
_NOTHING = b' \t"'
"""What may stand in a line without content, besides delimiters."""
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
Words = NDArray[np.uint64]
"""A bit for each byte of a text."""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is not a row of this table: where it is, and its text as far as there is any."""

    row: int
    line: int
    code: str
    """wrong_number_of_fields, bad_encoding, broken_quotes, stray_return or repeated_header."""
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
    blank_count: int = 0
    """Lines that were left out because nothing stands in them but delimiters."""


def split(data: bytes, delimiter: bytes, *, final: bool, width: int = 0) -> Records:
    """Cut a text into its records.

    Args:
        data: The text, from the beginning of a record on.
        delimiter: One byte.
        final: Nothing follows, so the last newline may be missing.
        width: How many fields a record has; 0 where that is not known.
    """
    if final and data and not data.endswith(b"\n"):
        data += b"\n"
    buffer = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(buffer == _NEWLINE).astype(np.int32)
    stray = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
    if b'"' not in data:
        if stray and _ends_a_record(_lone(buffer), newlines):
            return _one_by_one(data, delimiter, width, final=final)
        return _cut(data, buffer, newlines, newlines, delimiter, multiline=False)
    quotes = _quoting(buffer, delimiter[0])
    if quotes is None:
        return _one_by_one(data, delimiter, width, final=final)
    ends = newlines
    outside = ~_unpacked(quotes.within, len(buffer)) if quotes.newlines or stray else None
    if outside is not None and quotes.newlines:
        ends = newlines[outside[newlines]]
    longest = int(np.diff(ends, prepend=-1, append=len(data)).max())
    if longest > LONGEST_RECORD or (final and quotes.open_at_end):
        return _one_by_one(data, delimiter, width, final=final)
    if stray and outside is not None and _ends_a_record(_lone(buffer) & outside, ends):
        return _one_by_one(data, delimiter, width, final=final)
    if (
        width > 1
        and len(ends) < len(newlines)
        and _any_swallows(data, newlines, ends, delimiter, width)
    ):
        return _one_by_one(data, delimiter, width, final=final)
    return _cut(data, buffer, newlines, ends, delimiter, multiline=len(ends) < len(newlines))


def _any_swallows(
    data: bytes,
    newlines: NDArray[np.int32],
    ends: NDArray[np.int32],
    delimiter: bytes,
    width: int,
) -> bool:
    """Whether a record of several lines may be as many records after a quote that is astray."""
    if width < _CERTAIN_WIDTH or not len(ends):
        return False
    lines = np.diff(np.searchsorted(newlines, ends), prepend=-1)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return any(
        _swallows(data[starts[index] : ends[index] + 1], delimiter, width)
        for index in np.flatnonzero(lines > 1).tolist()
    )


def _swallows(record: bytes, delimiter: bytes, width: int) -> bool:
    """Whether each line of a record has as many fields as a record."""
    first, *others = record.removesuffix(b"\n").split(b"\n")
    if width < _CERTAIN_WIDTH or not others or first.count(delimiter) != width - 1:
        return False
    return all(line.count(delimiter) == width - 1 for line in others)


def _lone(buffer: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Carriage returns that no newline follows."""
    lone: NDArray[np.bool_] = buffer == _RETURN
    lone[:-1] &= buffer[1:] != _NEWLINE
    return lone


def _ends_a_record(lone: NDArray[np.bool_], ends: NDArray[np.int32]) -> bool:
    """Whether a carriage return stands in a record that is complete."""
    return bool(len(ends) and lone[: ends[-1]].any())


@dataclass(frozen=True, slots=True)
class _Quoting:
    """What well-placed quotes mean for the newlines of a text."""

    within: Words
    """The bytes within quotes."""
    newlines: bool
    """Whether any of them is a newline."""
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
    return _Quoting(within, bool((newlines & within).any()), bool(open_after[-1]))


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
    delimiter: bytes,
    *,
    multiline: bool,
) -> Records:
    """Records that end where `ends` says; empty lines and their carriage returns are left out."""
    consumed = int(ends[-1]) + 1 if len(ends) else 0
    starts = np.empty_like(ends)
    starts[:1], starts[1:] = 0, ends[:-1] + 1
    lines = np.searchsorted(newlines, starts) if multiline else np.arange(len(ends))
    line_count = int(np.searchsorted(newlines, consumed))
    returns = (ends > starts) & (buffer[ends - 1] == _RETURN)
    empty = ends - starts == returns
    blank = _blank(data, buffer, starts, ends - returns, delimiter)
    if len(blank):
        keep = np.ones(consumed, bool)
        for index in blank.tolist():
            keep[starts[index] : ends[index] + 1] = False
        data, kept = buffer[:consumed][keep].tobytes(), np.delete(np.arange(len(ends)), blank)
        sizes = (ends - starts + 1)[kept]
        ends = np.cumsum(sizes, dtype=np.int32) - 1
        starts, buffer = ends - (sizes - 1).astype(np.int32), np.frombuffer(data, np.uint8)
        lines, returns, empty = lines[kept], returns[kept], empty[kept]
    if empty.any() or (returns.any() and not returns.all()):
        dropped = np.concatenate([ends[empty], ends[returns] - 1])
        keep = np.ones(int(ends[-1]) + 1, bool)
        keep[dropped] = False
        moved = np.cumsum(keep, dtype=np.int32) - 1
        data, ends, lines = (
            buffer[: len(keep)][keep].tobytes(),
            moved[ends[~empty]],
            lines[~empty],
        )
    elif consumed < len(data):
        data = data[:consumed]
    count = len(ends)
    return Records(
        data,
        ends,
        np.arange(count),
        lines,
        (),
        count,
        line_count,
        consumed,
        multiline,
        len(blank),
    )


def _blank(
    data: bytes,
    buffer: NDArray[np.uint8],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    delimiter: bytes,
) -> NDArray[np.intp]:
    """Which records hold nothing but delimiters, blanks and quotes, but do hold them."""
    table = np.zeros(256, bool)
    table[[*delimiter, *_NOTHING]] = True
    pattern = _blank_record(delimiter)
    long = np.flatnonzero(table[buffer[starts]])
    long = long[ends[long] > starts[long]]
    first, last = starts[long], ends[long] - 1
    long = long[table[buffer[last]] & table[buffer[(first + last) // 2]]]
    return np.array(
        [i for i in long.tolist() if pattern.fullmatch(data, starts[i], ends[i])],
        np.intp,
    )


@cache
def _record(delimiter: bytes) -> re.Pattern[bytes]:
    """One record with its newline, all of its quotes well placed."""
    stop = re.escape(delimiter) + rb"\n"
    field = rb'(?:"(?:[^"]++|"")*+"(?=[' + stop + rb'\r])|(?!")[^' + stop + rb"]*+)"
    return re.compile(field + rb"(?:" + re.escape(delimiter) + field + rb")*+\r?\n")


@cache
def _blank_record(delimiter: bytes) -> re.Pattern[bytes]:
    """A record without its newline, all of whose cells are empty or blank."""
    stop = rb"[ \t" + re.escape(delimiter) + rb"]"
    return re.compile(rb"(?:" + stop + rb'|"[ \t]*"(?=' + stop + rb"|\Z))*+")


def _one_by_one(data: bytes, delimiter: bytes, width: int, *, final: bool) -> Records:
    """The same where quotes or returns are astray: a line that is unclear is broken by itself."""
    pattern, nothing = _record(delimiter), _blank_record(delimiter)
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    at, line, row, blank = 0, 0, 0, 0
    good: list[bytes] = []
    rows, lines, broken = [], [], []
    while at < len(data):
        match = pattern.match(data, at)
        if match is None and not final and len(data) - at <= LONGEST_RECORD:
            break  # the rest of the record may still come
        wrong = None
        if (
            match is not None
            and match.end() - at <= LONGEST_RECORD
            and not _swallows(match[0], delimiter, width)
        ):
            text = match[0]
            content = _content(text)
            if b"\r" in _QUOTED.sub(b"", content):
                content, wrong = _with_returns_quoted(content, delimiter, width)
                if wrong is not None:  # a broken row is one line
                    text = data[at : data.index(b"\n", at) + 1]
                    content = _content(text)
        else:
            end = data.find(b"\n", at)
            if end < 0:
                break
            text, wrong = data[at : end + 1], _astray
            content = _content(text)
        if wrong is not None:
            broken.append(wrong(row, line, content))
        elif not nothing.fullmatch(content):
            good.append(content + newline)
            rows.append(row)
            lines.append(line)
        counts = wrong is not None or not nothing.fullmatch(content)
        blank += bool(content) and not counts
        row += counts
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
        blank,
    )


def _with_returns_quoted(
    content: bytes, delimiter: bytes, width: int
) -> tuple[bytes, Callable[[int, int, bytes], BrokenRow] | None]:
    """The record with quotes round cells that hold a return; broken unless it is whole so."""
    mark = delimiter.decode()
    cells = whole_with_returns(content.decode("latin-1"), mark, width)
    if cells is None:
        return content, _stray_return
    quoted = [
        '"' + cell.replace('"', '""') + '"' if any(c in cell for c in f'\r\n"{mark}') else cell
        for cell in cells
    ]
    return mark.join(quoted).encode("latin-1"), None


def _content(record: bytes) -> bytes:
    """A record without what ends lines: more returns than one, or behind the newline, as well."""
    return record[:-1].strip(b"\r")


def _astray(row: int, line: int, text: bytes) -> BrokenRow:
    message = "expected quotes round a whole field only, and closed; found others"
    if b'\\"' in text:
        message = 'expected quotes inside quotes to be doubled (""), found a backslash before one'
    return BrokenRow(row, line, "broken_quotes", message, text.decode("utf-8", "replace"))


def _stray_return(row: int, line: int, text: bytes) -> BrokenRow:
    message = (
        "expected a row to end with a newline, found a carriage return in it: "
        "put the cell into quotes, or end the row there"
    )
    return BrokenRow(row, line, "stray_return", message, text.decode("utf-8", "replace"))
