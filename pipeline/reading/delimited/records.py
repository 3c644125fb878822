"""Cutting delimited text into records, without parsing what is in them.

A record ends at a newline outside quotes. Quotes count only where RFC 4180 lets them stand: round a
whole field, doubled inside it. A line with other quotes costs itself and not its neighbours. No two
programs agree on what a carriage return outside quotes is: the cell gets quotes where the record is
whole with it, else the line is broken.
Lines in which nothing stands but delimiters are no records.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.blocks import BrokenRow
from pipeline.reading.delimited.fields import fields_with_returns
from pipeline.reading.delimited.quotes import quoting_of

_CERTAIN_WIDTH = 4
"""Fields from which on lines in quotes do not look like records by chance."""
LONGEST_RECORD = 1 << 20
"""Bytes. A longer one is taken for a quote that was never closed, or for no table at all."""
_NEWLINE, _RETURN = b"\n"[0], b"\r"[0]
_NOTHING = b' \t"'
"""What may stand in a line without content, besides delimiters."""
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_Positions = NDArray[np.int32]
_Breakage = Callable[[int, int, bytes], BrokenRow]
"""Makes a broken row of its number, its line and its text: the reason is the function's own."""


class Records(NamedTuple):
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
    ends = _ends(data, buffer, newlines, delimiter, width, final=final)
    if ends is None:
        return _split_line_by_line(data, delimiter, width, final=final)
    return _records_at(data, buffer, newlines, ends, delimiter)


def _ends(
    data: bytes,
    buffer: NDArray[np.uint8],
    newlines: _Positions,
    delimiter: bytes,
    width: int,
    *,
    final: bool,
) -> _Positions | None:
    """Where records end; None where quotes or returns are astray."""
    stray = b"\r" in data and data.count(b"\r") != data.count(b"\r\n")
    if b'"' not in data:
        return None if stray and _ends_a_record(_lone_returns(buffer), newlines) else newlines
    quoting = quoting_of(buffer, delimiter[0])
    if quoting is None or (final and quoting.open_at_end):
        return None
    ends = newlines
    outside = quoting.outside() if quoting.has_newlines or stray else None
    if outside is not None and quoting.has_newlines:
        ends = newlines[outside[newlines]]
    if int(np.diff(ends, prepend=-1, append=len(data)).max()) > LONGEST_RECORD:
        return None
    if stray and outside is not None and _ends_a_record(_lone_returns(buffer) & outside, ends):
        return None
    if len(ends) < len(newlines) and _any_swallows(data, newlines, ends, delimiter, width):
        return None
    return ends


def _any_swallows(
    data: bytes,
    newlines: _Positions,
    ends: _Positions,
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


def _lone_returns(buffer: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Carriage returns that no newline follows."""
    lone: NDArray[np.bool_] = buffer == _RETURN
    lone[:-1] &= buffer[1:] != _NEWLINE
    return lone


def _ends_a_record(lone: NDArray[np.bool_], ends: _Positions) -> bool:
    """Whether a carriage return stands in a record that is complete."""
    return bool(len(ends) and lone[: ends[-1]].any())


def _records_at(
    data: bytes,
    buffer: NDArray[np.uint8],
    newlines: _Positions,
    ends: _Positions,
    delimiter: bytes,
) -> Records:
    """Records that end where `ends` says, without those in which nothing stands."""
    multiline = len(ends) < len(newlines)
    consumed = int(ends[-1]) + 1 if len(ends) else 0
    starts = _starts(ends)
    lines = np.searchsorted(newlines, starts) if multiline else np.arange(len(ends))
    line_count = int(np.searchsorted(newlines, consumed))
    returns = (ends > starts) & (buffer[ends - 1] == _RETURN)
    blank = _blank(data, buffer, starts, ends - returns, delimiter)
    if len(blank):
        data, ends = _without_records(buffer[:consumed], starts, ends, blank)
        buffer, starts = np.frombuffer(data, np.uint8), _starts(ends)
        lines, returns = np.delete(lines, blank), np.delete(returns, blank)
    elif consumed < len(data):
        data, buffer = data[:consumed], buffer[:consumed]
    empty = ends - starts == returns
    if empty.any() or (returns.any() and not returns.all()):
        data, moved = _without_bytes(buffer, np.concatenate([ends[empty], ends[returns] - 1]))
        ends, lines = moved[ends[~empty]], lines[~empty]
    count = len(ends)
    rows = np.arange(count)
    return Records(data, ends, rows, lines, (), count, line_count, consumed, multiline, len(blank))


def _starts(ends: _Positions) -> _Positions:
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + 1
    return starts


def _without_records(
    buffer: NDArray[np.uint8], starts: _Positions, ends: _Positions, dropped: NDArray[np.intp]
) -> tuple[bytes, _Positions]:
    """The text without some records, and where the others end in it."""
    keep = np.ones(len(buffer), bool)
    for index in dropped.tolist():
        keep[starts[index] : ends[index] + 1] = False
    sizes = np.delete(ends - starts + 1, dropped)
    return buffer[keep].tobytes(), np.cumsum(sizes, dtype=np.int32) - 1


def _without_bytes(buffer: NDArray[np.uint8], dropped: _Positions) -> tuple[bytes, _Positions]:
    """The text without some bytes, and for each byte of the old one where it is in the new one."""
    keep = np.ones(len(buffer), bool)
    keep[dropped] = False
    return buffer[keep].tobytes(), np.cumsum(keep, dtype=np.int32) - 1


def _blank(
    data: bytes,
    buffer: NDArray[np.uint8],
    starts: _Positions,
    ends: _Positions,
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


def _split_line_by_line(data: bytes, delimiter: bytes, width: int, *, final: bool) -> Records:
    """`split` where quotes or returns are astray: a line that is unclear is broken by itself."""
    blank_record = _blank_record(delimiter)
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    good: list[bytes] = []
    rows, lines, broken = [], [], []
    row = line = consumed = blank_count = 0
    for text, content, breakage in _records_or_lines(data, delimiter, width, final=final):
        if breakage is not None:
            broken.append(breakage(row, line, content))
            row += 1
        elif not blank_record.fullmatch(content):
            good.append(content + newline)
            rows.append(row)
            lines.append(line)
            row += 1
        elif content:
            blank_count += 1
        line += text.count(b"\n")
        consumed += len(text)
    return Records(
        b"".join(good),
        np.cumsum([len(text) for text in good], dtype=np.int32) - 1,
        np.array(rows, np.int64),
        np.array(lines, np.int64),
        tuple(broken),
        row,
        line,
        consumed,
        True,
        blank_count,
    )


def _records_or_lines(
    data: bytes, delimiter: bytes, width: int, *, final: bool
) -> Iterator[tuple[bytes, bytes, _Breakage | None]]:
    """Each record with its newline and without; a broken one is a line, and what is wrong."""
    pattern, position = _record(delimiter), 0
    while position < len(data):
        match = pattern.match(data, position)
        if match is None and not final and len(data) - position <= LONGEST_RECORD:
            return  # the rest of the record may still come
        breakage: _Breakage | None = _broken_quotes
        if (
            match is not None
            and match.end() - position <= LONGEST_RECORD
            and not _swallows(match[0], delimiter, width)
        ):
            text = match[0]
            content, breakage = _with_returns_quoted(_content(text), delimiter, width)
        if breakage is not None:
            end = data.find(b"\n", position)
            if end < 0:
                return
            text = data[position : end + 1]
            content = _content(text)
        yield text, content, breakage
        position += len(text)


def _with_returns_quoted(
    content: bytes, delimiter: bytes, width: int
) -> tuple[bytes, _Breakage | None]:
    """A record with quotes round cells that hold a return; broken unless it is whole so."""
    if b"\r" not in content or b"\r" not in _QUOTED.sub(b"", content):
        return content, None
    separator = delimiter.decode()
    cells = fields_with_returns(content.decode("latin-1"), separator, width)
    if cells is None:
        return content, _stray_return
    special = f'\r\n"{separator}'
    quoted = [
        '"' + cell.replace('"', '""') + '"' if any(c in cell for c in special) else cell
        for cell in cells
    ]
    return separator.join(quoted).encode("latin-1"), None


def _content(record: bytes) -> bytes:
    """A record without what ends lines: more returns than one, or behind the newline, as well."""
    return record[:-1].strip(b"\r")


def _broken_quotes(row: int, line: int, text: bytes) -> BrokenRow:
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
