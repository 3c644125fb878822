"""Scoring one part of a file, in whatever process: its assigned rows, rejects and counts.

The same part gives the same bytes under the same names. So a task that is done twice, at once or
after its worker died, writes what is there already, and nothing is doubled or lost.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

import pyarrow as pa

from pipeline.errors import WrongFile
from pipeline.hashing import digest_of_block
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.reader import DelimitedReader, TextChunk
from pipeline.reading.delimited.records import split
from pipeline.reading.delimited.streams import CHUNK
from pipeline.reading.parquet.reader import ParquetReader, RowBatch
from pipeline.scoring.documents import OutputFormat
from pipeline.scoring.parts.locations import WORKING, Source, Target
from pipeline.scoring.parts.part_plan import Part, TextRange, row_group_pieces
from pipeline.scoring.rejects import Reject
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.sinks.open import needs_all_columns, open_sink
from pipeline.scoring.spec import Options, ScoringSpec
from pipeline.scoring.summary.repeated_ids import RepeatedIds
from pipeline.scoring.summary.tally import Tally
from pipeline.scoring.summary.tally_codec import encode_tally


@dataclass(frozen=True, slots=True)
class PartResult:
    """What became of a part."""

    index: int
    round: int
    start: int
    """Where its first record begins; -1 when none does. For Parquet the first row group."""
    end: int
    """Where its last record ends."""
    rows: int
    lines: int
    bytes: int
    """Of its assigned rows; 0 when it has no rows and left no file."""
    rejected: int
    digests: Sequence[str] = ()
    """Of the blocks that were asked for."""
    refused: str = ""
    """The problem for which the whole file has to be refused."""


@dataclass(frozen=True, slots=True)
class PartTask:
    """What all parts of a run have in common."""

    model: ClusterModel
    files: Sequence[CustomerFile]
    """One, or those of a data set, which have the same columns."""
    sources: Sequence[Source]
    """Of each file."""
    target: Target
    format: OutputFormat
    options: Options

    @classmethod
    def of(
        cls,
        spec: ScoringSpec,
        files: Sequence[CustomerFile],
        sources: Sequence[Source],
        target: Target,
    ) -> Self:
        """What the parts of these files have in common."""
        written: OutputFormat = spec.options.format or files[0].format
        return cls(spec.model, files, sources, target, written, spec.options)

    def assigned(self, part: str) -> str:
        """The name of the assigned rows of a part."""
        return f"assigned.{self.format}/{part}.{self.format}"

    def scorer(self, file: CustomerFile) -> Scorer:
        """What scores the rows of a file."""
        every = needs_all_columns(file, self.format, safe=self.options.safe_csv)
        return Scorer(self.model, file, self.options, all_columns=every)

    def score(self, part: Part) -> PartResult:
        """Score a part and write what comes of it."""
        try:
            with self.sources[part.file].open() as stream:
                result = self._score(part, stream)
                digests = [digest_of_block(stream, block) for block in range(*part.blocks)]
                return dataclasses.replace(result, digests=digests)
        except WrongFile as error:
            return PartResult(part.index, part.round, -1, -1, 0, 0, 0, 0, refused=error.problem)

    def _score(self, part: Part, stream: BinaryIO) -> PartResult:
        file = self.files[part.file]
        reader, scorer = file.reader, self.scorer(file)
        span = None
        if isinstance(reader, DelimitedReader):
            span = TextRange(stream, reader, part, self.sources[part.file].size)
        tally, rows, ids = Tally.empty(self.model), 0, RepeatedIds()
        with self.target.staged(self.assigned(part.name)) as path:
            with (
                self.target.staged(rejects_of(part.name)) as aside,
                aside.open("w", encoding="utf-8") as rejects,
                open_sink(path, file, scorer, self.format, safe=self.options.safe_csv) as sink,
                ids,
                self.target.staged(ids_of(part.name)) as compared,
            ):
                pieces = span.pieces(CHUNK) if span else _row_groups(stream, file, part)
                for piece in _one_at_least(pieces, file):
                    block = reader.parse(piece, scorer.columns)
                    scored = scorer.score(block)
                    sink.write(sink.prepare(scored))
                    rejects.writelines(_line_of(reject) for reject in scored.rejects)
                    tally.add(scored.tally)
                    ids.add(scored.ids)
                    rows += block.row_count
                compared.write_bytes(ids.encode())
            if not rows:
                path.unlink()
            written = path.stat().st_size if rows else 0
        rejected = tally.rejected.total()
        assigned = int(tally.customers.sum())
        if assigned + rejected != rows or sink.rows != assigned:
            raise AssertionError(f"{part.name}: {rows} rows read, other numbers counted or written")
        with self.target.staged(tally_of(part.name)) as aside:
            aside.write_bytes(encode_tally(tally))
        if span is None:
            return PartResult(
                part.index, part.round, part.start, part.end, rows, 0, written, rejected
            )
        return PartResult(
            part.index, part.round, span.start, span.end, rows, span.lines, written, rejected
        )


def tally_of(part: str) -> str:
    """The name of what was counted in a part."""
    return f"{WORKING}/{part}.tally.npz"


def ids_of(part: str) -> str:
    """The name of what is compared of a part's ids."""
    return f"{WORKING}/{part}.ids"


def rejects_of(part: str) -> str:
    """The name of a part's rejects, one in JSON a line; rows and lines count from 0."""
    return f"{WORKING}/{part}.rejects.jsonl"


def rejects_in(content: bytes, first_row: int, first_line: int) -> Iterator[Reject]:
    """The rejects of a part; its rows and lines get the numbers that they have in the file."""
    for line in content.splitlines():
        reject = Reject(*json.loads(line))
        line_number = None if reject.line is None else reject.line + first_line
        yield dataclasses.replace(reject, row=reject.row + first_row, line=line_number)


def _row_groups(stream: BinaryIO, file: CustomerFile, part: Part) -> Iterator[RowBatch]:
    assert isinstance(file.reader, ParquetReader)
    return row_group_pieces(stream, file.path, file.reader.unit, part)


def _line_of(reject: Reject) -> str:
    return json.dumps(dataclasses.astuple(reject)) + "\n"


def _one_at_least(pieces: Iterator[Any], file: CustomerFile) -> Iterator[Any]:
    """The pieces, or an empty one: a sink has to see what it writes."""
    first = next(pieces, None)
    if first is not None:
        yield first
        yield from pieces
    elif isinstance(file.reader, DelimitedReader):
        yield TextChunk(split(b"", file.reader.dialect.delimiter.encode(), final=True), 0, 0)
    else:
        yield RowBatch(pa.RecordBatch.from_pylist([], schema=file.schema), 0)
