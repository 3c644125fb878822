"""The engine: one input file read, checked, assigned, written and summarised in an empty folder."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.streams import CHUNK
from pipeline.reading.file_state import checked_afterwards
from pipeline.reading.open import open_customers
from pipeline.scoring.documents import InputIdentity, OutputFormat, ScoredRows, Summary
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parallel import map_in_order
from pipeline.scoring.rejects import Reject, RejectWriter, reject_writer
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.sinks.open import Sink, needs_all_columns, open_sink
from pipeline.scoring.spec import Options, Progress, ScoringSpec
from pipeline.scoring.summary.repeated_ids import RepeatedIds
from pipeline.scoring.summary.summary import summarise
from pipeline.scoring.summary.tally import Tally
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.outputs import outputs


def score_rows(
    folder: Path,
    source: InputFile,
    spec: ScoringSpec,
    progress: Progress = lambda rows: None,
    *,
    chunk: int = CHUNK,
) -> ScoredRows:
    """Write a file's assigned rows and its rejects into an empty folder.

    Args:
        folder: Where the results go; an empty folder.
        source: The file.
        spec: What it is scored with.
        progress: Called with the number of rows read so far; what it raises ends the run.
        chunk: How many bytes of a text are read at once: a few of them are in memory.

    Returns:
        What the other files of the run follow from.

    Raises:
        WrongFile: The file is refused.
        Temporary: The file was written to while it was read.
    """
    model, options = spec.model, spec.options
    source.start_hashing()
    with checked_afterwards(source.refuse_changed):
        with ExitStack() as stack:
            with refuse_unreadable(source.path):
                file = stack.enter_context(open_for(model, source.path, options))
            written: OutputFormat = options.format or file.format
            safe = options.safe_csv
            names = outputs(written)
            every = needs_all_columns(file, written, safe=safe)
            scorer = Scorer(model, file, options, all_columns=every)
            assigned = folder / names["assigned"]
            dialect = CsvDialect.of(file.facts)
            writer = reject_writer(folder / names["rejected"], safe=safe, dialect=dialect)
            rejects = stack.enter_context(writer)
            ids = stack.enter_context(RepeatedIds())
            with open_sink(assigned, file, scorer, written, safe=safe) as sink:
                tally = _write_rows(file, chunk, scorer, sink, rejects, ids, progress)
                summary = summarise(model, tally, ids.summary(), options.challenger)
                sink.add_summary(summary)
        counted = int(tally.customers.sum()), tally.rejected.total()
        if (sink.rows, rejects.rows) != counted:
            raise AssertionError(f"{source.path}: {counted} rows counted, another number written")
        most = options.max_rejected_share
        refuse_too_many_rejects(source.path, summary, most, lambda: rejects.first)
        facts = source.facts
    size = {names["assigned"]: assigned.stat().st_size}
    return scored_rows(facts, scorer, written, summary, size)


def open_for(
    model: ClusterModel, path: Path, options: Options
) -> AbstractContextManager[CustomerFile]:
    """Open a file for a model; its bytes stay what they are where the same are written."""
    contracts = [model.contract]
    if options.challenger is not None:
        contracts.append(options.challenger.model.contract)
    decoded = options.format in ("parquet", "xlsx") or options.safe_csv
    keep = not decoded and all(contract.ascii for contract in contracts)
    return open_customers(path, model.contract, options.reading, keep_bytes=keep)


def scored_rows(
    facts: InputIdentity,
    scorer: Scorer,
    written: OutputFormat,
    summary: Summary,
    sizes: Mapping[str, int],
) -> ScoredRows:
    """What an engine answers.

    Args:
        facts: The input's name, identity and bytes.
        scorer: What scored it.
        written: The format of the assigned rows.
        summary: What was counted.
        sizes: The files of assigned rows, and the bytes of each.
    """
    return {
        "input": {**facts, **scorer.file.facts},
        "format": written,
        "columns": scorer.appended,
        "summary": summary,
        "assigned": dict(sizes),
    }


def _write_rows(
    file: CustomerFile,
    chunk: int,
    scorer: Scorer,
    sink: Sink,
    rejects: RejectWriter,
    ids: RepeatedIds,
    progress: Progress,
) -> Tally:
    """Read in one thread, parse and score in others, write in this one, in order."""

    def work(raw: Any) -> tuple[int, Any, Any, Any, Any]:
        block = file.reader.parse(raw, scorer.columns)
        scored = scorer.score(block)
        return block.row_count, scored.rejects, scored.tally, scored.ids, sink.prepare(scored)

    tally, read = Tally.empty(scorer.model), 0
    for rows, refused, counted, found, shaped in map_in_order(work, _raw(file, chunk)):
        sink.write(shaped)
        rejects.write(refused)
        sink.add_rejects(refused)
        tally.add(counted)
        ids.add(found)
        read += rows
        progress(read)
    if int(tally.customers.sum()) + tally.rejected.total() != read:
        raise AssertionError(f"{file.path}: {read} rows read, another number counted")
    if not read:
        raise WrongFile(file.path, "has a header but no customers")
    return tally


def _raw(file: CustomerFile, chunk: int) -> Iterator[Any]:
    """The file's blocks; an error of reading names the file, not the results."""
    with refuse_unreadable(file.path):
        yield from file.reader.raw(chunk)


def refuse_too_many_rejects(
    path: object, summary: Summary, most: float, first: Callable[[], Reject | None]
) -> None:
    """WrongFile when more of a file's rows are rejects than may be; it shows the first one."""
    rejected, rows = summary["rows_rejected"], summary["rows_in"]
    if rejected > most * rows:
        reasons = ", ".join(f"{why}: {n:,}" for why, n in list(summary["rejected_for"].items())[:3])
        example = first()
        shown = ""
        if example is not None:
            line = "" if example.line is None else f" (line {example.line})"
            shown = f", first in row {example.row}{line}: {example.reason}"
        raise WrongFile(
            path,
            f"{rejected:,} of {rows:,} rows cannot be scored ({reasons}){shown}; "
            f"at most {most:.0%} may be (option max_rejected_share)",
        )
