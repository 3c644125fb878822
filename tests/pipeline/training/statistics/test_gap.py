import numpy as np
import pytest

from pipeline.training.statistics import gap
from pipeline.training.statistics.gap import Points

CENTRES = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]])


def blobs(k: int, size: int = 100) -> Points:
    labels = np.repeat(np.arange(k), size)
    return CENTRES[labels] + np.random.default_rng(0).normal(size=(k * size, 3))


@pytest.mark.parametrize("k", [2, 3, 4])
def test_the_gap_finds_separated_clusters(k: int) -> None:
    gaps = gap.gap_statistic(blobs(k), range(1, 7), 10, np.random.default_rng(0))
    assert gap.gap_choice(gaps) == k
    assert gap.has_structure(gaps)


@pytest.mark.parametrize("seed", range(6))
def test_the_gap_finds_nothing_in_noise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gaps = gap.gap_statistic(rng.uniform(size=(300, 3)), range(1, 5), 10, rng)
    assert gap.gap_choice(gaps) == 1
    assert not gap.has_structure(gaps)


def test_the_gap_follows_its_definition() -> None:
    """Pairwise distances, eigenvectors and customers rotated back, unlike the module's own way."""
    X = blobs(2, size=50) * [1, 2, 3] + 7
    axes = np.linalg.eigh(np.cov(X.T))[1]
    turned = (X - X.mean(axis=0)) @ axes
    rng, box = np.random.default_rng(3), (turned.min(axis=0), turned.max(axis=0), turned.shape)
    expected = [np.log(_scatter(rng.uniform(*box) @ axes.T)) for _ in range(200)]
    first, again = (gap.gap_statistic(X, [1], 200, np.random.default_rng(4))[0] for _ in "ab")
    assert first == again
    assert first.log_inertia == pytest.approx(np.log(_scatter(X)))
    assert first.gap == pytest.approx(np.mean(expected) - np.log(_scatter(X)), abs=0.02)
    pairs = [gap.gap_statistic(X, [1], 2, rng)[0].standard_error for _ in range(300)]
    spread = np.std(expected) / np.sqrt(np.pi)  # mean of half the distance of two normal draws
    assert np.mean(pairs) == pytest.approx(spread * np.sqrt(1 + 1 / 2), rel=0.1)


def _scatter(points: Points) -> float:
    """W_1 of the paper: the sum of squared distances of all ordered pairs, over 2 n."""
    return float(((points[:, None] - points) ** 2).sum() / (2 * len(points)))


@pytest.mark.parametrize(("second", "k"), [(0.15, 1), (0.9, 2), (0.5, 3)])
def test_the_smallest_sufficient_k_is_chosen(second: float, k: int) -> None:
    gaps = [gap.Gap(n, 0.0, height, 0.1) for n, height in enumerate((0.1, second, 0.8), 1)]
    assert gap.gap_choice(gaps) == k


def test_the_gap_at_one_k_is_that_of_the_curve() -> None:
    points = blobs(3)
    curve = gap.gap_curve(points)
    assert [found.k for found in curve] == list(range(1, 9))
    assert gap.gap_at(points, 3) == (curve[0], curve[2])


def test_more_clusters_than_different_customers_have_no_gap() -> None:
    points = np.repeat(CENTRES[:3, :2].astype(float), 20, axis=0)
    assert [found.k for found in gap.gap_curve(points)] == [1, 2]
    assert gap.gap_at(points, 3) is None


def test_the_rule_for_k_needs_every_k() -> None:
    with pytest.raises(ValueError, match=r"found \[1, 3\]"):
        gap.gap_choice([gap.Gap(1, 0.0, 0.1, 0.1), gap.Gap(3, 0.0, 0.1, 0.1)])
