"""Scoring one large file in parts, by whatever runs them, into what one machine would have written.

The rows stay where the parts are scored. What comes back of each part is a line; its counts and
rejects are read one part after the other, so that memory does not grow with the file.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.model import ClusterModel
from pipeline.reading import CustomerFile, open_customers
from pipeline.reading.records import LONGEST_RECORD
from pipeline.scoring.overlapping import in_order
from pipeline.scoring.packing import add_packed, wide
from pipeline.scoring.parts import WORKING, Done, Work, rejects_in, rejects_of, tally_of
from pipeline.scoring.places import LocalSource, Source, Target
from pipeline.scoring.run import (
    Input,
    Options,
    conclude,
    outputs,
    refuse_too_many_rejects,
    totals_of,
)
from pipeline.scoring.splitting import PART_BYTES, CannotSplit, Part, first_line, plan
from pipeline.scoring.tally import Tally
from pipeline.scoring.writing import reject_writer

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK")
_DELETING = 8
Beat = Callable[[], None]
Runner = Callable[[Work, Sequence[Part], Beat], Sequence[Done]]
"""Does each of the parts at least once, in any order; calls the beat about every second."""


@dataclass(frozen=True, slots=True)
class Data:
    """The input of a run: where its bytes are, and what the manifest says of it."""

    source: Source
    name: str
    told: str | Input
    """Its identity, or what tells it in the end: a digest is made while the file is scored."""

    @property
    def identity(self) -> str:
        return self.told if isinstance(self.told, str) else self.told.identity

    @property
    def facts(self) -> dict[str, Any]:
        return {"name": self.name, "identity": self.identity, "bytes": self.source.size}


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
    with _opened(data.source, model, options) as (file, sample):
        parts = plan(file, sample, data.source.size, part_bytes)
        lines_before = first_line(file, sample)
    format = options.format or file.format
    work = Work(model, file, data.source, target, format, options.safe_csv, options.challenger)
    done = _all_done(run, work, parts, beat)
    tally = _added_up(work, done, beat)
    totals = totals_of(model, tally, options)
    if not totals["rows_in"]:
        raise WrongFile(file.path, "has a header but no customers")
    refuse_too_many_rejects(data.source.address, totals, options.max_rejected_share)
    _write_rejects(folder / outputs(format)["rejected"], work, done, lines_before, beat)
    assigned = {work.assigned(_name(part)): part.bytes for part in done if part.bytes}
    _leave_only(target, assigned, f"assigned.{format}")
    return conclude(folder, data.facts, work.scorer(), version, options, totals, assigned)


@contextmanager
def _opened(
    source: Source, model: ClusterModel, options: Options
) -> Iterator[tuple[CustomerFile, Path]]:
    """The file by a part of it: the beginning of a text, the end of Parquet."""
    if isinstance(source, LocalSource):
        if source.size and _is_packed(source):
            raise CannotSplit(source.address, "is packed")
        with open_customers(source.path, model.contract.columns, options.sheet) as file:
            yield file, source.path
        return
    with tempfile.TemporaryDirectory(prefix="customer-clusters-") as folder:
        sample = Path(folder) / "sample"
        sample.write_bytes(_sample(source))
        try:
            with open_customers(sample, model.contract.columns, options.sheet) as file:
                yield replace(file, path=Path(source.address)), sample
        except WrongFile as error:
            told = str(error).removeprefix(f"{sample}: ")
            raise type(error)(source.address, told) from error


def _is_packed(source: Source) -> bool:
    with source.open() as stream:
        return stream.read(4).startswith(_PACKED)


def _sample(source: Source) -> bytes:
    """As much of a file as its columns are told from."""
    with source.open() as stream:
        start = stream.read(4)
        if start.startswith(_PACKED):
            raise CannotSplit(source.address, "is packed")
        if start != b"PAR1":
            return start + stream.read(LONGEST_RECORD + (64 << 10) - 4)
        stream.seek(source.size - 8)
        footer = int.from_bytes(stream.read(4), "little") + 8
        stream.seek(max(4, source.size - footer))
        return start + stream.read(footer)


def _all_done(run: Runner, work: Work, parts: Sequence[Part], beat: Beat) -> list[Done]:
    """What came of every part, once each begins where the one before it ends."""
    found: dict[int, Done] = {}
    todo = list(parts)
    while todo:
        for done in run(work, todo, beat):
            if done.refused:
                raise WrongFile(work.file.path, done.refused)
            found[done.index] = done
        todo = [] if work.file.format == "parquet" else _misread(parts, found)
    return [found[part.index] for part in parts if part.index in found]


def _misread(parts: Sequence[Part], found: dict[int, Done]) -> list[Part]:
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
            again.append(replace(part, start=at, exact=True, round=before + 1))
            at = part.end if done is None or done.end < 0 else done.end
        else:
            at = done.end
    return again


def _added_up(work: Work, done: Sequence[Done], beat: Beat) -> Tally:
    """One part after the other, in the order of the file."""

    def counted(part: Done) -> bytes:
        assigned = work.assigned(_name(part))
        if part.bytes and work.target.size(assigned) != part.bytes:
            raise Temporary("find", assigned, "all workers must see the same files: use s3://")
        return work.target.read(tally_of(_name(part)))

    tally, row = wide(work.model), 1
    for part, content in zip(done, in_order(counted, done), strict=True):
        beat()
        add_packed(tally, content, row)
        row += part.rows
    if int(tally.customers.sum()) + tally.rejected.total() != row - 1:
        raise AssertionError(f"{work.file.path}: {row - 1} rows read, another number counted")
    return tally


def _write_rejects(path: Path, work: Work, done: Sequence[Done], lines: int, beat: Beat) -> None:
    rows = 1
    with reject_writer(path) as writer:
        for part in done:
            beat()
            if part.rejected:
                content = work.target.read(rejects_of(_name(part)))
                writer.write(rejects_in(content, rows, lines))
            rows, lines = rows + part.rows, lines + part.lines


def _leave_only(target: Target, assigned: Mapping[str, int], folder: str) -> None:
    """Remove what is not of this run: parts that were misread, and those of a run that died."""
    there = [f"{place}/{name}" for place in (folder, WORKING) for name in target.names(place)]
    with ThreadPoolExecutor(_DELETING) as pool:
        list(pool.map(target.delete, [name for name in there if name not in assigned]))


def _name(done: Done) -> str:
    return Part(done.index, 0, 0, round=done.round).name
