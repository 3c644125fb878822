"""Who is in both runs, and where: the join of two sets of parts, in bounded memory."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.runs.moves.ids import loosened
from pipeline.runs.moves.parts import IdParts

ALONE, LEFT_OUT, STAYED, MOVED = 0, 1, 2, 3
"""What a row is: in one run only; without an id of its own; in the same group both times; or, from
`MOVED` on, by which way it moved: `MOVED + old * groups + new`."""
UNASSIGNED = -1
"""The cluster of a row that was rejected, or that the other run's model cannot assign."""
States = NDArray[np.uint32] | NDArray[np.uint16]


@dataclass(slots=True)
class Repeated:
    """Ids that several rows of a run have: nobody knows which row is the customer's."""

    ids: int = 0
    rows: int = 0


@dataclass(slots=True)
class Side:
    """What was found out about the rows of one run."""

    states: States
    """By row."""
    alone: NDArray[np.int64]
    """By cluster: customers who are not in the other run."""
    repeated: Repeated = field(default_factory=Repeated)
    without_id: int = 0
    unassigned: int = 0
    """Customers of the other run who could not be assigned in this one."""


@dataclass(slots=True)
class Matched:
    """The customers of both runs."""

    clusters: tuple[int, ...]
    """Every id of a cluster, ascending; what follows counts by its index here."""
    old: Side
    new: Side
    counts: NDArray[np.int64]
    """Customers in both runs by old (row) and new (column) cluster."""
    partner: NDArray[np.uint32] | NDArray[np.uint64]
    """By row of the new run: the row of the old one, where the customer moved."""
    near: int = 0
    """Ids of the new run that would be in the old one if leading zeros did not count."""

    @property
    def movers(self) -> int:
        """Customers whose cluster is another one."""
        return int(self.counts.sum() - np.trace(self.counts))


def match(old: IdParts, new: IdParts, parts: int, clusters: tuple[int, ...]) -> Matched:
    """Find the customers of one run in the other.

    Args:
        old: The ids of the older run.
        new: Those of the newer one, in as many parts.
        parts: How many.
        clusters: The ids of all clusters of both, ascending.
    """
    groups = len(clusters)
    small = groups * groups + MOVED <= np.iinfo(np.uint16).max
    kind = np.dtype(np.uint16 if small else np.uint32)
    rows = np.dtype(np.uint32 if old.rows <= np.iinfo(np.uint32).max else np.uint64)

    def side(ids: IdParts) -> Side:
        return Side(np.zeros(ids.rows, kind), np.zeros(groups, np.int64))

    matched = Matched(
        clusters, side(old), side(new),
        np.zeros((groups, groups), np.int64), np.zeros(new.rows, rows),
    )  # fmt: skip
    for part in range(parts):
        _match_part(matched, old.read(part), new.read(part))
    return matched


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a part of one run that have an id."""

    codes: NDArray[np.int64]
    clusters: NDArray[np.int64]
    rows: NDArray[np.int64]


def _match_part(matched: Matched, old: pa.RecordBatch, new: pa.RecordBatch) -> None:
    coded = pa.concat_arrays([old.column(0), new.column(0)]).dictionary_encode()
    codes, size = values_of(coded.indices).astype(np.int64), len(coded.dictionary)
    blank = codes[:0] if not size else _blank(coded.dictionary)[codes]
    ids = (codes[: old.num_rows], codes[old.num_rows :])
    blanks = (blank[: old.num_rows], blank[old.num_rows :])
    before = _with_id(matched.old, old, ids[0], blanks[0].astype(bool))
    after = _with_id(matched.new, new, ids[1], blanks[1].astype(bool))
    counts = [np.bincount(each.codes, minlength=size) for each in (before, after)]
    repeated = (counts[0] > 1) | (counts[1] > 1)
    for side, rows, count in ((matched.old, before, counts[0]), (matched.new, after, counts[1])):
        side.repeated.ids += int((count > 1).sum())
        side.repeated.rows += int(count[count > 1].sum())
        side.states[rows.rows[repeated[rows.codes]]] = LEFT_OUT
    both = (counts[0] == 1) & (counts[1] == 1)
    _count_both(matched, before, after, both)
    for side, rows, other in ((matched.old, before, counts[1]), (matched.new, after, counts[0])):
        alone = ~repeated[rows.codes] & (other[rows.codes] == 0) & (rows.clusters >= 0)
        side.alone += np.bincount(rows.clusters[alone], minlength=len(matched.clusters))
    matched.near += _near(
        coded.dictionary, (counts[0] > 0) & (counts[1] == 0), (counts[1] > 0) & (counts[0] == 0)
    )


def _with_id(
    side: Side, batch: pa.RecordBatch, codes: NDArray[np.int64], blank: NDArray[np.bool_]
) -> _Rows:
    """The rows that have an id and, as far as is known, a cluster; the others are counted."""
    clusters, rows = values_of(batch.column(1)).astype(np.int64), values_of(batch.column(2))
    side.without_id += int(blank.sum())
    unassigned = (clusters == UNASSIGNED) & ~blank
    side.states[rows[blank | unassigned]] = LEFT_OUT
    kept = ~blank
    return _Rows(codes[kept], clusters[kept], rows[kept])


def _count_both(matched: Matched, before: _Rows, after: _Rows, both: NDArray[np.bool_]) -> None:
    old_at, new_at = np.zeros(len(both), np.int64), np.zeros(len(both), np.int64)
    old_at[before.codes], new_at[after.codes] = (
        np.arange(len(before.codes)), np.arange(len(after.codes)),
    )  # fmt: skip
    old_at, new_at = old_at[both], new_at[both]
    was, now = before.clusters[old_at], after.clusters[new_at]
    known = (was >= 0) & (now >= 0)
    matched.old.unassigned += int(((was < 0) & (now >= 0)).sum())
    matched.new.unassigned += int(((was >= 0) & (now < 0)).sum())
    old_rows, new_rows = before.rows[old_at], after.rows[new_at]
    matched.new.states[new_rows[~known]] = LEFT_OUT
    matched.old.states[old_rows[~known]] = LEFT_OUT
    old_rows, new_rows, was, now = (each[known] for each in (old_rows, new_rows, was, now))
    groups = len(matched.clusters)
    way = was * groups + now
    matched.counts += np.bincount(way, minlength=groups * groups).reshape(groups, groups)
    states = np.where(was == now, STAYED, way + MOVED)
    matched.old.states[old_rows] = states
    matched.new.states[new_rows] = states
    matched.partner[new_rows] = old_rows


def _blank(ids: pa.Array) -> NDArray[np.bool_]:
    _, ends, _ = ids.buffers()
    offsets = np.frombuffer(ends, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    return np.asarray(np.diff(offsets) == 0)


def _near(ids: pa.Array, gone: NDArray[np.bool_], come: NDArray[np.bool_]) -> int:
    """How many ids have come that are gone ones but for zeros."""
    if not (gone.any() and come.any()):
        return 0
    alike = loosened(pa.concat_arrays([ids.filter(column_of(gone)), ids.filter(column_of(come))]))
    codes = values_of(alike.dictionary_encode().indices)
    there = np.zeros(int(codes.max()) + 1, bool)
    there[codes[: int(gone.sum())]] = True
    return int(there[codes[int(gone.sum()) :]].sum())
