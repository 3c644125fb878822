"""Goes through both runs once more: what moved whom, and who is on the list."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.arrow_columns import filtered
from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.runs.moves.features import (
    Causes,
    FeatureReader,
    StoredValues,
    causes_of,
)
from pipeline.runs.moves.ids import id_texts
from pipeline.runs.moves.lists import Indices, MoverList, Movers
from pipeline.runs.moves.matching import ALONE, MOVED, Matched, States
from pipeline.runs.moves.spec import Change
from pipeline.runs.rows import RunRows, typed


class FeatureCounts:
    """Customers by the way that they moved, and the feature that moved them most."""

    def __init__(self, model: ClusterModel, groups: int) -> None:
        """Begin without customers."""
        self._names = [feature.name for feature in model.contract.features]
        self._counts = np.zeros((groups, groups, len(self._names)), np.int64)

    def add(self, own: Indices, other: Indices, features: Indices) -> None:
        """Count customers."""
        np.add.at(self._counts, (own, other, features), 1)

    def of(self, own: int, other: int) -> dict[str, int]:
        """Feature → customers of one way; the most frequent first."""
        return self._ordered(self._counts[own, other])

    def all(self) -> dict[str, int]:
        """Feature → customers; the most frequent first."""
        return self._ordered(self._counts.sum(axis=(0, 1)))

    def _ordered(self, counts: NDArray[np.int64]) -> dict[str, int]:
        order = np.argsort(-counts, kind="stable")
        return {self._names[at]: int(counts[at]) for at in order.tolist() if counts[at]}


def trace(
    old: RunRows,
    new: RunRows,
    ids: Sequence[int],
    matched: Matched,
    model: ClusterModel | None,
    folder: Path,
    listing: MoverList | None,
) -> FeatureCounts | None:
    """Find what moved those who moved, and list who is asked for, in the order of the new run.

    Args:
        old: The rows of the older run.
        new: Those of the newer one.
        ids: The positions of their id columns.
        matched: Who is in both.
        model: What both are assigned by; None leaves unknown what moved customers.
        folder: To write in meanwhile.
        listing: Who is listed; None lists nobody.

    Returns:
        None without a model.
    """
    counts = None if model is None else FeatureCounts(model, len(matched.clusters))
    changes: Sequence[Change] = () if listing is None else listing.spec.listed
    if counts is not None or "moved" in changes:
        causes = None if model is None else _Causing(model, old, new, matched, folder)
        for movers in _moved(new, ids[1], matched, causes):
            if counts is not None and movers.causes is not None:
                counts.add(movers.own, movers.other, movers.causes.feature)
            if listing is not None and "moved" in changes:
                listing.add(movers, model)
    alone: Sequence[tuple[Change, RunRows, int, States]] = (
        ("came", new, ids[1], matched.new.states),
        ("went", old, ids[0], matched.old.states),
    )
    for change, rows, column, states in alone:
        if listing is not None and change in changes:
            for movers in _alone(change, rows, column, states, matched):
                listing.add(movers, model)
    return counts


class _Causing:
    """Knows the features of those who moved at both dates."""

    def __init__(
        self, model: ClusterModel, old: RunRows, new: RunRows, matched: Matched, folder: Path
    ) -> None:
        """Store the features that the older run has of those who moved."""
        self._model, self._matched = model, matched
        self.reader = FeatureReader(model, new)
        self._stored = StoredValues(folder / "values", len(model.contract.features))
        states = matched.old.states
        self._number = np.cumsum(states >= MOVED, dtype=matched.partner.dtype) - 1
        reader = FeatureReader(model, old)
        for _, _, batch in _blocks(old, states, reader.columns, MOVED):
            self._stored.append(reader.values(batch.columns))

    def causes(self, rows: Indices, own: Indices, other: Indices, batch: pa.RecordBatch) -> Causes:
        """What moved the customers of some rows of the newer run."""
        before = self._stored.take(self._number[self._matched.partner[rows]])
        ids = [cluster.id for cluster in self._model.clusters]
        index = np.array([ids.index(cluster) for cluster in self._matched.clusters])
        after = self.reader.values(batch.columns)
        return causes_of(self._model, before, after, index[own], index[other])


def _moved(
    rows: RunRows, id_column: int, matched: Matched, causing: _Causing | None
) -> Iterator[Movers]:
    """Those who moved, in the order of the newer run."""
    states, groups = matched.new.states, len(matched.clusters)
    columns = [id_column, *(causing.reader.columns if causing else [])]
    for at, state, batch in _blocks(rows, states, columns, MOVED):
        own, other = np.divmod(state.astype(np.intp) - MOVED, groups)
        features = batch.select(range(1, batch.num_columns))
        causes = causing.causes(at, own, other, features) if causing else None
        yield Movers("moved", id_texts(batch.column(0)), own, other, causes)


def _alone(
    change: Change, rows: RunRows, id_column: int, states: States, matched: Matched
) -> Iterator[Movers]:
    """Those who are in one run only; there is no group in the other one."""
    cluster = rows.appended("cluster")
    assert cluster is not None
    for _, _, batch in _blocks(rows, states, [id_column, cluster], ALONE):
        found = values_of(typed(batch.column(1), "cluster")).astype(np.int64)
        there = np.searchsorted(matched.clusters, found)
        nowhere = np.full(len(there), -1, np.intp)
        own, other = (nowhere, there) if change == "came" else (there, nowhere)
        yield Movers(change, id_texts(batch.column(0)), own, other)


def _blocks(
    rows: RunRows, states: States, columns: Sequence[int], wanted: int
) -> Iterator[tuple[Indices, States, pa.RecordBatch]]:
    """The wanted rows of each block, their numbers and their states; `MOVED` are all who moved."""
    start = 0
    for batch in rows.map(_same, columns):
        here = states[start : start + batch.num_rows]
        kept = here >= MOVED if wanted == MOVED else here == wanted
        at = np.flatnonzero(kept)
        if len(at):
            good = column_of(kept)
            chosen = [filtered(column, good) for column in batch.columns]
            yield at + start, here[at], pa.RecordBatch.from_arrays(chosen, batch.schema.names)
        start += batch.num_rows


def _same(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch
