"""The periods of a history, and the run that counts for each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.runs.history.changes import Change, changes
from pipeline.runs.history.entry import LedgerEntry


@dataclass(frozen=True, slots=True)
class Point:
    """A period: the run that counts for it."""

    entry: LedgerEntry
    changes: Sequence[Change]
    """Since the period before, and since the first one of the same model."""
    replaced: Sequence[LedgerEntry] = ()
    """Earlier runs for the same period."""
    has_run: bool = True
    """Whether its run is there still; True where nobody looked."""
    new_model: bool = False
    """Whether the point before has another model."""

    def to_dict(self) -> dict[str, Any]:
        """As the history's JSON has it."""
        return {
            **self.entry,
            "new_model": self.new_model,
            "has_run": self.has_run,
            "changes": [change.to_dict() for change in self.changes],
            "replaces": [each["run"] for each in self.replaced],
        }


def make_points(entries: Sequence[LedgerEntry], runs: Collection[str] | None) -> list[Point]:
    """A point a period; of several runs the one counts that was committed last.

    Args:
        entries: Of one series, by period, and of each period by the time of the commit.
        runs: The folders of the runs that are there; None where nobody looked.
    """
    by_period: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        by_period.setdefault(entry["as_of"], []).append(entry)
    points: list[Point] = []
    for *replaced, entry in by_period.values():
        before = [point.entry for point in points]
        new_model = bool(before) and before[-1]["model_version"] != entry["model_version"]
        has_run = runs is None or entry["run"] in runs
        points.append(Point(entry, changes(entry, before), replaced, has_run, new_model))
    return points


def committed_at(entry: LedgerEntry) -> datetime:
    """When the run of an entry was committed."""
    return datetime.fromisoformat(entry["committed"])
