"""The gap statistic: whether clusters hold customers more tightly than chance would."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

Points = NDArray[np.float64]  # (customers, axes)

ROWS = 2_000
ROUNDS = 10
MOST_CLUSTERS = 8
_SEED = 42


@dataclass(frozen=True, slots=True)
class Gap:
    """How much more tightly k clusters hold the customers than customers without structure."""

    k: int
    log_inertia: float
    gap: float
    standard_error: float


def gap_curve(points: Points) -> list[Gap]:
    """From one cluster to the most that are tried, on a seeded sample; the same answer always."""
    return _sampled(points, range(1, MOST_CLUSTERS + 1))


def gap_at(points: Points, k: int) -> tuple[Gap, Gap] | None:
    """A single group and k clusters, as on the curve; None with too few different customers."""
    gaps = _sampled(points, (1, k))
    return (gaps[0], gaps[1]) if len(gaps) == 2 else None


def _sampled(points: Points, ks: Sequence[int]) -> list[Gap]:
    rng = np.random.default_rng(_SEED)
    sample = points[np.sort(rng.permutation(len(points))[:ROWS])]
    distinct = len(np.unique(sample, axis=0))
    return gap_statistic(sample, [k for k in ks if k < distinct], ROUNDS, rng)


def gap_statistic(
    X: Points, ks: Sequence[int], rounds: int, rng: Generator, n_init: int = 3
) -> list[Gap]:
    """Log inertia of K-Means against that of customers drawn without structure, for each k.

    Tibshirani, Walther & Hastie 2001 (JRSS B 63:411-423), variant b: the reference is uniform over
    the box around the customers along their principal axes. Inertia is in squared units of `X`.
    Every k must stay below the number of distinct rows; which others are asked for changes nothing.
    """
    with threadpool_limits(1):  # sums depend on how many threads share them
        centred = X - X.mean(axis=0)
        axes = np.linalg.svd(centred, full_matrices=False)[2]
        rotated = centred @ axes.T  # distances, so inertia too, do not change with rotation
        low, high = rotated.min(axis=0), rotated.max(axis=0)
        observed = _log_inertias(rotated, ks, n_init, rng)
        references = [rng.uniform(low, high, rotated.shape) for _ in range(rounds)]
        expected = np.array([_log_inertias(points, ks, n_init, rng) for points in references])
    gaps = expected.mean(axis=0) - observed
    errors = expected.std(axis=0) * math.sqrt(1 + 1 / rounds)
    columns = np.column_stack([observed, gaps, errors]).tolist()
    return [Gap(k, *figures) for k, figures in zip(ks, columns, strict=True)]


def gap_choice(gaps: Sequence[Gap]) -> int:
    """The smallest k whose gap reaches the next one's less its standard error.

    1 means no structure; the largest k tried, that no smaller one was enough. More than 1 is weak
    evidence: a uniform box with unequal sides gets there about every other time, because the
    reference's axes are estimated and one standard error is not much.
    """
    if (ks := [gap.k for gap in gaps]) != list(range(1, len(gaps) + 1)):
        raise ValueError(f"gaps must be those of 1, 2, 3 and so on clusters; found {ks}")
    enough = (a.k for a, b in pairwise(gaps) if a.gap >= b.gap - b.standard_error)
    return next(enough, gaps[-1].k)


def has_structure(gaps: Sequence[Gap]) -> bool:
    """Whether any number of clusters beats a single group clearly.

    By more than two standard errors of each. The rule of `gap_choice` stops at the first local
    maximum, which skewed data has at one group even where five stand far apart.
    """
    if not gaps:
        return False
    single = next(gap for gap in gaps if gap.k == 1)
    bar = single.gap + 2 * single.standard_error
    return any(gap.gap - 2 * gap.standard_error > bar for gap in gaps if gap.k > 1)


def _log_inertias(points: Points, ks: Sequence[int], n_init: int, rng: Generator) -> Points:
    seed = int(rng.integers(2**31))
    fits = (KMeans(k, n_init=n_init, random_state=seed) for k in ks)
    return np.log([kmeans.fit(points).inertia_ for kmeans in fits])
