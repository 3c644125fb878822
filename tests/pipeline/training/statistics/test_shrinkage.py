from dataclasses import replace

import numpy as np
import pytest

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster_model import ClusterModel
from pipeline.training.statistics.evidence import prior_strength
from pipeline.training.statistics.shrinkage import SMALL, shrink


def test_only_small_clusters_are_drawn_towards_all_customers(model: ClusterModel) -> None:
    counts = ((5, 10), (20, 200), (90, 300))
    rates = [ChurnRate.of(*pair) for pair in counts]
    clusters = [replace(c, churn=r) for c, r in zip(model.clusters, rates, strict=True)]
    strength = prior_strength(*np.array(counts).T)
    found = shrink(clusters)
    assert found == {1: pytest.approx((5 + strength * 115 / 510) / (10 + strength))}
    assert 115 / 510 < found[1] < 0.5


def test_a_cluster_is_small_below_the_threshold(model: ClusterModel) -> None:
    rates = [ChurnRate.of(9, n) for n in (SMALL - 1, SMALL, 900)]
    clusters = [replace(c, churn=r) for c, r in zip(model.clusters, rates, strict=True)]
    assert list(shrink(clusters)) == [1]


def test_without_a_label_nothing_is_shrunken(model: ClusterModel) -> None:
    assert shrink([replace(cluster, churn=None) for cluster in model.clusters]) == {}
