"""What each feature adds to a cluster's lead over the runner-up, counted over its customers.

Contributions are of floating point. They are counted in whole steps, so that any order of adding
gives the same sums to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import ClusterContributions, FeatureContribution

if TYPE_CHECKING:
    from pipeline.model.many.explanations import Explanations

_STEPS = 2.0**20
"""In one: a sum is exact until it passes 8,589,934,592."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class ContributionCounts:
    """Sums of contributions, in steps: a row a feature, a column a cluster, in the model's order.

    They add up like a tally.
    """

    sums: NDArray[np.float64]
    sizes: NDArray[np.float64]
    """Without their signs."""

    @classmethod
    def of(cls, found: "Explanations", clusters: int) -> Self:
        """Count the customers of one block.

        Args:
            found: Why they belong to their clusters.
            clusters: How many clusters the model has.
        """
        steps = [np.rint(part * _STEPS) for part in found.contributions.values()]
        sums = [np.bincount(found.own, step, minlength=clusters) for step in steps]
        sizes = [np.bincount(found.own, np.abs(step), minlength=clusters) for step in steps]
        return cls(np.stack(sums), np.stack(sizes))

    def plus(self, other: Self | None) -> Self:
        """With the counts of another part of the same file."""
        if other is None:
            return self
        return type(self)(self.sums + other.sums, self.sizes + other.sizes)


def mean_contributions(
    model: ClusterModel, counts: ContributionCounts, customers: Sequence[int]
) -> list[ClusterContributions]:
    """The means of every cluster, in the model's order.

    Args:
        model: The model that assigned the customers.
        counts: What was counted of the whole input.
        customers: Each cluster's.
    """
    names = [feature.name for feature in model.contract.features]
    return [
        _of_cluster(cluster, number, names, sums / _STEPS, sizes / _STEPS)
        for cluster, number, sums, sizes in zip(
            model.clusters, customers, counts.sums.T, counts.sizes.T, strict=True
        )
    ]


def _of_cluster(
    cluster: Cluster,
    customers: int,
    names: Sequence[str],
    sums: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> ClusterContributions:
    total = float(sizes.sum())

    def of_feature(added: float, size: float) -> FeatureContribution:
        return {
            "mean": round(added / customers, _DECIMALS),
            "mean_size": round(size / customers, _DECIMALS),
            "share": round(size / total, _DECIMALS) if total else 0.0,
        }

    each = zip(names, sums.tolist(), sizes.tolist(), strict=True) if customers else ()
    features = {name: of_feature(added, size) for name, added, size in each}
    weightiest = sorted(features, key=lambda name: -features[name]["share"])
    return {
        "cluster": cluster.id,
        "cluster_name": cluster.name,
        "features": {name: features[name] for name in weightiest},
    }
