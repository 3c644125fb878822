"""Scoring one large file in parts, by whatever runs them, into what one machine would have written.

The rows stay where the parts are scored. What comes back of each part is a line; its counts and
rejects are read one part after the other, so that memory does not grow with the file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from model_store import NotFound, Temporary
from pipeline.errors import WrongFile
from pipeline.reading.file_state import checked_afterwards
from pipeline.scoring.documents import InputIdentity, ScoredRows
from pipeline.scoring.engine import refuse_too_many_rejects, scored_rows
from pipeline.scoring.parallel import map_in_order
from pipeline.scoring.parts.inspection import InspectedFile, inspect
from pipeline.scoring.parts.locations import NOT_SHARED, WORKING, Target
from pipeline.scoring.parts.part import (
    PartResult,
    PartTask,
    ids_of,
    rejects_in,
    rejects_of,
    tally_of,
)
from pipeline.scoring.parts.part_plan import PART_BYTES, Part
from pipeline.scoring.parts.shared_input import SharedInput
from pipeline.scoring.rejects import Reject, reject_writer
from pipeline.scoring.spec import ScoringSpec
from pipeline.scoring.summary.repeated_ids import RepeatedIds
from pipeline.scoring.summary.summary import summarise
from pipeline.scoring.summary.tally import Tally
from pipeline.scoring.summary.tally_codec import add_encoded, empty_total
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.outputs import outputs

_DELETING = 8
Runner = Callable[[PartTask, Sequence[Part]], Sequence[PartResult]]
"""Does each of the parts at least once, in any order."""


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """A part that was scored, and where its first row and line stand."""

    result: PartResult
    file: int
    row: int
    """Counted through all files."""
    line: int
    """Of its own file."""

    @property
    def name(self) -> str:
        """The name of its files, as `Part.name`."""
        return Part(self.result.index, 0, 0, round=self.result.round).name


def score_in_parts(
    run: Runner,
    shared: SharedInput,
    spec: ScoringSpec,
    target: Target,
    folder: Path,
    part_bytes: int = PART_BYTES,
) -> ScoredRows:
    """Write an input's assigned rows and its rejects; return what the other files follow from.

    Args:
        run: What does the parts.
        shared: The input.
        spec: What it is scored with.
        target: Where workers write the assigned rows, and all else until the run is concluded.
        folder: Where everything else that belongs to the run goes; it may be the same place.
        part_bytes: How large parts are, about.

    Raises:
        CannotSplit: The input has no parts.
        WrongFile: The input is refused.
        Temporary: A part could not be scored.
    """
    model, options = spec.model, spec.options
    with checked_afterwards(shared.refuse_changed):
        inspected = inspect(shared, model, options, part_bytes)
        files = [each.file for each in inspected]
        task = PartTask.of(spec, files, shared.sources, target)
        file_format = task.format
        results, digests = _run_all(run, task, inspected)
        placed = _placed(results, inspected)
        tally = _total(task, placed)
        with RepeatedIds() as ids:
            _add_ids(ids, task, placed)
            summary = summarise(model, tally, ids.summary(), options.challenger)
        if not summary["rows_in"]:
            raise WrongFile(shared.address, "has a header but no customers")
        refuse_too_many_rejects(
            shared.address, summary, options.max_rejected_share, lambda: _first_reject(task, placed)
        )
        _write_rejects(folder / outputs(file_format)["rejected"], task, placed, shared.files)
        assigned = {task.assigned(it.name): it.result.bytes for it in placed if it.result.bytes}
        _leave_only(target, assigned, f"assigned.{file_format}")
        facts = _facts(shared, shared.identity_by(digests), placed)
    return scored_rows(facts, task.scorer(files[0]), file_format, summary, assigned)


def _facts(shared: SharedInput, identity: str, placed: Sequence[PlacedPart]) -> InputIdentity:
    facts: InputIdentity = {"name": shared.name, "identity": identity, "bytes": shared.bytes}
    if not shared.files:
        return facts
    rows = [0] * len(shared.files)
    for part in placed:
        rows[part.file] += part.result.rows
    first = [1 + sum(rows[:file]) for file in range(len(rows))]
    columns = zip(shared.files, shared.sources, first, rows, strict=True)
    facts["files"] = [
        {"name": name, "bytes": source.size, "first_row": row, "rows": count}
        for name, source, row, count in columns
    ]
    return facts


def _run_all(
    run: Runner, task: PartTask, inspected: Sequence[InspectedFile]
) -> tuple[list[PartResult], dict[tuple[int, int], str]]:
    """What came of every part, once each begins where the one before it ends.

    And the digests that they took on the way, by the file and its block.
    """
    parts = [part for file in inspected for part in file.parts]
    results: dict[int, PartResult] = {}
    digests: dict[tuple[int, int], str] = {}
    refused: dict[int, PartResult] = {}
    todo = parts
    while todo:
        asked = {part.index: part for part in todo}
        for result in run(task, todo):
            part = parts[result.index]
            if result.refused and inspected[part.file].file.format == "parquet":
                raise WrongFile(task.sources[part.file].address, result.refused)
            if result.refused:  # which counts if it began where a record does
                results.pop(result.index, None)
                refused[result.index] = replace(result, start=asked[result.index].start)
                continue
            results[result.index] = result
            for block, digest in zip(range(*part.blocks), result.digests, strict=False):
                digests[part.file, block] = digest
        texts = [file for file in inspected if file.file.format != "parquet"]
        todo = [part for text in texts for part in _to_read_again(text, results, refused)]
    return [results[part.index] for part in parts if part.index in results], digests


def _placed(results: Sequence[PartResult], inspected: Sequence[InspectedFile]) -> list[PlacedPart]:
    """The parts in their order, each told where it stands."""
    file_of = {part.index: part.file for each in inspected for part in each.parts}
    placed, row = [], 1
    for file, results_of_file in groupby(results, key=lambda part: file_of[part.index]):
        line = inspected[file].first_line
        for part in results_of_file:
            placed.append(PlacedPart(part, file, row, line))
            row, line = row + part.rows, line + part.lines
    return placed


def _to_read_again(
    text: InspectedFile, results: dict[int, PartResult], refused: Mapping[int, PartResult]
) -> list[Part]:
    """The parts to be read again from where the one before them ends.

    A part in which no record begins, because one goes through all of it, is left out. WrongFile
    where a part refuses the file that began where a record does: any other may have begun within
    quotes, and have taken their text for rows.
    """
    again: list[Part] = []
    at = text.parts[0].start
    for part in text.parts:
        result, refusal = results.get(part.index), refused.get(part.index)
        if at >= part.end:
            results.pop(part.index, None)
        elif result is None and refusal is not None and refusal.start == at and not again:
            raise WrongFile(text.address, refusal.refused)
        elif result is None or result.start != at:
            last = result or refusal
            before = last.round if last else part.round
            again.append(replace(part, start=at, exact=True, round=before + 1, blocks=(0, 0)))
            at = part.end if result is None or result.end < 0 else result.end
        else:
            at = result.end
    return again


def _total(task: PartTask, placed: Sequence[PlacedPart]) -> Tally:
    """One part after the other, in the order of the rows."""

    def counted(part: PlacedPart) -> bytes:
        assigned = task.assigned(part.name)
        if part.result.bytes and task.target.size(assigned) != part.result.bytes:
            raise Temporary("find", assigned, NOT_SHARED)
        return _working(task, tally_of(part.name))

    tally = empty_total(task.model)
    for part, content in zip(placed, map_in_order(counted, placed), strict=True):
        add_encoded(tally, content, part.row)
    rows = sum(part.result.rows for part in placed)
    if int(tally.customers.sum()) + tally.rejected.total() != rows:
        raise AssertionError(f"{task.files[0].path}: {rows} rows read, another number counted")
    return tally


def _add_ids(ids: RepeatedIds, task: PartTask, placed: Sequence[PlacedPart]) -> None:
    """One part after the other; none where there are too many to be compared."""
    for part in placed:
        if not ids.too_many:
            ids.add_encoded(_working(task, ids_of(part.name)), part.row)


def _first_reject(task: PartTask, placed: Sequence[PlacedPart]) -> Reject | None:
    first = next((part for part in placed if part.result.rejected), None)
    return None if first is None else next(_rejects_of(task, first), None)


def _rejects_of(task: PartTask, part: PlacedPart) -> Iterator[Reject]:
    return rejects_in(_working(task, rejects_of(part.name)), part.row, part.line)


def _write_rejects(
    path: Path, task: PartTask, placed: Sequence[PlacedPart], names: Sequence[str]
) -> None:
    leading, dialect = ["file"] if names else [], CsvDialect.of(task.files[0].facts)
    with reject_writer(path, *leading, safe=task.options.safe_csv, dialect=dialect) as writer:
        for part in placed:
            if part.result.rejected:
                of = [names[part.file]] if names else []
                writer.write(_rejects_of(task, part), *of)


def _working(task: PartTask, name: str) -> bytes:
    """What a worker left for the driver; Temporary when another driver of the same run ended it."""
    try:
        return task.target.read(name)
    except NotFound as error:
        raise Temporary("find", name, "another run over the same input removed it") from error


def _leave_only(target: Target, assigned: Mapping[str, int], folder: str) -> None:
    """Remove what is not of this run: parts that were misread, and those of a run that died."""
    names = [f"{inner}/{name}" for inner in (folder, WORKING) for name in target.names(inner)]
    with ThreadPoolExecutor(_DELETING) as pool:
        list(pool.map(target.delete, [name for name in names if name not in assigned]))
