"""What became of a part, kept beside its files: whoever finds that of all parts can conclude.

It is written after everything else of the part, so that it stands for all of it. Nothing counts
parts: a count that a killed worker left wrong could not be told from a right one.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from model_store import CustomerClustersError, NotFound
from pipeline.scoring.parts.locations import WORKING, Target
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part

FEW = 4
"""So many parts that are missing are scored by whoever concludes."""
_READ_AT_ONCE = 8


class PartsMissing(CustomerClustersError):
    """Raised when many parts have to be scored before a run can be concluded.

    Args:
        parts: The fields of each `Part`.
    """

    code = "parts_missing"

    def __init__(self, parts: Sequence[Mapping[str, Any]]) -> None:
        self.parts = list(parts)
        super().__init__(f"{len(self.parts)} parts are missing")


def result_of(part: str) -> str:
    """The name of what became of a part."""
    return f"{WORKING}/{part}.json"


def keep(target: Target, part: Part, result: PartResult) -> None:
    """Write down what became of a part."""
    with target.staged(result_of(part.name)) as path:
        document = {"part": asdict(part), "result": asdict(result)}
        path.write_text(json.dumps(document), encoding="ascii")


def kept(target: Target, part: Part) -> PartResult | None:
    """What became of a part; None where that is not known, or was of a part cut elsewhere."""
    try:
        document = json.loads(target.read(result_of(part.name)))
    except NotFound:
        return None
    return PartResult(**document["result"]) if part_from(document["part"]) == part else None


def part_from(fields: Mapping[str, Any]) -> Part:
    """A part by its fields, as JSON has them."""
    return Part(**{**fields, "blocks": tuple(fields["blocks"])})


def score_and_keep(task: PartTask, part: Part) -> PartResult:
    """Score a part, and write down what became of it."""
    result = task.score(part)
    keep(task.target, part, result)
    return result


@dataclass(frozen=True, slots=True)
class KeptParts:
    """Runs parts, as `distributed.Runner`: what became of them is read.

    What is missing is scored here and kept as well, if it is little: the parts that have to be
    read again, since a newline in quotes was cut. So whoever goes on after a kill does none twice.
    """

    progress: Callable[[int], None] = lambda rows: None
    """Called after each part that is scored here, with its rows; what it raises ends the run."""

    def __call__(self, task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        """What became of the parts; PartsMissing where many of them are."""
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            found = list(pool.map(lambda part: kept(task.target, part), parts))
        missing = [asdict(part) for part, known in zip(parts, found, strict=True) if known is None]
        if len(missing) > FEW:
            raise PartsMissing(missing)
        results = []
        for part, known in zip(parts, found, strict=True):
            result = known
            if result is None:
                result = score_and_keep(task, part)
                self.progress(result.rows)
            results.append(result)
        return results
