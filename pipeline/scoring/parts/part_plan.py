"""Cutting one file into parts that are read apart and give the records of the whole.

Text is cut at any newline, as if no quoted field held one. Each part tells where its last record
ends; where the next part did not begin just there, that one is read again from there. So the
records are those of a reader that goes from the beginning to the end, whatever is in the quotes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_store import CustomerClustersError
from pipeline.errors import WrongFile
from pipeline.errors import first_line as first_line_of
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.reader import DelimitedReader, TextChunk
from pipeline.reading.delimited.records import LONGEST_RECORD, Records, split
from pipeline.reading.delimited.streams import read_beginning
from pipeline.reading.delimited.text_format import TextFormat
from pipeline.reading.parquet.int96 import unit_of
from pipeline.reading.parquet.reader import BLOCK_ROWS, RowBatch, open_arrow_file

PART_BYTES = 64 << 20
"""Of text, or of the columns of a Parquet file unpacked: about half a million customers."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file: bytes of text, or row groups. The index tells it from all of a run."""

    index: int
    start: int
    end: int
    exact: bool = True
    """Whether a record begins at the start; else the first begins behind the next newline."""
    round: int = 0
    """How often it was read before, from elsewhere."""
    file: int = 0
    """Which file of a data set it is a part of."""
    blocks: tuple[int, int] = (0, 0)
    """From which block of the file to which its digests are asked for."""

    @property
    def name(self) -> str:
        """The name of its files: another one each time it is read again."""
        return f"part-{self.index:05d}" + (f"-{self.round}" if self.round else "")


class CannotSplit(WrongFile):
    """Raised when a file can only be read from its beginning to its end."""


def plan(file: CustomerFile, sample: Path, size: int, part_bytes: int) -> list[Part]:
    """The parts of a file; CannotSplit when it has none.

    `sample` is its beginning, or for Parquet its end; `size` the bytes of the whole.
    """
    reader = file.reader
    if file.format == "parquet":
        return _row_groups(sample, part_bytes)
    if not isinstance(reader, DelimitedReader) or file.facts["kind"] != "delimited text":
        raise CannotSplit(file.path, "is a workbook")
    text = reader.text_format
    utf_8 = text.encoding in ("utf-8", "utf-8-sig")
    if text.packing != "none" or text.line_end != "newline":
        how = text.packing if text.packing != "none" else "carriage returns end its lines"
        raise CannotSplit(file.path, f"is one piece ({how})")
    if not (utf_8 or text.is_single_byte):
        raise CannotSplit(file.path, f"is one piece ({text.encoding})")
    start = _header_bytes(reader, sample)
    count = max(1, -(-(size - start) // part_bytes))
    cuts = [start + (size - start) * number // count for number in range(count + 1)]
    return [Part(i, a, b, exact=i == 0) for i, (a, b) in enumerate(pairwise(cuts))]


def first_line(file: CustomerFile) -> int:
    """The number of the first line behind the header."""
    reader = file.reader
    return reader.dialect.header_lines + 1 if isinstance(reader, DelimitedReader) else 1


class TextRange:
    """The records of a part of a text; after them, `start` and `end` say what was read."""

    def __init__(self, file: BinaryIO, reader: DelimitedReader, part: Part, size: int) -> None:
        self._file, self._path, self._part, self._size = file, reader.path, part, size
        self._text = reader.text_format
        self._delimiter = reader.dialect.delimiter.encode()
        self._width = len(reader.dialect.names)
        self.start, self.end, self.lines = -1, -1, 0
        """Bytes of the file; -1 where no record begins in this part."""

    def pieces(self, size: int) -> Iterator[TextChunk]:
        """Whole records in pieces of bounded size; rows and lines count from 0."""
        if not self._begin():
            return
        rest, row, line = b"", 0, 0
        for chunk in self._text.standardise_chunks(map(self._utf_8, self._own(size))):
            rest += chunk
            records = split(rest, self._delimiter, final=False, width=self._width)
            if not records.consumed and len(rest) > 2 * LONGEST_RECORD:
                self._refuse_long()
            yield TextChunk(records, row, line)
            rest = rest[records.consumed :]
            row, line = row + records.row_count, line + records.line_count
        if rest:
            records = self._last(rest)
            yield TextChunk(records, row, line)
            line += records.line_count
        self.lines = line

    def _begin(self) -> bool:
        """Go to where the first record begins; false when that is not in this part."""
        at = self._part.start
        if not self._part.exact:
            at -= 1
            self._file.seek(at)
            while at < self._part.end:
                chunk = self._file.read(64 << 10)
                found = chunk.find(b"\n")
                if found >= 0:
                    at += found + 1
                    break
                if not chunk:
                    return False
                at += len(chunk)
        if at >= self._part.end:
            return False
        self._file.seek(at)
        self.start = self.end = at
        return True

    def _own(self, size: int) -> Iterator[bytes]:
        """The lines that begin in this part, in pieces."""
        last = self._part.end - 1
        while True:
            chunk = self._file.read(min(size, last - self.end))
            self.end += len(chunk)
            if self.end == last:
                break
            if not chunk:
                raise WrongFile(self._path, f"ends at byte {self.end:,}; it was longer before")
            yield chunk
        line = self._file.readline(2 * LONGEST_RECORD + 1)
        self.end += len(line)
        if len(line) > 2 * LONGEST_RECORD:
            self._refuse_long()
        yield chunk + line

    def _last(self, rest: bytes) -> Records:
        """What is left of this part, with as much behind it as its last record needs."""
        ahead = self._file.read(LONGEST_RECORD + 1)
        final = self.end + len(ahead) >= self._size
        behind = self._text.standardise(self._utf_8(ahead))
        records = split(rest + behind, self._delimiter, final=final, width=self._width)
        own = rest.count(b"\n") + (not rest.endswith(b"\n"))
        kept, lines = _beginning_in(records, own)
        if lines > own:
            over = _end_of_line(behind, lines - own)
            self.end += self._source_bytes(behind[:over])
        return kept

    def _utf_8(self, data: bytes) -> bytes:
        if not self._text.is_single_byte or data.isascii():
            return data
        decoded = data.decode(self._text.codec, "surrogateescape")
        return decoded.encode("utf-8", "surrogateescape")

    def _source_bytes(self, text: bytes) -> int:
        return _encoded_bytes(self._text, text)

    def _refuse_long(self) -> None:
        raise WrongFile(
            self._path,
            f"has a line of more than {LONGEST_RECORD:,} bytes before byte {self.end:,}; "
            "expected rows",
        )


def row_group_pieces(file: BinaryIO, path: Path, unit: str, part: Part) -> Iterator[RowBatch]:
    """The rows of a part of a Parquet file, counted from 0, in the batches of the local reader.

    `unit` is that of timestamps as INT96; it was told from the end of the file where that is all
    that is here, and then may not do.
    """
    read, groups = 0, list(range(part.start, part.end))
    try:
        if unit == "ns" and unit_of(file, path, groups) != unit:
            raise WrongFile(
                path,
                "has timestamps as INT96 that need a look at the whole file; "
                "write them with another type, or score it as a whole",
            )
        with open_arrow_file(file, unit) as table:
            for batch in table.iter_batches(batch_size=BLOCK_ROWS, row_groups=groups):
                yield RowBatch(batch, read)
                read += batch.num_rows
    except CustomerClustersError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise WrongFile(path, f"is damaged ({first_line_of(error)})") from error


def _beginning_in(records: Records, lines: int) -> tuple[Records, int]:
    """The records that begin in the first lines, and how many lines these records take."""
    count = int(np.searchsorted(records.lines, lines))
    broken = tuple(row for row in records.broken if row.line < lines)
    end = int(records.ends[count - 1]) if count else -1
    if count:
        begin = int(records.ends[count - 2]) + 1 if count > 1 else 0
        taken = int(records.lines[count - 1]) + records.data.count(b"\n", begin, end + 1)
        lines = max(lines, taken)
    kept = records._replace(
        data=records.data[: end + 1],
        ends=records.ends[:count],
        rows=records.rows[:count],
        lines=records.lines[:count],
        broken=broken,
        row_count=count + len(broken),
        line_count=lines,
    )
    return kept, lines


def _end_of_line(text: bytes, lines: int) -> int:
    at = 0
    for _ in range(lines):
        found = text.find(b"\n", at)
        if found < 0:  # the last line of the file has no newline
            return len(text)
        at = found + 1
    return at


def _header_bytes(reader: DelimitedReader, sample: Path) -> int:
    """Bytes of the file before its first row."""
    text = reader.text_format
    encoding = None if text.encoding == "unknown" else text.encoding
    start = read_beginning(
        sample, LONGEST_RECORD + (64 << 10), encoding, keep_bytes=text.undecoded
    ).start
    rest, _ = reader.after_header(start)
    return _mark_bytes(text) + _encoded_bytes(text, start[: len(start) - len(rest)])


def _mark_bytes(text: TextFormat) -> int:
    return 3 if text.encoding == "utf-8-sig" else 0


def _encoded_bytes(text: TextFormat, start: bytes) -> int:
    """Bytes that a text has in the file."""
    return len(start.decode("utf-8", "surrogateescape")) if text.is_single_byte else len(start)


def _row_groups(sample: Path, part_bytes: int) -> list[Part]:
    """Neighbouring row groups together, as far as they are small."""
    metadata = pq.read_metadata(sample)
    parts: list[Part] = []
    start, size = 0, 0
    for group in range(metadata.num_row_groups):
        bytes_here = metadata.row_group(group).total_byte_size
        if size and size + bytes_here > part_bytes:
            parts.append(Part(len(parts), start, group))
            start, size = group, 0
        size += bytes_here
    if metadata.num_row_groups > start:
        parts.append(Part(len(parts), start, metadata.num_row_groups))
    return parts
