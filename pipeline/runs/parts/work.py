"""What there is to do about an object that is scored in parts: cut it, score a part, conclude.

Each can be done by another process, on another machine, and again: what is written for a part is
the same each time. It brings numpy and pyarrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from model_store import S3Address
from pipeline.runs.objects import ObjectRef, S3Source, S3Target
from pipeline.runs.parts.joined import MOST, Piece, join
from pipeline.scoring.documents import OutputFormat, ScoredRows
from pipeline.scoring.parts.distributed import score_in_parts
from pipeline.scoring.parts.inspection import InspectedFile, inspect
from pipeline.scoring.parts.kept import KeptParts, score_and_keep
from pipeline.scoring.parts.local import head_and_ending
from pipeline.scoring.parts.locations import WORKING
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import PART_BYTES, Part
from pipeline.scoring.parts.shared_input import SharedInput
from pipeline.scoring.spec import Progress, ScoringSpec
from pipeline.scoring.writing.outputs import outputs


class _KeepingTarget(S3Target):
    """A place in which what was kept of parts is there until the run is committed.

    Whoever concludes may be killed just before that; the next one finds all it needs.
    """

    def names(self, folder: str) -> list[str]:
        return [] if folder == WORKING else S3Target.names(self, folder)


@dataclass(frozen=True)
class ObjectParts:
    """An object, what it is scored with, and where its parts go."""

    ref: ObjectRef
    """With etag and size: no other object is read in its place."""
    name: str
    """What the results are named after."""
    spec: ScoringSpec
    folder: S3Address
    """The folder of the run."""
    part_bytes: int = PART_BYTES

    @property
    def target(self) -> S3Target:
        """Where its parts go."""
        return _KeepingTarget(self.folder)

    @property
    def shared(self) -> SharedInput:
        """The object as all read it."""
        return SharedInput([S3Source(self.ref)], self.name, self.ref.address, self.ref.identity)

    def inspected(self) -> list[InspectedFile]:
        """What is known of the object before its rows are read."""
        return inspect(self.shared, self.spec.model, self.spec.options, self.part_bytes)

    @cached_property
    def task(self) -> PartTask:
        """What all parts have in common."""
        files = [each.file for each in self.inspected()]
        return PartTask.of(self.spec, files, self.shared.sources, self.target)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an object is cut."""

    parts: Sequence[Part]
    format: OutputFormat
    """What its assigned rows are written as."""


class PartWork(Protocol):
    """Does what there is to do; `InThisProcess` and `pipeline.runs.parts.isolated` do."""

    def plan(self, parts: ObjectParts) -> Plan:
        """The parts of an object.

        Raises:
            CannotSplit: It has none.
            WrongFile: It is refused.
        """
        ...

    def score(self, parts: ObjectParts, part: Part) -> PartResult:
        """Score a part, and keep what became of it; WrongFile where it ends its reader."""
        ...

    def conclude(self, parts: ObjectParts, folder: Path, progress: Progress) -> ScoredRows:
        """Put together what became of all parts; errors as of `score_in_parts`, and PartsMissing.

        The rows of a text become one file, as one reader would have written it.

        Args:
            parts: The object.
            folder: Where the rejects go.
            progress: Called now and then; what it raises ends the work.
        """
        ...


class InThisProcess:
    """Does it here, with whatever a damaged file does to its reader."""

    def plan(self, parts: ObjectParts) -> Plan:
        """As `PartWork.plan`."""
        (inspected,) = parts.inspected()
        written: OutputFormat = parts.spec.options.format or inspected.file.format
        return Plan(inspected.parts, written)

    def score(self, parts: ObjectParts, part: Part) -> PartResult:
        """As `PartWork.score`."""
        return score_and_keep(parts.task, part)

    def conclude(self, parts: ObjectParts, folder: Path, progress: Progress) -> ScoredRows:
        """As `PartWork.conclude`."""
        run, target = KeptParts(progress), parts.target
        progress(0)
        rows = score_in_parts(run, parts.shared, parts.spec, target, folder, parts.part_bytes)
        if rows["format"] != "csv" or len(rows["assigned"]) > MOST:
            return rows
        name = outputs(rows["format"])["assigned"]
        size = join(target.files, _pieces(parts.task, rows["assigned"]), name)
        return {**rows, "assigned": {name: size}}


def _pieces(task: PartTask, assigned: Mapping[str, int]) -> list[Piece]:
    """The rows of all parts, with what comes before and after them once."""
    head, ending = head_and_ending(task)
    pieces = [Piece(it, len(head), size - len(ending)) for it, size in assigned.items()]
    pieces[0] = replace(pieces[0], start=0)
    pieces[-1] = replace(pieces[-1], end=pieces[-1].end + len(ending))
    return pieces
