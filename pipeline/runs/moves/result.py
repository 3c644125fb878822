"""What came of comparing two runs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.model.churn import wilson_interval
from pipeline.runs.committed import CommittedRun
from pipeline.runs.moves.direction import Direction
from pipeline.runs.moves.spec import Grouping

Share = tuple[float, float, float]
"""A share with the ends of its 95 % interval (Wilson)."""


@dataclass(frozen=True, slots=True)
class RunSide:
    """One of both runs."""

    address: str
    run: str
    input: str
    model_version: str
    as_of: str | None
    """The period that its input belongs to, where it is known."""
    customers: int
    """Assigned rows."""
    rejected: int
    implausible: tuple[str, ...]
    """Features whose unit is probably another one than training's."""
    forgotten: int
    """Rows that may have been removed since, as people asked for it."""
    without_id: int
    repeated_ids: int
    repeated_rows: int
    """Rows that share an id with another one: nobody knows which is the customer's."""
    unassigned: int
    """Customers of the other run who are here too, and could not be assigned."""

    @classmethod
    def of(cls, run: CommittedRun, **counts: int) -> "RunSide":
        """What a manifest says of a run, and what was counted of its rows."""
        manifest = run.manifest
        return cls(
            run.address,
            manifest["run"],
            manifest["input"]["name"],
            manifest["model_version"],
            manifest.get("as_of"),
            manifest["rows_assigned"],
            manifest["rows_rejected"],
            run.implausible,
            run.forgotten,
            **counts,
        )


@dataclass(frozen=True, slots=True)
class GroupMoves:
    """One group, then and now."""

    cluster: int
    name: str
    rate_before: float | None
    """The churn rate of its training customers, by the old run's model."""
    rate_after: float | None
    before: int
    """Of the customers in both runs, those in it in the old one."""
    after: int
    stayed: int
    came: int
    """Customers of the new run alone."""
    went: int
    """Customers of the old run alone."""

    @property
    def left_it(self) -> int:
        """Customers who moved to another group."""
        return self.before - self.stayed

    @property
    def joined_it(self) -> int:
        """Customers who moved here from another group."""
        return self.after - self.stayed


@dataclass(frozen=True, slots=True)
class Transition:
    """Customers who moved from one group to another."""

    old: int
    new: int
    customers: int
    share: Share
    """Of the customers who were in the old group, and are in both runs."""
    direction: int
    """1 towards risk, -1 away from it, 0 neither, or not known."""
    features: Mapping[str, int]
    """Feature → customers whom it moved most, the most frequent first; empty where unknown."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What two runs say of the same customers."""

    old: RunSide
    new: RunSide
    id_column: str
    ids: str
    """How ids were matched: as text, or as numbers."""
    near_ids: int
    """Ids of the new run that would be old ones if leading zeros did not count."""
    grouping: Grouping
    groups: tuple[GroupMoves, ...]
    counts: tuple[tuple[int, ...], ...]
    """Customers in both runs, by old (row) and new (column) group, in the order of `groups`."""
    transitions: tuple[Transition, ...]
    """From one group to another one, the most frequent first."""
    features: Mapping[str, int]
    """Feature → customers whom it moved most, of all who moved; empty where it is not known."""
    labels: Mapping[str, str]
    """Feature → its name for people."""
    direction: Direction
    notes: tuple[str, ...]
    """What a reader has to know, a sentence each."""
    listed: int | None = None
    """Customers on the list; None where none was asked for."""

    @property
    def matched(self) -> int:
        """Customers in both runs."""
        return sum(map(sum, self.counts))

    @property
    def moved(self) -> int:
        """Of these, those in another group."""
        return self.matched - sum(group.stayed for group in self.groups)

    @property
    def came(self) -> int:
        """Customers of the new run alone."""
        return sum(group.came for group in self.groups)

    @property
    def went(self) -> int:
        """Customers of the old run alone."""
        return sum(group.went for group in self.groups)

    @property
    def moved_share(self) -> Share | None:
        """Of the customers in both runs; None without any."""
        return share_of(self.moved, self.matched)

    def share(self, old: int, new: int) -> Share | None:
        """The share of an old group's customers that is in a new one, by indices of `groups`."""
        return share_of(self.counts[old][new], sum(self.counts[old]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON for machines."""
        direction, crosswalk = self.direction, self.grouping.crosswalk
        every = range(len(self.groups))
        return {
            "old": asdict(self.old),
            "new": asdict(self.new),
            "id_column": self.id_column,
            "ids": self.ids,
            "groups_by": self.grouping.by,
            "moved_by_models": crosswalk.moved_share if crosswalk else None,
            "matched": self.matched,
            "moved": self.moved,
            "moved_share": self.moved_share,
            "came": self.came,
            "went": self.went,
            "near_ids": self.near_ids,
            "groups": [asdict(group) for group in self.groups],
            "matrix": {
                "clusters": [group.cluster for group in self.groups],
                "counts": self.counts,
                "shares": [[self.share(old, new) for new in every] for old in every],
            },
            "transitions": [asdict(each) for each in self.transitions],
            "features": dict(self.features),
            "direction": {
                **asdict(direction),
                "share": direction.share,
                "interval": direction.interval,
            },
            "notes": list(self.notes),
            "listed": self.listed,
        }


def share_of(part: int, whole: int) -> Share | None:
    """A share with its interval; None of nothing."""
    return (part / whole, *wilson_interval(part, whole)) if whole else None
