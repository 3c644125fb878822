"""Churn rates of small clusters, drawn towards the rate of all customers."""

from collections.abc import Sequence

import numpy as np

from pipeline.model.cluster import Cluster
from pipeline.training.statistics.evidence import prior_strength, shrunken_rate

SMALL = 100
"""A cluster with fewer customers is small: the 95 % interval of its rate can span 20 points."""


def shrink(clusters: Sequence[Cluster]) -> dict[int, float]:
    """Shrunken churn rates of the small clusters, by id; none where there is no label."""
    rates = {cluster.id: cluster.churn for cluster in clusters if cluster.churn}
    churned = np.array([rate.churned for rate in rates.values()], np.intp)
    n = np.array([rate.customers for rate in rates.values()], np.intp)
    strength, overall = prior_strength(churned, n), churned.sum() / max(n.sum(), 1)
    return {
        key: float(shrunken_rate(rate.churned, rate.customers, overall, strength))
        for key, rate in rates.items()
        if rate.customers < SMALL
    }
