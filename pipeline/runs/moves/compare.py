"""Compares two committed runs: who is in both, who moved, and what moved them."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_store import CustomerClustersError, Temporary
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.arrow_numpy import values_of
from pipeline.runs.audience.write import ListTarget, written
from pipeline.runs.committed import CommittedRun
from pipeline.runs.moves.direction import direction_of
from pipeline.runs.moves.features import FeatureReader
from pipeline.runs.moves.ids import id_texts, loosened
from pipeline.runs.moves.lists import MoverList, open_moves_list
from pipeline.runs.moves.matching import UNASSIGNED, Matched, Side, match
from pipeline.runs.moves.movers import FeatureCounts, trace
from pipeline.runs.moves.parts import IdParts, part_count
from pipeline.runs.moves.phrases import notes_of
from pipeline.runs.moves.rejected import rejected_ids
from pipeline.runs.moves.result import GroupMoves, Moves, RunSide, Transition, share_of
from pipeline.runs.moves.spec import NO_MODELS, Grouping, KnownModels, MovesSpec, grouping_of
from pipeline.runs.rows import RunRows, open_rows, typed
from pipeline.runs.store import Checkpoint
from pipeline.scoring.documents import ClusterSummary

Block = tuple[pa.Array, NDArray[np.int32]]


def compare_runs(
    old: CommittedRun,
    new: CommittedRun,
    spec: MovesSpec | None = None,
    models: KnownModels = NO_MODELS,
    target: ListTarget | None = None,
    *,
    scratch: Path | None = None,
    checkpoint: Checkpoint = lambda: None,
) -> Moves:
    """Compare two runs by the ids of their customers.

    Memory does not grow with the rows but for some 12 bytes a customer: ids lie in hashed parts on
    disk, and features of those who moved in a file.

    Args:
        old: The older run.
        new: The newer one.
        spec: What is asked.
        models: What is known of the models that both were scored with.
        target: Where a list of customers goes; none is written without.
        scratch: The folder in which parts lie meanwhile; without one, that for temporary files.
        checkpoint: Called with each block that is read; what it raises ends the comparison.

    Raises:
        WrongFile: A run has no ids, or groups that cannot be compared, or is damaged.
        Temporary: The list cannot be written, or there is no room for the parts.
    """
    spec = spec or MovesSpec()
    grouping = grouping_of(old, new, spec, models)
    with _scratch(scratch) as folder, ExitStack() as stack:
        opened = (open_rows(run, _encoding(run), checkpoint) for run in (old, new))
        rows = [stack.enter_context(each) for each in opened]
        ids = [_id_position(each, spec.id_column) for each in rows]
        clusters = _clusters(old, new, grouping)
        parts = part_count(max(map(_rows_of, (old, new))))
        again = grouping.model if grouping.by == "assigned again" else None
        readers = [
            _Reader(rows[0], ids[0], spec, clusters, again),
            _Reader(rows[1], ids[1], spec, clusters, None),
        ]
        hashed = [
            _hashed(reader, folder, name, parts)
            for reader, name in zip(readers, ("old", "new"), strict=True)
        ]
        matched = match(hashed[0], hashed[1], parts, clusters)
        groups = _groups(old, new, matched, grouping)
        traced = _Traced(rows[0], rows[1], ids, matched, groups, grouping, folder)
        counts, listed = _traced(traced, spec, target)
    return _moves(old, new, spec, grouping, matched, groups, counts, _id_name(new, spec), listed)


@contextmanager
def _scratch(root: Path | None) -> Iterator[Path]:
    """A folder for parts; whatever the disk refuses is told."""
    try:
        with unfinished(root) as folder:
            yield folder
    except CustomerClustersError:  # which may be an OSError as well, and says more
        raise
    except OSError as error:
        where = f"the folder for temporary files, {tempfile.gettempdir()} (TMPDIR)"
        raise Temporary("write", where, error.strerror or str(error)) from error


def _rows_of(run: CommittedRun) -> int:
    return run.manifest["rows_assigned"] + run.manifest["rows_rejected"]


def _encoding(run: CommittedRun) -> str | None:
    """What reads ids of a text in an unknown encoding: all that is ASCII is right."""
    return "latin-1" if run.manifest["input"].get("encoding") == "unknown" else None


def _id_name(run: CommittedRun, spec: MovesSpec) -> str:
    return spec.id_column or str(run.manifest.get("id_column"))


def _id_position(rows: RunRows, stated: str | None) -> int:
    name = stated or rows.run.manifest.get("id_column")
    if name is None:
        raise WrongFile(
            rows.run.address,
            "has no id column, by which customers could be found again; name one with --id",
        )
    position = rows.position(name)
    if position is None:
        there = ", ".join(map(repr, rows.names[:12]))
        raise WrongFile(
            rows.run.address,
            f"has no id column {name!r}; name the one that it has with --id (there are {there})",
        )
    return position


def _clusters(old: CommittedRun, new: CommittedRun, grouping: Grouping) -> tuple[int, ...]:
    known = {each["cluster"] for each in new.summary["clusters"]}
    if grouping.by != "assigned again":
        known |= {each["cluster"] for each in old.summary["clusters"]}
    return tuple(sorted(known))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads ids and clusters of a run, block by block."""

    rows: RunRows
    id: int
    spec: MovesSpec
    clusters: tuple[int, ...]
    again: ClusterModel | None
    """What assigns the customers again; None keeps the run's clusters."""

    def blocks(self, parts: IdParts) -> None:
        """Put every row into its part, and behind them those that were rejected."""
        features = FeatureReader(self.again, self.rows) if self.again else None
        cluster = self.rows.appended("cluster")
        assert cluster is not None
        columns = [self.id, *(features.columns if features else [cluster])]
        for ids, clusters in self.rows.map(partial(self._block, features), columns):
            parts.add(ids, clusters)
        if self.spec.id_column in (None, self.rows.run.manifest.get("id_column")):
            for ids in map(self._matched, rejected_ids(self.rows.run)):
                self.rows.checkpoint()
                parts.add(ids, np.full(len(ids), UNASSIGNED, np.int32))

    def _block(self, features: FeatureReader | None, batch: pa.RecordBatch) -> Block:
        ids = self._matched(id_texts(batch.column(0)))
        if features is None:
            found = values_of(typed(batch.column(1), "cluster")).astype(np.int64)
            return ids, self._indices(found)
        assert self.again is not None
        checked = features.check(batch.columns[1:])
        indices = np.full(batch.num_rows, UNASSIGNED, np.int32)
        if checked.good.any():
            assigned = self.again.assign_many(checked.features).cluster
            indices[checked.good] = self._indices(assigned)
        return ids, indices

    def _matched(self, ids: pa.Array) -> pa.Array:
        """The ids as they are matched."""
        return loosened(ids) if self.spec.ids == "number" else ids

    def _indices(self, clusters: NDArray[np.int64]) -> NDArray[np.int32]:
        found = np.searchsorted(self.clusters, clusters)
        inside = np.minimum(found, len(self.clusters) - 1)
        if (np.asarray(self.clusters)[inside] != clusters).any():
            raise WrongFile(self.rows.run.address, "has assigned rows of a group it does not know")
        return inside.astype(np.int32)


def _hashed(reader: _Reader, folder: Path, name: str, parts: int) -> IdParts:
    with IdParts(folder, name, parts) as hashed:
        reader.blocks(hashed)
    return hashed


@dataclass(frozen=True, slots=True)
class _Traced:
    """What is needed to go through both runs once more."""

    old: RunRows
    new: RunRows
    ids: Sequence[int]
    matched: Matched
    groups: tuple[GroupMoves, ...]
    grouping: Grouping
    folder: Path


def _traced(
    traced: _Traced, spec: MovesSpec, target: ListTarget | None
) -> tuple[FeatureCounts | None, int | None]:
    """Features of those who moved, and the list; runs are read again where either is wanted."""
    model = traced.grouping.model
    if target is None:
        if model is None or not traced.matched.movers:
            return None, None
        return _trace(traced, None), None
    with written(target) as path:
        with open_moves_list(path, spec, traced.old.run, traced.new.run) as writer:
            listing = MoverList(spec, traced.groups, _id_name(traced.new.run, spec), writer)
            counts = _trace(traced, listing)
            listing.finish()
        return counts, listing.rows


def _trace(traced: _Traced, listing: MoverList | None) -> FeatureCounts | None:
    return trace(
        traced.old, traced.new, traced.ids, traced.matched, traced.grouping.model,
        traced.folder, listing,
    )  # fmt: skip


def _groups(
    old: CommittedRun, new: CommittedRun, matched: Matched, grouping: Grouping
) -> tuple[GroupMoves, ...]:
    after = {each["cluster"]: each for each in new.summary["clusters"]}
    before = after
    if grouping.by == "crosswalk":
        before = {each["cluster"]: each for each in old.summary["clusters"]}

    def rate(known: Mapping[int, ClusterSummary], cluster: int) -> float | None:
        return known[cluster]["training_churn_rate"] if cluster in known else None

    return tuple(
        GroupMoves(
            cluster,
            (after.get(cluster) or before[cluster])["cluster_name"],
            rate(before, cluster),
            rate(after, cluster),
            int(matched.counts[at].sum()),
            int(matched.counts[:, at].sum()),
            int(matched.counts[at, at]),
            int(matched.new.alone[at]),
            int(matched.old.alone[at]),
        )
        for at, cluster in enumerate(matched.clusters)
    )


def _moves(
    old: CommittedRun,
    new: CommittedRun,
    spec: MovesSpec,
    grouping: Grouping,
    matched: Matched,
    groups: tuple[GroupMoves, ...],
    counted: FeatureCounts | None,
    id_column: str,
    listed: int | None,
) -> Moves:
    counts = tuple(map(tuple, matched.counts.tolist()))
    rates = [each.rate_before for each in groups], [each.rate_after for each in groups]
    sides = _side(old, matched.old), _side(new, matched.new)
    comparable = grouping.comparable and not any(side.implausible for side in sides)
    direction = direction_of(counts, *rates, comparable=comparable)
    features = grouping.model.contract.features if grouping.model else ()
    moves = Moves(
        *sides,
        id_column,
        spec.ids,
        matched.near,
        grouping,
        groups,
        counts,
        _transitions(groups, counts, counted),
        counted.all() if counted else {},
        {feature.name: feature.label for feature in features},
        direction,
        (),
        listed,
    )
    return notes_of(moves)


def _side(run: CommittedRun, side: Side) -> RunSide:
    return RunSide.of(
        run,
        without_id=side.without_id,
        repeated_ids=side.repeated.ids,
        repeated_rows=side.repeated.rows,
        unassigned=side.unassigned,
    )


def _transitions(
    groups: Sequence[GroupMoves],
    counts: Sequence[Sequence[int]],
    counted: FeatureCounts | None,
) -> tuple[Transition, ...]:
    made = []
    for old, row in enumerate(counts):
        for new, customers in enumerate(row):
            share = share_of(customers, sum(row))
            if old == new or not customers or share is None:
                continue
            was, now = groups[old].rate_before, groups[new].rate_after
            way = 0 if was is None or now is None else (now > was) - (now < was)
            features = counted.of(old, new) if counted else {}
            made.append(
                Transition(
                    groups[old].cluster, groups[new].cluster, customers, share, way, features
                )
            )
    return tuple(sorted(made, key=lambda each: -each.customers))
