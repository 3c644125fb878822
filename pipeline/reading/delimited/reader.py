"""Delimited text: cut into records once, then only the asked columns are parsed.

A record stays the bytes it was, so what the model does not read passes through untouched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.reading.arrow_numpy import text_column, values_of
from pipeline.reading.blocks import Block, BrokenRow
from pipeline.reading.delimited.dialect import Dialect
from pipeline.reading.delimited.fields import fields_of
from pipeline.reading.delimited.records import LONGEST_RECORD, Records, split
from pipeline.reading.delimited.streams import read_chunks
from pipeline.reading.delimited.text_format import TextFormat

_PARSED_AT_ONCE = 2 << 20
"""Bytes that the parser takes at once; with more it leaves a core's cache."""


class TextChunk(NamedTuple):
    """Records and where they stand in the file."""

    records: Records
    first_row: int
    first_line: int


@dataclass(frozen=True, slots=True)
class DelimitedReader:
    """Reads a text file of a known dialect."""

    path: Path
    text_format: TextFormat
    dialect: Dialect

    def raw(self, size: int) -> Iterator[TextChunk]:
        """Whole records in chunks of bounded size; the header is left out."""
        delimiter = self.dialect.delimiter.encode()
        width = len(self.dialect.names)
        rest, row, line, header = b"", 1, 1, False
        for chunk in read_chunks(self.path, self.text_format, size):
            rest += chunk
            if not header:
                if rest.count(b"\n") < self.dialect.header_lines:
                    continue  # the chunks of some packings are small
                rest, line, header = *self.after_header(rest), True
            records = split(rest, delimiter, final=False, width=width)
            if not records.consumed and len(rest) > 2 * LONGEST_RECORD:
                raise WrongFile(
                    self.path, f"line {line} has more than {LONGEST_RECORD:,} bytes; expected rows"
                )
            yield TextChunk(records, row, line)
            rest = rest[records.consumed :]
            row, line = row + records.row_count, line + records.line_count
        if header and rest:
            yield TextChunk(split(rest, delimiter, final=True, width=width), row, line)

    def parse(self, raw: TextChunk, columns: Sequence[int]) -> Block:
        """Parse the asked columns as text; rows that are not rows of this table are broken."""
        records, broken = _decodable(raw.records)
        names = [str(index) for index in range(len(self.dialect.names))]
        wrong: list[int] = []

        def note(row: Any) -> str:
            wrong.append(row.number - 1)
            return "skip"

        asked = [names[column] for column in self._asked(columns)]
        parsed = _parse(records, self.dialect.delimiter, names, asked, note)
        if parsed is None or len(wrong) + parsed.num_rows != len(records.ends):
            parsed, wrong = self._parse_row_by_row(records, self._asked(columns))
        if self.dialect.extra_field == "trailing":
            parsed, wrong = _without_trailing_content(parsed, names[-1], wrong)
        if wrong:
            broken = [*broken, *(self._wrong_width(records, index) for index in wrong)]
            records = _without(records, np.array(wrong))
        broken = sorted([*broken, *raw.records.broken], key=lambda row: row.row)
        return Block(
            records.rows + raw.first_row,
            records.lines + raw.first_line,
            [parsed.column(position).combine_chunks() for position in range(len(columns))],
            [
                row._replace(row=row.row + raw.first_row, line=row.line + raw.first_line)
                for row in broken
            ],
            _lines(records),
        )

    def after_header(self, text: bytes) -> tuple[bytes, int]:
        """The text behind the header, and the number of its first line."""
        end = _end_of_lines(text, self.dialect.header_lines)
        return text[end:], self.dialect.header_lines + 1

    def _asked(self, columns: Sequence[int]) -> list[int]:
        """The columns to parse: what stands behind the last delimiter has to be nothing."""
        last = len(self.dialect.names) - 1
        checks_last = self.dialect.extra_field == "trailing" and last not in columns
        return [*columns, last] if checks_last else list(columns)

    def _wrong_width(self, records: Records, index: int) -> BrokenRow:
        text = _text_of(records, index).decode()
        count = len(fields_of(text, self.dialect.delimiter) or [])
        expected = len(self.dialect.names)
        message = f"expected {expected} fields, found {count or 'others'}"
        if count == expected:
            message = f"expected nothing behind the last {self.dialect.delimiter!r}, found a value"
        row, line = int(records.rows[index]), int(records.lines[index])
        return BrokenRow(row, line, "wrong_number_of_fields", message, text)

    def _parse_row_by_row(
        self, records: Records, columns: Sequence[int]
    ) -> tuple[pa.Table, list[int]]:
        """For text on which the fast parser counts other rows than there are records."""
        rows, wrong = [], []
        for index in range(len(records.ends)):
            fields = fields_of(_text_of(records, index).decode(), self.dialect.delimiter)
            if fields is not None and len(fields) == len(self.dialect.names):
                rows.append([fields[column] for column in columns])
            else:
                wrong.append(index)
        cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        arrays = [text_column(column) for column in cells]
        return pa.Table.from_arrays(arrays, [str(column) for column in columns]), wrong


def _end_of_lines(text: bytes, lines: int) -> int:
    """Where the first lines of a text end; its end where it has fewer."""
    newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == b"\n"[0])
    return int(newlines[lines - 1]) + 1 if len(newlines) >= lines else len(text)


def _without_trailing_content(
    parsed: pa.Table, last: str, wrong: list[int]
) -> tuple[pa.Table, list[int]]:
    """The rows whose last field is empty; the others are wrong as well."""
    cells = pc.utf8_trim_whitespace(parsed.column(last).combine_chunks())
    empty = pc.equal(cells, text_column([""])[0])
    full = np.flatnonzero(~values_of(empty))
    if not len(full):
        return parsed, wrong
    right = np.delete(np.arange(parsed.num_rows + len(wrong)), wrong)
    return parsed.filter(empty), sorted([*wrong, *right[full].tolist()])


def _parse(
    records: Records, delimiter: str, names: list[str], asked: list[str], note: Any
) -> pa.Table | None:
    if not len(records.ends):
        return pa.Table.from_arrays([text_column([]) for _ in asked], asked)
    try:
        return pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(records.data)),
            read_options=pa.csv.ReadOptions(
                use_threads=False, column_names=names, block_size=_PARSED_AT_ONCE
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=records.multiline,
                invalid_row_handler=note,
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=asked,
                column_types=dict.fromkeys(asked, pa.string()),
                check_utf8=False,  # the whole text was checked
            ),
        )
    except pa.ArrowInvalid:
        return None


def _decodable(records: Records) -> tuple[Records, list[BrokenRow]]:
    """The records that are UTF-8, and the others."""
    if records.data.isascii() or _is_utf_8(records.data):
        return records, []
    broken = []
    for index in range(len(records.ends)):
        text = _text_of(records, index)
        if not _is_utf_8(text):
            shown = text.decode("utf-8", "replace")
            message = "expected UTF-8 as in other rows, found other bytes (--encoding says another)"
            row, line = int(records.rows[index]), int(records.lines[index])
            broken.append((index, BrokenRow(row, line, "bad_encoding", message, shown)))
    return _without(records, np.array([index for index, _ in broken])), [row for _, row in broken]


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _starts(records: Records) -> NDArray[np.int32]:
    starts = np.zeros(len(records.ends), np.int32)
    starts[1:] = records.ends[:-1] + 1
    return starts


def _text_of(records: Records, index: int) -> bytes:
    start = int(records.ends[index - 1]) + 1 if index else 0
    return records.data[start : int(records.ends[index])].rstrip(b"\r")


def _without(records: Records, dropped: NDArray[Any]) -> Records:
    """The records but some, as one text again."""
    if not len(dropped):
        return records
    keep = np.ones(len(records.ends), bool)
    keep[dropped] = False
    starts = _starts(records)
    kept = [
        records.data[start : end + 1]
        for start, end in zip(starts[keep].tolist(), records.ends[keep].tolist(), strict=True)
    ]
    ends = np.cumsum(records.ends[keep] - starts[keep] + 1, dtype=np.int32) - 1
    return records._replace(
        data=b"".join(kept),
        ends=ends,
        rows=records.rows[keep],
        lines=records.lines[keep],
    )


def _lines(records: Records) -> pa.StringArray:
    """Each record with the newline before it, the first without: nothing is copied."""
    data, ends = records.data, records.ends
    if not len(ends):
        return text_column([])
    offsets = np.zeros(len(ends) + 1, np.int32)
    # carriage returns stand before all newlines or before none
    offsets[1:] = ends - 1 if data[int(ends[0]) - 1 : int(ends[0])] == b"\r" else ends
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
