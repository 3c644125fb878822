"""What one group of customers would look like: a reference to compare clusters with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Values = NDArray[np.float64]
_MODES = 41
"""So many positions are tried for the peak of a distribution."""


@dataclass(frozen=True, slots=True)
class OneGroup:
    """Customers of one group, with the spread, skew, tails and correlations of those given.

    Each column has the distribution with one peak that is closest to its own (Hartigan & Hartigan
    1985, Ann. Statist. 13:70-84), and columns go together by a Gaussian copula with the
    correlations of their normal scores. Hennig & Lin (2015, Stat. Comput. 25:821-833) compare
    clusters with such a parametric bootstrap.
    """

    columns: tuple[tuple[Values, Values], ...]
    """Per column: values in order, and the share of customers up to each."""
    root: Values
    """(columns, columns): the root of the correlations."""

    @classmethod
    def of(cls, values: Values, kept: Sequence[bool]) -> Self:
        """Fit the reference to customers.

        Args:
            values: (customers, columns), without ties; see `spread_ties`.
            kept: For each column, whether its distribution stays as it is. Categories have no
                order in which they could have a peak.
        """
        scores = normal_scores(values)
        correlations = np.atleast_2d(np.corrcoef(scores, rowvar=False))
        root = np.linalg.cholesky(
            np.asarray(correlations + 1e-6 * np.eye(len(correlations)), float)
        )
        columns = zip(values.T, kept, strict=True)
        return cls(tuple(_as_is(v) if keep else single_peak(v) for v, keep in columns), root)

    def draw(self, customers: int, rng: Generator) -> Values:
        """Draw so many customers; (customers, columns)."""
        scores = rng.standard_normal((customers, len(self.columns))) @ self.root.T
        shares = ndtr(scores)
        drawn = [
            np.interp(share, cumulative, values)
            for share, (values, cumulative) in zip(shares.T, self.columns, strict=True)
        ]
        return np.column_stack(drawn)


def normal_scores(values: Values) -> Values:
    """What ranks would be were each column normal; (customers, columns), ties in row order."""
    ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0)
    scores: Values = ndtri((ranks + 0.5) / len(values))
    return scores


def spread_ties(column: Values, rng: Generator) -> Values:
    """Spread equal values evenly over the room that each has up to its neighbours.

    A count or a flag is no group by itself: spread, it has no gaps between its values. A value
    that only one customer has stays as it is.
    """
    distinct, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(distinct) < 2 or counts.max() == 1:
        return column
    half = np.diff(distinct) / 2
    below, above = np.append(half[:1], half), np.append(half, half[-1:])
    position = rng.uniform(size=len(column)) * (below + above)[inverse] - below[inverse]
    return column + np.where(counts[inverse] > 1, position, 0.0)


def _as_is(column: Values) -> tuple[Values, Values]:
    return np.sort(column), (np.arange(len(column)) + 0.5) / len(column)


def single_peak(column: Values) -> tuple[Values, Values]:
    """The closest distribution with one peak: values in order, and the share up to each.

    Convex up to the peak and concave from there; of the peaks that are tried, the one whose
    distribution stays closest.
    """
    values = np.sort(column)
    shares = (np.arange(len(values)) + 0.5) / len(values)
    peaks = sorted(set(np.linspace(0, len(values) - 1, _MODES).astype(int).tolist()))
    fits = [_around_peak(values, shares, peak) for peak in peaks]
    return values, min(fits, key=lambda fit: float(np.abs(fit - shares).max()))


def _around_peak(values: Values, shares: Values, peak: int) -> Values:
    fit = shares.copy()
    fit[: peak + 1] = _convex(values[: peak + 1], shares[: peak + 1])
    fit[peak:] = 1 - _convex(-values[peak:][::-1], 1 - shares[peak:][::-1])[::-1]
    return fit


def _convex(x: Values, y: Values) -> Values:
    """The greatest convex function below points that are in order."""
    corners = list(_corners(x.tolist(), y.tolist()))
    return np.interp(x, x[corners], y[corners])


def _corners(x: Sequence[float], y: Sequence[float]) -> Iterator[int]:
    stack: list[int] = []
    for i in range(len(x)):
        while len(stack) > 1:
            a, b = stack[-2], stack[-1]
            if (y[b] - y[a]) * (x[i] - x[b]) < (y[i] - y[b]) * (x[b] - x[a]):
                break
            stack.pop()
        stack.append(i)
    return iter(stack)
