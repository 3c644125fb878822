"""Opening the sink for an assigned file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from pipeline.errors import WrongFile
from pipeline.reading.customer_file import CustomerFile
from pipeline.scoring.documents import OutputFormat, Summary
from pipeline.scoring.rejects import Reject
from pipeline.scoring.scorer import ScoredBlock, Scorer
from pipeline.scoring.sinks.table import TableSink
from pipeline.scoring.sinks.text import TextSink


class Sink(Protocol):
    """Writes the assigned file, a block at a time."""

    rows: int
    """How many were written, when it is finished."""

    def prepare(self, block: ScoredBlock) -> Any:
        """All the work on a block that any thread can do."""
        ...

    def write(self, prepared: Any) -> None:
        """Write a prepared block; in one thread, in the order of the file."""
        ...

    def add_rejects(self, rejects: Sequence[Reject]) -> None:
        """Take the rejects of a block, after its rows, where the file lists them too."""
        ...

    def add_summary(self, summary: Summary) -> None:
        """Take what was counted of all, before the end, where the file tells of it too."""
        ...

    def finish(self) -> None:
        """Write what comes after the last block."""
        ...


@contextmanager
def open_sink(
    path: Path, file: CustomerFile, scorer: Scorer, output_format: OutputFormat, *, safe: bool
) -> Iterator[Sink]:
    """The sink for an assigned file.

    Args:
        path: The file to write.
        file: The input.
        scorer: What scores the input.
        output_format: The format to write.
        safe: Cells that a spreadsheet would run as a formula get an apostrophe before them.

    Raises:
        WrongFile: The input's columns, or clusters' names, cannot be written in this format; or it
            has more rows than a sheet.
    """
    try:
        if output_format == "xlsx":
            with _workbook(path, file, scorer) as sink:
                yield sink
                sink.finish()
            return
        with path.open("wb") as target:
            sink = make_sink(target, file, scorer, output_format, safe=safe)
            yield sink
            sink.finish()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = str(error).splitlines()[0]
        raise WrongFile(file.path, f"cannot be written as {output_format} ({problem})") from error
    except UnicodeEncodeError as error:
        encoding = file.facts.get("encoding")
        raise WrongFile(
            file.path,
            f"is in {encoding}, which has no letter for a cluster's name; "
            "choose --format parquet, or save the file as UTF-8",
        ) from error


@contextmanager
def _workbook(path: Path, file: CustomerFile, scorer: Scorer) -> Iterator[Sink]:
    from pipeline.scoring.sinks.workbook import WorkbookSink, refuse_oversized
    from pipeline.scoring.writing.workbook import new_workbook

    refuse_oversized(file)
    with new_workbook(path) as book:
        yield WorkbookSink(book, file, scorer)


def make_sink(
    target: BinaryIO, file: CustomerFile, scorer: Scorer, output_format: OutputFormat, *, safe: bool
) -> Sink:
    """A sink that writes to an open file; the arguments are those of `open_sink`."""
    if output_format == "parquet":
        from pipeline.scoring.sinks.parquet import ParquetSink

        return ParquetSink(target, file, scorer)
    if file.format == "csv" and not safe:
        return TextSink(target, file, scorer)
    return TableSink(target, file, scorer, safe=safe)


def needs_all_columns(file: CustomerFile, output_format: OutputFormat, *, safe: bool) -> bool:
    """Whether `open_sink` gives a sink that needs every column, parsed."""
    return output_format != "csv" or file.format != "csv" or safe
