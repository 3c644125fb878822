"""Features that say the same: correlations, and which of two near-duplicates to drop."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

NEAR = 0.9
"""Two features with a stronger correlation say nearly the same."""
_EXACT = 1e-9
"""Of a column's largest value: how far a sum may be off and still be that column."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's r of every two numeric features; None where one of them never varies."""

    names: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]

    def between(self, first: str, second: str) -> float | None:
        """The correlation of two features."""
        return self.matrix[self.names.index(first)][self.names.index(second)]


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two features that say the same, and which of them a model can do without."""

    kept: str
    dropped: str
    r: float
    identity: str | None
    """The sum or difference that the dropped one is, on every customer."""
    why: str


def correlate(frame: pd.DataFrame) -> Correlation:
    """Pearson's r on the customers that have both values; a constant correlates with nothing."""
    varies = frame.nunique() > 1
    matrix = frame.corr(method="pearson", min_periods=2).to_numpy(copy=True)
    matrix[~varies.to_numpy(), :] = np.nan
    matrix[:, ~varies.to_numpy()] = np.nan
    return Correlation(
        tuple(str(name) for name in frame.columns),
        tuple(tuple(float(r) if np.isfinite(r) else None for r in row) for row in matrix),
    )


def near_duplicates(
    frame: pd.DataFrame, correlation: Correlation, near: float = NEAR
) -> tuple[NearDuplicate, ...]:
    """Of every near-duplicate pair the feature that correlates more with all others is dropped.

    Of two that correlate alike the one whose name comes later; the order of columns is nothing.
    """
    together = {
        name: round(sum(abs(r) for r in row if r is not None), 9)
        for name, row in zip(correlation.names, correlation.matrix, strict=True)
    }
    order = sorted(together)
    gone: set[str] = set()
    pairs = []
    for first, second in combinations(order, 2):
        r = correlation.between(first, second)
        if r is None or abs(r) <= near or gone & {first, second}:
            continue
        dropped = first if together[first] > together[second] else second
        kept = second if dropped == first else first
        gone.add(dropped)
        pairs.append(_pair(frame, kept, dropped, r, together[dropped] == together[kept]))
    return tuple(pairs)


def _pair(frame: pd.DataFrame, kept: str, dropped: str, r: float, alike: bool) -> NearDuplicate:
    why = f"{dropped} correlates more with the other features than {kept} does"
    if alike:
        why = f"{kept} and {dropped} correlate alike with the others, and its name comes later"
    identity = next(_identities(frame, kept, dropped), None)
    if identity:
        why += f"; it follows from others on every customer: {identity}"
    return NearDuplicate(kept, dropped, r, identity, why)


def _identities(frame: pd.DataFrame, kept: str, dropped: str) -> Iterator[str]:
    """Sums and differences of the kept feature and a third one that are the dropped one."""
    for third in frame.columns:
        if third in (kept, dropped) or frame[third].nunique() < 2:
            continue
        rows = frame[[kept, third, dropped]].dropna().to_numpy()
        a, b, target = rows.T
        for text, value in (
            (f"{kept} − {third}", a - b),
            (f"{kept} + {third}", a + b),
            (f"{third} − {kept}", b - a),
        ):
            if len(rows) and np.abs(value - target).max() <= _EXACT * np.abs(rows).max():
                yield f"{dropped} = {text}"
