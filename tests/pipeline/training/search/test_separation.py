import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipeline.training.search.separation import auc_of_rates


def test_the_auc_is_that_of_each_customers_rate() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=500)
    churned = rng.random(500) < np.array([0.1, 0.5, 0.2, 0.7])[labels]
    rates = np.bincount(labels, churned) / np.bincount(labels)
    expected = roc_auc_score(churned, rates[labels])
    assert auc_of_rates(labels, churned) == pytest.approx(expected)


def test_a_cluster_without_customers_changes_nothing() -> None:
    labels, churned = np.array([0, 0, 2, 2]), np.array([False, False, True, True])
    assert auc_of_rates(labels, churned) == 1.0
