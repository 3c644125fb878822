"""What becomes of the customers of one model's clusters under another model."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.churn import wilson_interval
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel

_INTERVALS = ("churn_before_interval", "churn_after_interval")
Ids = NDArray[np.int64]
Counts = NDArray[np.int64]
CROSSWALK_FILE = "crosswalk.json"
"""The file of an artifact in which training counts where the champion's customers go."""
MINIMUM_OVERLAP = 0.5
"""A cluster is an old one again when so many of the customers in either are in both (Jaccard);
below it Hennig (2007, CSDA 52:258-271) calls a cluster dissolved."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of one cluster id."""

    id: int
    name: str
    became: Literal["kept", "new", "retired"]
    before: int
    """Customers that the old model puts into it; 0 for a new one."""
    after: int
    overlap: float
    """Of those in it before or after, the share that is in it both times (Jaccard)."""
    centre_shift: float | None
    """How far the mean moved, in standard deviations of these customers over the numbers that both
    models read; None where there is nothing to compare."""
    churn_before: float | None
    """In the old model's training."""
    churn_after: float | None
    churn_before_interval: tuple[float, float] | None = None
    """The 95 % interval (Wilson) of the rate before; None where it is not known."""
    churn_after_interval: tuple[float, float] | None = None

    @property
    def churn_change(self) -> float | None:
        """By how much the churn rate differs; None where one of both is not known."""
        if self.churn_before is None or self.churn_after is None:
            return None
        return self.churn_after - self.churn_before

    @property
    def overlap_interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of the overlap: of few customers it is wide."""
        either = round((self.before + self.after) / (1 + self.overlap))
        return wilson_interval(round(self.overlap * either), either) if either else (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Customers counted by their old and their new cluster."""

    old_version: str
    customers: int
    old_ids: tuple[int, ...]
    new_ids: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]
    """A row for each old id, a column for each new one."""
    moved_share: float
    """Of the customers, those whose cluster id changes."""
    ari: float
    """Adjusted Rand index: 1 where both models make the same groups, about 0 by chance."""
    clusters: tuple[Transition, ...]

    @property
    def moved_interval(self) -> tuple[float, float]:
        """The 95 % interval (Wilson) of the share that moves, of customers like these."""
        if not self.customers:
            return 0.0, 1.0
        return wilson_interval(round(self.moved_share * self.customers), self.customers)

    def to_dict(self) -> dict[str, Any]:
        """The crosswalk as JSON can hold it, as `from_dict` reads it."""
        clusters = [{**asdict(each), "churn_change": each.churn_change} for each in self.clusters]
        return {**asdict(self), "moved_interval": self.moved_interval, "clusters": clusters}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_dict` made; KeyError or TypeError when it is not that."""
        transitions = [_transition_from_dict(item) for item in document["clusters"]]
        return cls(
            document["old_version"],
            document["customers"],
            tuple(document["old_ids"]),
            tuple(document["new_ids"]),
            tuple(tuple(row) for row in document["counts"]),
            document["moved_share"],
            document["ari"],
            tuple(transitions),
        )


def build_crosswalk(
    old_version: str,
    old: ClusterModel,
    new: ClusterModel,
    assigned: tuple[Ids, Ids],
    spread: Mapping[str, float],
) -> Crosswalk:
    """Count the customers that two models have assigned, and tell what became of each cluster.

    Args:
        old_version: The version of the old model.
        old: The old model.
        new: The new model.
        assigned: The cluster ids that the old and the new model gave, one a customer in each.
        spread: The standard deviation of each number among these customers, by feature.
    """
    old_ids, new_ids = _ids(old), _ids(new)
    counts = contingency(assigned, old_ids, new_ids)
    customers = int(counts.sum())
    same = int((assigned[0] == assigned[1]).sum())
    ids = sorted({*old_ids, *new_ids})
    return Crosswalk(
        old_version,
        customers,
        old_ids,
        new_ids,
        tuple(tuple(row) for row in counts.tolist()),
        1 - same / customers if customers else 0.0,
        adjusted_rand(counts),
        tuple(_transition(each, old, new, counts, spread) for each in ids),
    )


def inverted(crosswalk: Crosswalk, new_version: str) -> Crosswalk:
    """A crosswalk the other way round: from what was the new version to the old one."""
    became: dict[str, Literal["kept", "new", "retired"]] = {
        "kept": "kept", "new": "retired", "retired": "new",
    }  # fmt: skip
    return replace(
        crosswalk,
        old_version=new_version,
        old_ids=crosswalk.new_ids,
        new_ids=crosswalk.old_ids,
        counts=tuple(zip(*crosswalk.counts, strict=True)),
        clusters=tuple(
            replace(
                each,
                became=became[each.became],
                before=each.after,
                after=each.before,
                churn_before=each.churn_after,
                churn_after=each.churn_before,
                churn_before_interval=each.churn_after_interval,
                churn_after_interval=each.churn_before_interval,
            )
            for each in crosswalk.clusters
        ),
    )


def contingency(
    assigned: tuple[Ids, Ids], old_ids: tuple[int, ...], new_ids: tuple[int, ...]
) -> Counts:
    """Customers by old (row) and new (column) cluster, from the ids that each was assigned."""
    rows, columns = np.searchsorted(old_ids, assigned[0]), np.searchsorted(new_ids, assigned[1])
    size = len(old_ids) * len(new_ids)
    flat = np.bincount(rows * len(new_ids) + columns, minlength=size)
    return flat.reshape(len(old_ids), len(new_ids)).astype(np.int64)


def overlaps(counts: Counts) -> NDArray[np.float64]:
    """Jaccard index of every old (row) with every new (column) cluster; 0 where both are empty."""
    either = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :] - counts
    return np.asarray(counts / np.maximum(either, 1))


def centre_shift(old: Cluster, new: Cluster, spread: Mapping[str, float]) -> float | None:
    """How far the mean of a cluster moved, over the numbers that both models read.

    Args:
        old: The cluster in the old model.
        new: The cluster in the new one.
        spread: The standard deviation of each number, by feature.

    Returns:
        The distance in standard deviations; None where there is nothing to compare.
    """
    moves = [
        (new.profile[name].mean - old.profile[name].mean) / spread[name]
        for name in old.profile
        if name in new.profile and spread.get(name, 0) > 0
    ]
    return math.hypot(*moves) if moves else None


def adjusted_rand(counts: Counts) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985, J. Classification 2:193-218).

    Args:
        counts: Customers by old (row) and new (column) cluster.

    Returns:
        1 where both make the same groups, or neither divides anything; about 0 by chance.
    """

    def pairs(numbers: Counts) -> float:
        return float((numbers * (numbers - 1) / 2).sum())

    together, rows, columns = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    everything = pairs(counts.sum(keepdims=True))
    expected = rows * columns / everything if everything else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _transition_from_dict(item: Mapping[str, Any]) -> Transition:
    """A transition; the crosswalks of before state no intervals."""
    known = {name: item[name] for name in Transition.__slots__ if name not in _INTERVALS}
    for name in _INTERVALS:
        known[name] = tuple(item[name]) if item.get(name) else None
    return Transition(**known)


def _transition(
    cluster_id: int,
    old: ClusterModel,
    new: ClusterModel,
    counts: Counts,
    spread: Mapping[str, float],
) -> Transition:
    old_ids, new_ids = _ids(old), _ids(new)
    was = old.cluster(cluster_id) if cluster_id in old_ids else None
    now = new.cluster(cluster_id) if cluster_id in new_ids else None
    known = now or was
    assert known is not None
    row = old_ids.index(cluster_id) if was else None
    column = new_ids.index(cluster_id) if now else None
    kept = row is not None and column is not None
    return Transition(
        cluster_id,
        known.name,
        "kept" if kept else ("new" if now else "retired"),
        0 if row is None else int(counts[row].sum()),
        0 if column is None else int(counts[:, column].sum()),
        float(overlaps(counts)[row, column]) if row is not None and column is not None else 0.0,
        centre_shift(was, now, spread) if was and now else None,
        was.churn.rate if was and was.churn else None,
        now.churn.rate if now and now.churn else None,
        _interval(was),
        _interval(now),
    )


def _interval(cluster: Cluster | None) -> tuple[float, float] | None:
    known = cluster.churn if cluster else None
    return (known.low, known.high) if known else None


def _ids(model: ClusterModel) -> tuple[int, ...]:
    return tuple(cluster.id for cluster in model.clusters)
