"""Scoring one large file in parts, by whatever runs them, into what one machine would have written.

The rows stay where the parts are scored. What comes back of each part is a line; its counts and
rejects are read one part after the other, so that memory does not grow with the file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.file_state import checked_afterwards
from pipeline.scoring.engine import conclude, outputs, refuse_too_many_rejects
from pipeline.scoring.parallel import map_in_order
from pipeline.scoring.parts.data import Data, InspectedFile, look_at
from pipeline.scoring.parts.part import (
    WORKING,
    PartResult,
    PartTask,
    ids_of,
    rejects_in,
    rejects_of,
    tally_of,
)
from pipeline.scoring.parts.shared import NOT_SHARED, Target
from pipeline.scoring.parts.splitting import PART_BYTES, Part
from pipeline.scoring.rejects import Reject, reject_writer
from pipeline.scoring.spec import Options
from pipeline.scoring.summary.repeated_ids import RepeatedIds
from pipeline.scoring.summary.summary import summarise
from pipeline.scoring.summary.tally import Tally
from pipeline.scoring.summary.tally_codec import add_encoded, empty_total

_DELETING = 8
Beat = Callable[[], None]
Runner = Callable[[PartTask, Sequence[Part], Beat], Sequence[PartResult]]
"""Does each of the parts at least once, in any order; calls the beat about every second."""


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """A part that was scored, and where its first row and line stand."""

    done: PartResult
    file: int
    row: int
    """Counted through all files."""
    line: int
    """Of its own file."""

    @property
    def name(self) -> str:
        return Part(self.done.index, 0, 0, round=self.done.round).name


def score_in_parts(
    run: Runner,
    data: Data,
    model: ClusterModel,
    version: str,
    options: Options,
    target: Target,
    folder: Path,
    beat: Beat = lambda: None,
    part_bytes: int = PART_BYTES,
) -> dict[str, Any]:
    """Score an input; return the manifest, which is the last file written into `folder`.

    The assigned rows are in `target`, all else that belongs to the run in `folder`, which may be
    the same place. CannotSplit when the input has no parts, WrongFile when it is refused, Temporary
    when a part could not be scored.
    """
    with checked_afterwards(data.refuse_changed):
        looked = look_at(data, model, options, part_bytes)
        files = [found.file for found in looked]
        format = options.format or files[0].format
        safe, second = options.safe_csv, options.challenger
        work = PartTask(model, files, data.sources, target, format, safe, second)
        done, digests = _all_done(run, work, looked, beat)
        pieces = _in_place(done, looked)
        tally = _added_up(work, pieces, beat)
        with RepeatedIds() as ids:
            _add_ids(ids, work, pieces, beat)
            totals = summarise(model, tally, ids.summary(), options.challenger)
        if not totals["rows_in"]:
            raise WrongFile(data.address, "has a header but no customers")
        refuse_too_many_rejects(
            data.address, totals, options.max_rejected_share, lambda: _first_reject(work, pieces)
        )
        _write_rejects(folder / outputs(format)["rejected"], work, pieces, data.files, beat)
        assigned = {work.assigned(it.name): it.done.bytes for it in pieces if it.done.bytes}
        _leave_only(target, assigned, f"assigned.{format}")
        facts = _facts(data, data.identity_by(digests), pieces)
    return conclude(folder, facts, work.scorer(files[0]), version, options, totals, assigned)


def _facts(data: Data, identity: str, pieces: Sequence[PlacedPart]) -> dict[str, Any]:
    facts = {"name": data.name, "identity": identity, "bytes": data.bytes}
    if not data.files:
        return facts
    rows = [0] * len(data.files)
    for piece in pieces:
        rows[piece.file] += piece.done.rows
    first = [1 + sum(rows[:place]) for place in range(len(rows))]
    columns = zip(data.files, data.sources, first, rows, strict=True)
    files = [
        {"name": name, "bytes": source.size, "first_row": row, "rows": count}
        for name, source, row, count in columns
    ]
    return {**facts, "files": files}


def _all_done(
    run: Runner, work: PartTask, looked: Sequence[InspectedFile], beat: Beat
) -> tuple[list[PartResult], dict[tuple[int, int], str]]:
    """What came of every part, once each begins where the one before it ends.

    And the digests that they took on the way, by the file and its block.
    """
    parts = [part for file in looked for part in file.parts]
    found: dict[int, PartResult] = {}
    digests: dict[tuple[int, int], str] = {}
    todo = parts
    while todo:
        for done in run(work, todo, beat):
            part = parts[done.index]
            if done.refused:
                raise WrongFile(work.files[part.file].path, done.refused)
            found[done.index] = done
            for block, digest in zip(range(*part.blocks), done.digests, strict=False):
                digests[part.file, block] = digest
        texts = [file.parts for file in looked if file.file.format != "parquet"]
        todo = [part for text in texts for part in _misread(text, found)]
    return [found[part.index] for part in parts if part.index in found], digests


def _in_place(done: Sequence[PartResult], looked: Sequence[InspectedFile]) -> list[PlacedPart]:
    """The parts in their order, each told where it stands."""
    file_of = {part.index: part.file for found in looked for part in found.parts}
    pieces, row = [], 1
    for file, own in groupby(done, key=lambda part: file_of[part.index]):
        line = looked[file].first_line
        for part in own:
            pieces.append(PlacedPart(part, file, row, line))
            row, line = row + part.rows, line + part.lines
    return pieces


def _misread(parts: Sequence[Part], found: dict[int, PartResult]) -> list[Part]:
    """The parts to be read again from where the one before them ends.

    A part in which no record begins, because one goes through all of it, is left out.
    """
    again: list[Part] = []
    at = parts[0].start
    for part in parts:
        done = found.get(part.index)
        if at >= part.end:
            found.pop(part.index, None)
        elif done is None or done.start != at:
            before = done.round if done else part.round
            again.append(replace(part, start=at, exact=True, round=before + 1, blocks=(0, 0)))
            at = part.end if done is None or done.end < 0 else done.end
        else:
            at = done.end
    return again


def _added_up(work: PartTask, pieces: Sequence[PlacedPart], beat: Beat) -> Tally:
    """One part after the other, in the order of the rows."""

    def counted(piece: PlacedPart) -> bytes:
        assigned = work.assigned(piece.name)
        if piece.done.bytes and work.target.size(assigned) != piece.done.bytes:
            raise Temporary("find", assigned, NOT_SHARED)
        return work.target.read(tally_of(piece.name))

    tally = empty_total(work.model)
    for piece, content in zip(pieces, map_in_order(counted, pieces), strict=True):
        beat()
        add_encoded(tally, content, piece.row)
    rows = sum(piece.done.rows for piece in pieces)
    if int(tally.customers.sum()) + tally.rejected.total() != rows:
        raise AssertionError(f"{work.files[0].path}: {rows} rows read, another number counted")
    return tally


def _add_ids(ids: RepeatedIds, work: PartTask, pieces: Sequence[PlacedPart], beat: Beat) -> None:
    """One part after the other; none where there are too many to be compared."""
    for piece in pieces:
        beat()
        if not ids.too_many:
            ids.add_encoded(work.target.read(ids_of(piece.name)), piece.row)


def _first_reject(work: PartTask, pieces: Sequence[PlacedPart]) -> Reject | None:
    first = next((piece for piece in pieces if piece.done.rejected), None)
    return None if first is None else next(_rejects_of(work, first), None)


def _rejects_of(work: PartTask, piece: PlacedPart) -> Iterator[Reject]:
    return rejects_in(work.target.read(rejects_of(piece.name)), piece.row, piece.line)


def _write_rejects(
    path: Path, work: PartTask, pieces: Sequence[PlacedPart], names: Sequence[str], beat: Beat
) -> None:
    with reject_writer(path, *(["file"] if names else []), safe=work.safe) as writer:
        for piece in pieces:
            beat()
            if piece.done.rejected:
                of = [names[piece.file]] if names else []
                writer.write(_rejects_of(work, piece), *of)


def _leave_only(target: Target, assigned: Mapping[str, int], folder: str) -> None:
    """Remove what is not of this run: parts that were misread, and those of a run that died."""
    there = [f"{place}/{name}" for place in (folder, WORKING) for name in target.names(place)]
    with ThreadPoolExecutor(_DELETING) as pool:
        list(pool.map(target.delete, [name for name in there if name not in assigned]))
