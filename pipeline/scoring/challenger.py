"""Champion and challenger: a second model on the same customers, and where both disagree.

The challenger changes nothing in what the first model says: it sees the customers that the first
one has assigned, and one that it cannot assign itself is counted and keeps an empty cell.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.churn import ChurnRate
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import adjusted_rand
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.validation import check
from pipeline.scoring.spec import Challenger

COLUMN = "challenger_cluster"
NO_COLUMN = "no_column"
"""The code for customers of a file that lacks a column of the challenger."""
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ChallengerCounts:
    """What is counted of both models together; it adds up like a tally.

    Arrays have a row for each cluster of the first model, a column for each of the challenger's,
    and a last one for the customers that the challenger cannot assign.
    """

    customers: Counts
    labelled: Counts
    churned: Counts
    unassigned: Counter[str]
    """Column and code → customers that the challenger cannot assign."""

    def plus(self, other: Self | None) -> Self:
        """With the counts of another part of the same file."""
        if other is None:
            return self
        return type(self)(
            self.customers + other.customers,
            self.labelled + other.labelled,
            self.churned + other.churned,
            self.unassigned + other.unassigned,
        )


class ChallengerScorer:
    """A challenger on one file; columns are bound by name, once."""

    def __init__(self, challenger: Challenger, file: CustomerFile, clusters: int) -> None:
        """`clusters`: how many the first model has."""
        self.challenger, self._numbers, self._clusters = challenger, file.numbers, clusters
        self.columns: dict[str, int] = {}
        """Of its features, those that the file has."""
        self._missing: list[str] = []
        for feature in challenger.model.contract.features:
            try:
                self.columns[feature.name] = file.column(feature.name)
            except WrongFile:  # for the challenger; the file is as good as the first model finds it
                self._missing.append(feature.name)
        if self._missing:
            self.columns.clear()  # nobody needs them

    def assign(
        self,
        columns: Sequence[pa.Array],
        place: dict[int, int],
        positions: NDArray[np.intp],
        churned: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.intp], ChallengerCounts]:
        """Each customer's place in `Challenger.ids`, and the counts.

        `place` says where a column of the file is among the columns; `positions` and `churned`
        are what is known of the same customers.
        """
        model = self.challenger.model
        found = np.full(len(positions), len(model.clusters), np.intp)
        if self._missing:
            unassigned = Counter({f"{self._missing[0]} {NO_COLUMN}": len(positions)})
        else:
            given = {name: columns[place[column]] for name, column in self.columns.items()}
            checked = check(model.contract, given, self._numbers)
            ids = [cluster.id for cluster in model.clusters]
            own = model.assign_many(checked.features).cluster
            found[checked.good] = np.searchsorted(ids, own)
            first = (problems[0] for problems in checked.problems.values())
            unassigned = Counter(f"{problem.column} {problem.code}" for problem in first)

        def count(rows: NDArray[np.bool_]) -> Counts:
            table = np.zeros((self._clusters, len(model.clusters) + 1), np.int64)
            np.add.at(table, (positions[rows], found[rows]), 1)
            return table

        everybody, nobody = np.ones(len(found), bool), np.zeros(len(found), bool)
        known = nobody if churned is None else ~np.isnan(churned)
        left = nobody if churned is None else churned == 1
        return found, ChallengerCounts(count(everybody), count(known), count(left), unassigned)


def disagreement(
    model: ClusterModel, challenger: Challenger, versus: ChallengerCounts
) -> dict[str, Any]:
    """What a run's summary says of a challenger.

    `cluster_ids` (rows), `challenger_ids` (columns) and `crosstab` count the customers that both
    assigned. Of these `differ` get another cluster id, which is None where training never matched
    the clusters of both; `ari`, the adjusted Rand index, does not mind what clusters are called.
    Churn is expected for, and was observed of, the same customers under either model.
    """
    both = versus.customers[:, :-1]
    ids = [cluster.id for cluster in model.clusters]
    theirs = [cluster.id for cluster in challenger.model.clusters]
    customers = int(both.sum())
    same = sum(int(both[ids.index(id), theirs.index(id)]) for id in ids if id in theirs)
    differ = customers - same if challenger.related else None
    reasons = dict(sorted(versus.unassigned.items(), key=lambda item: (-item[1], item)))
    return {
        "version": challenger.version,
        "customers": customers,
        "unassigned": int(versus.customers[:, -1].sum()),
        "unassigned_for": reasons,
        "differ": differ,
        "differ_share": None if differ is None or not customers else differ / customers,
        "ari": adjusted_rand(both),
        "cluster_ids": ids,
        "challenger_ids": theirs,
        "crosstab": both.tolist(),
        "expected_churners": {
            "model": _expected(model, both.sum(axis=1)),
            "challenger": _expected(challenger.model, both.sum(axis=0)),
        },
        "clusters": [
            {
                "cluster": cluster.id,
                "cluster_name": cluster.name,
                "customers": int(both[:, place].sum()),
                "share": int(both[:, place].sum()) / customers if customers else 0.0,
                "training_churn_rate": cluster.churn.rate if cluster.churn else None,
                "observed_churn": _observed(versus, place),
            }
            for place, cluster in enumerate(challenger.model.clusters)
        ],
    }


def _expected(model: ClusterModel, customers: Counts) -> float | None:
    """Churners at training's rates; None where training knew none."""
    rates = [cluster.churn.rate for cluster in model.clusters if cluster.churn]
    if len(rates) < len(model.clusters):
        return None
    return float(f"{float(customers @ np.array(rates)):.10g}")


def _observed(versus: ChallengerCounts, place: int) -> dict[str, Any] | None:
    churned, labelled = (int(t[:, place].sum()) for t in (versus.churned, versus.labelled))
    rate = ChurnRate.of(churned, labelled)
    return None if rate is None else asdict(rate)
