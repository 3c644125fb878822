"""Which customers of a block belong to an audience, and what orders them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.contract import Label
from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.reading.options import WrongOption
from pipeline.runs.audience.control import in_control
from pipeline.runs.audience.spec import ORDERS, AudienceCounts, AudienceSpec, Order, unknown
from pipeline.runs.rows import RunRows, texts_of, typed

Keys = NDArray[np.float64]
"""A row for each of what orders customers, the most important first; smaller numbers first."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The customers of a block that may be listed."""

    batch: pa.RecordBatch
    """Their columns that are listed, and `control` where there is such a group."""
    keys: Keys
    counts: AudienceCounts


@dataclass(frozen=True, slots=True)
class Selection:
    """How the rows of one run are chosen; its columns are bound by name, once."""

    spec: AudienceSpec
    rows: RunRows
    by: Order
    columns: tuple[int, ...]
    """The positions of the columns to list."""
    id: int | None
    label: tuple[int, Label] | None
    """Where the file says who has churned, and what its values mean."""
    riskiest: frozenset[int]
    """The groups with the highest churn rate."""

    @classmethod
    def of(
        cls, spec: AudienceSpec, rows: RunRows, id_column: str | None, label: Label | None
    ) -> "Selection":
        """Bind what was asked for to the columns of a run.

        Args:
            spec: What was asked for.
            rows: The rows of the run.
            id_column: The contract's.
            label: The contract's.

        Raises:
            WrongFile: The run has no such cluster or column.
            WrongOption: It has not what orders the list.
        """
        found = None if label is None else rows.position(label.column)
        selection = cls(
            spec,
            rows,
            _order(spec, rows),
            _columns(spec, rows, rows.position(id_column)),
            rows.position(id_column),
            (found, label) if found is not None and label is not None else None,
            _riskiest(rows),
        )
        if spec.control and selection.id is None:
            raise WrongFile(
                rows.run.address,
                "has no id column, by which a control group is drawn; leave out --control",
            )
        known = [cluster["cluster"] for cluster in rows.run.summary["clusters"]]
        if missing := unknown(spec.clusters, known):
            there = ", ".join(map(str, known))
            raise WrongFile(rows.run.address, f"has no cluster {missing[0]}; there are {there}")
        return selection

    @property
    def clusters(self) -> tuple[int, ...]:
        """The ids that are listed."""
        every = (cluster["cluster"] for cluster in self.rows.run.summary["clusters"])
        return self.spec.clusters or tuple(every)

    def select(self, batch: pa.RecordBatch) -> Selected:
        """The customers of a block that may be listed, in the order of the file."""
        spec, counts = self.spec, AudienceCounts(assigned=batch.num_rows)
        cluster = self._numbers(batch, "cluster")
        kept = np.isin(cluster, self.clusters)
        counts.other_clusters = int((~kept).sum())
        churned, not_known = self._churned(batch)
        counts.churn_unknown = int((not_known & kept).sum())
        if not spec.include_churned:
            kept, counts.churned = _without(kept, churned)
        if spec.exclude_outliers:
            kept, counts.outliers = _without(kept, self._numbers(batch, "outlier") > 0)
        if spec.min_margin:
            near = ~(self._numbers(batch, "margin") >= spec.min_margin)
            kept, counts.near_border = _without(kept, near)
        good = column_of(kept)
        chosen = batch.filter(good)
        keys = self._keys(batch)[:, kept]
        listed = chosen.select(list(self.columns))
        if spec.control:
            flags = self._control(chosen)
            counts.control = int(flags.sum())
            listed = listed.add_column(0, "control", column_of(flags))  # the first of all
        counts.listed = len(keys[0])
        return Selected(listed, keys, counts)

    def _control(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        assert self.id is not None
        ids = texts_of(batch.column(self.id))
        return np.fromiter(
            in_control(ids, self.spec.control, self.spec.control_key), bool, len(ids)
        )

    def _churned(self, batch: pa.RecordBatch) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Who has churned, and of whom it is not known."""
        nobody = np.zeros(batch.num_rows, bool)
        if self.label is None:
            return nobody, nobody
        position, label = self.label
        words = texts_of(batch.column(position))
        meanings = {word: label.parse(word) for word in set(words)}
        churned = np.array([meanings[word] is True for word in words], bool)
        unknown_of = np.array([meanings[word] is None for word in words], bool)
        return churned, unknown_of

    def _keys(self, batch: pa.RecordBatch) -> Keys:
        """What orders the customers; unknown comes last."""
        margin = self._numbers(batch, "margin")
        if self.by == "distance":
            keys = [self._numbers(batch, "distance")]
        elif self.by == "margin":
            keys = [-margin]
        elif self.by == "risk":
            outlier = self._numbers(batch, "outlier")  # of whom the score knows little
            keys = [outlier, -self._numbers(batch, "risk"), margin]
        else:
            surest = np.isin(self._numbers(batch, "cluster"), [*self.riskiest])
            keys = [-self._numbers(batch, "churn_rate"), np.where(surest, -margin, margin)]
        return np.where(np.isnan(keys), np.inf, keys)

    def _numbers(self, batch: pa.RecordBatch, role: str) -> NDArray[np.float64]:
        position = self.rows.appended(role)
        assert position is not None
        numbers: NDArray[np.float64] = values_of(typed(batch.column(position), role)).astype(float)
        return numbers


class Best:
    """The first customers of an order, of any number of blocks, in memory that is bounded."""

    def __init__(self, most: int, *, cut: bool) -> None:
        """Begin without any.

        Args:
            most: How many are kept.
            cut: Keep the first where there are more; else none of them.
        """
        self._most, self._cut = most, cut
        self._batches: list[pa.RecordBatch] = []
        self._keys: list[Keys] = []
        self.rows = 0
        """That were added."""

    def add(self, selected: Selected) -> None:
        """Add customers; of equal ones those that were added first stand first."""
        self.rows += selected.batch.num_rows
        if self.overflowed:
            self._batches, self._keys = [], []
            return
        self._batches.append(selected.batch)
        self._keys.append(selected.keys)
        if sum(batch.num_rows for batch in self._batches) > 2 * self._most + 65_536:
            self._batches, self._keys = self._sorted()

    @property
    def overflowed(self) -> bool:
        """Whether there were too many, and none is kept."""
        return self.rows > self._most and not self._cut

    def batches(self) -> Sequence[pa.RecordBatch]:
        """The first customers in their order."""
        return self._sorted()[0] if self._batches else []

    def _sorted(self) -> tuple[list[pa.RecordBatch], list[Keys]]:
        keys = np.concatenate(self._keys, axis=1)
        order = np.lexsort(keys[::-1])[: self._most]  # which is stable
        table = pa.Table.from_batches(self._batches).take(column_of(order))
        return table.combine_chunks().to_batches(), [keys[:, order]]


def add_counts(total: AudienceCounts, part: AudienceCounts) -> AudienceCounts:
    """The counts of two blocks."""
    names = AudienceCounts.__dataclass_fields__
    return replace(total, **{name: getattr(total, name) + getattr(part, name) for name in names})


def _without(kept: NDArray[np.bool_], dropped: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    """What is kept but not dropped, and how many that costs."""
    return kept & ~dropped, int((kept & dropped).sum())


def _order(spec: AudienceSpec, rows: RunRows) -> Order:
    if spec.by is None:
        return "risk" if rows.appended("risk") is not None else "churn_rate"
    if rows.appended(spec.by) is None:
        there = [role for role in ORDERS if role in rows.roles.values()]
        raise WrongOption("by", f"a column that this run has ({', '.join(there)})", spec.by)
    return spec.by


def _columns(spec: AudienceSpec, rows: RunRows, own_id: int | None) -> tuple[int, ...]:
    """Those that were named, and the id first where it was not: nobody is called without it."""
    if missing := unknown(spec.columns, rows.names):
        there = ", ".join(map(repr, rows.names))
        raise WrongFile(rows.run.address, f"has no column {missing[0]!r}; there are {there}")
    named = tuple(map(rows.names.index, spec.columns))
    if not named:
        return tuple(range(len(rows.names)))
    return named if own_id is None or own_id in named else (own_id, *named)


def _riskiest(rows: RunRows) -> frozenset[int]:
    rates = {each["cluster"]: each["training_churn_rate"] for each in rows.run.summary["clusters"]}
    known = [rate for rate in rates.values() if rate is not None]
    return frozenset(each for each, rate in rates.items() if known and rate == max(known))
