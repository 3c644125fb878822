import numpy as np
import pytest
from sklearn.cluster import KMeans

from pipeline.training.statistics.valleys import Points, Valley, worst_valley


def valley(points: Points, k: int) -> Valley:
    labels = KMeans(k, n_init=3, random_state=0).fit(points).labels_
    return worst_valley(points, labels)


@pytest.mark.parametrize("seed", range(5))
def test_there_is_no_valley_within_one_group(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for points in (
        rng.normal(size=(400, 2)),
        rng.uniform(size=(400, 2)),
        rng.gamma(1, 1, (400, 2)),
    ):
        assert valley(points, 2).p_value > 0.003


def test_the_valley_between_two_groups_is_nearly_empty() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (200, 3)), rng.normal((5, 0, 0), 1, (200, 3))])
    found = valley(points, 2)
    assert found.p_value < 1e-6
    assert found.ratio < 0.3


def test_the_worst_of_several_counts() -> None:
    rng = np.random.default_rng(1)
    apart = rng.normal((12, 0), 1, (200, 2))
    points = np.concatenate([rng.normal(size=(400, 2)), apart])
    assert valley(points, 2).p_value < 1e-6
    assert valley(points, 3).p_value > 0.003  # two of the three are halves of one group
