"""Features that say the same: correlations, and which of two near-duplicates to drop."""

from collections.abc import Iterator
from dataclasses import dataclass

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


def near_duplicates(frame: pd.DataFrame, correlation: Correlation) -> tuple[NearDuplicate, ...]:
    """Of every near-duplicate pair the feature that the contract declares later is dropped."""
    pairs, names = [], correlation.names
    for earlier, kept in enumerate(names):
        for later in range(earlier + 1, len(names)):
            r = correlation.matrix[earlier][later]
            if r is not None and abs(r) > NEAR:
                pairs.append(_pair(frame, kept, names[later], r))
    return tuple(pairs)


def _pair(frame: pd.DataFrame, kept: str, dropped: str, r: float) -> NearDuplicate:
    why = f"the contract declares {dropped} after {kept}"
    identity = next(_identities(frame, kept, dropped), None)
    if identity:
        why += f", and it follows from others on every customer: {identity}"
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
