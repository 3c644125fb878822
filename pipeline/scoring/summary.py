"""Counting clusters and churn over the blocks of a run."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.churn import ChurnRate
from pipeline.cluster import Cluster
from pipeline.model import ClusterModel
from pipeline.scoring.score import Scored


@dataclass(slots=True)
class Summary:
    """Adds up scored blocks; what it states at the end does not depend on their order."""

    model: ClusterModel
    rejected: Counter[str] = field(default_factory=Counter)
    """Column and code → number of rows."""
    _clusters: dict[int, "_Counts"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.model.contract.features if feature.numeric]
        self._clusters = {cluster.id: _Counts(names) for cluster in self.model.clusters}

    def add(self, scored: Scored) -> None:
        """Count one block."""
        self.rejected.update(f"{r.column} {r.code}".strip() for r in scored.rejects)
        for cluster_id, counts in self._clusters.items():
            counts.add(scored, scored.assignments.cluster == cluster_id)

    @property
    def rows_assigned(self) -> int:
        return sum(counts.customers for counts in self._clusters.values())

    @property
    def rows_rejected(self) -> int:
        return self.rejected.total()

    def to_dict(self) -> dict[str, Any]:
        """The whole summary: totals, why rows were rejected, and every cluster."""
        churned = sum(counts.churned for counts in self._clusters.values())
        labelled = sum(counts.labelled for counts in self._clusters.values())
        clusters = [self._cluster(cluster) for cluster in self.model.clusters]
        expected = [cluster["expected_churners"] for cluster in clusters]
        return {
            "rows_in": self.rows_assigned + self.rows_rejected,
            "rows_assigned": self.rows_assigned,
            "rows_rejected": self.rows_rejected,
            "rejected_for": dict(sorted(self.rejected.items(), key=lambda item: (-item[1], item))),
            "outliers": sum(counts.outliers for counts in self._clusters.values()),
            "observed_churn": _rate(churned, labelled),
            "expected_churners": None if None in expected else sum(expected),
            "clusters": clusters,
        }

    def _cluster(self, cluster: Cluster) -> dict[str, Any]:
        counts, total = self._clusters[cluster.id], self.rows_assigned
        rate = cluster.churn.rate if cluster.churn else None
        return {
            "cluster": cluster.id,
            "cluster_name": cluster.name,
            "customers": counts.customers,
            "share": counts.customers / total if total else 0.0,
            "training_share": cluster.share,
            "training_churn_rate": rate,
            "expected_churners": None if rate is None else counts.customers * rate,
            "observed_churn": _rate(counts.churned, counts.labelled),
            "outliers": counts.outliers,
            "means": {
                name: float(total / counts.customers) if counts.customers else None
                for name, total in counts.sums.items()
            },
        }


class _Counts:
    """What is counted of one cluster."""

    def __init__(self, names: list[str]) -> None:
        self.customers = self.outliers = self.labelled = self.churned = 0
        self.sums = dict.fromkeys(names, 0.0)

    def add(self, scored: Scored, inside: NDArray[np.bool_]) -> None:
        self.customers += int(inside.sum())
        self.outliers += int(scored.assignments.outlier[inside].sum())
        churned = scored.churned[inside]
        self.labelled += int((~np.isnan(churned)).sum())
        self.churned += int((churned == 1).sum())
        for name in self.sums:
            self.sums[name] += float(scored.features[name][inside].sum())


def _rate(churned: int, labelled: int) -> dict[str, Any] | None:
    rate = ChurnRate.of(churned, labelled)
    if rate is None:
        return None
    return {
        "churned": rate.churned,
        "customers": rate.customers,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
    }
