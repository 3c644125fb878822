"""How churn goes with one column, whatever the shape: rates by tenth or value, and their AUC.

A mean or a correlation sees only what rises or falls throughout. The churn rate by tenth sees any
shape. How well it tells who left is measured on customers who took no part in counting it, so that
a column of many values gains nothing by having many.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.model.churn import ChurnRate
from pipeline.training.statistics.effects import corrected_v

TENTHS = 10
_LEVELS = 20
"""The commonest values of a text; all others are one level."""
_FOLDS = 5
_PRIOR = 5.0
"""Customers of the overall rate that each level is drawn towards, so that few decide nothing."""
MISSING, OTHERS = "no value", "other values"


@dataclass(frozen=True, slots=True)
class Level:
    """Some customers who are alike in one column."""

    name: str
    """The value, or `MISSING` or `OTHERS`; empty for an interval."""
    low: float | None
    high: float | None
    """The lowest and the highest number in it; None where it is no interval."""
    churn: ChurnRate


@dataclass(frozen=True, slots=True)
class ChurnShape:
    """The churn rate along one column."""

    levels: tuple[Level, ...]
    """Numbers in ascending order, values by their number of customers; without a value last."""
    auc: float
    """Of one customer who left and one who stayed, how often the column puts the right one first,
    ties counted half; 0.5 is a coin. By the rate of the level, on customers who were not counted
    for it, or by the order of the numbers, whichever tells more."""
    chance: float
    """Above it lies an AUC that chance alone hardly brings (95 %)."""
    cramers_v: float
    """Association with churn from 0 to 1, corrected for bias (Bergsma 2013)."""


def number_shape(values: NDArray[np.float64], churned: NDArray[np.bool_]) -> ChurnShape | None:
    """Churn by tenth of a number; of few different numbers each is a level.

    Args:
        values: One a customer; NaN where there is none.
        churned: Who left.
    """
    present = ~np.isnan(values)
    if not present.any():
        return None
    known = values[present]
    distinct = np.unique(known)
    edges = distinct[1:] if len(distinct) <= TENTHS else _inner_edges(known)
    codes = np.full(len(values), len(edges) + 1)
    codes[present] = np.searchsorted(edges, known, "right")
    bounds = []
    for code in range(len(edges) + 1):
        inside = values[codes == code]
        bounds.append((float(inside.min()), float(inside.max())))
    names = [("", low, high) for low, high in bounds] + [(MISSING, None, None)]
    shape = _shape(codes, names, churned)
    if shape is None or not present.all():
        return shape
    order = _rank_auc(values, churned)
    return replace(shape, auc=max(shape.auc, order, 1 - order))


def value_shape(values: NDArray[Any], churned: NDArray[np.bool_]) -> ChurnShape | None:
    """Churn by value of a text; the empty text is a level of its own.

    Args:
        values: A text a customer.
        churned: Who left.
    """
    codes, found = pd.factorize(values, use_na_sentinel=False)
    counts, texts = np.bincount(codes, minlength=len(found)), [str(text) for text in found]
    order = sorted(range(len(texts)), key=lambda i: (-counts[i], texts[i]))
    common = [i for i in order if texts[i]][:_LEVELS]
    position = np.full(len(texts), len(common))
    position[common] = np.arange(len(common))
    position[[i for i, text in enumerate(texts) if not text]] = len(common) + 1
    names = [(texts[i], None, None) for i in common] + [(OTHERS, None, None), (MISSING, None, None)]
    return _shape(position[codes], names, churned)


def _inner_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = np.unique(np.quantile(values, np.arange(1, TENTHS) / TENTHS))
    return np.asarray(edges[edges > values.min()])


def _shape(
    codes: NDArray[np.intp],
    names: Sequence[tuple[str, float | None, float | None]],
    churned: NDArray[np.bool_],
) -> ChurnShape | None:
    left, stayed = int(churned.sum()), int((~churned).sum())
    if min(left, stayed) < _FOLDS:
        return None
    customers = np.bincount(codes, minlength=len(names))
    leavers = np.bincount(codes[churned], minlength=len(names))
    levels = tuple(
        Level(*name, churn)
        for name, x, n in zip(names, leavers.tolist(), customers.tolist(), strict=True)
        if (churn := ChurnRate.of(x, n)) is not None
    )
    table = np.column_stack([leavers, customers - leavers])
    spread = math.sqrt((left + stayed + 1) / (12 * left * stayed))
    auc = _cross_fitted_auc(codes, churned, len(names))
    return ChurnShape(levels, auc, 0.5 + 1.645 * spread, corrected_v(table))


def _cross_fitted_auc(codes: NDArray[np.intp], churned: NDArray[np.bool_], levels: int) -> float:
    """The mean AUC over folds of rates that were counted on the other folds."""
    fold = np.empty(len(codes), np.intp)
    rng = np.random.default_rng(0)
    for group in (churned, ~churned):  # as many leavers in each fold
        fold[group] = rng.permutation(int(group.sum())) % _FOLDS
    width = _FOLDS * levels
    every = np.bincount(fold * levels + codes, minlength=width).reshape(_FOLDS, levels)
    place = fold[churned] * levels + codes[churned]
    left = np.bincount(place, minlength=width).reshape(_FOLDS, levels)
    overall = float(churned.mean())
    aucs = []
    for each in range(_FOLDS):
        counted, leavers = every.sum(axis=0) - every[each], left.sum(axis=0) - left[each]
        rates = (leavers + _PRIOR * overall) / (counted + _PRIOR)
        aucs.append(_auc(rates, left[each], every[each] - left[each]))
    return float(np.mean(aucs))


def _rank_auc(values: NDArray[np.float64], churned: NDArray[np.bool_]) -> float:
    _, codes = np.unique(values, return_inverse=True)
    levels = int(codes.max()) + 1
    left, stayed = (np.bincount(codes[rows], minlength=levels) for rows in (churned, ~churned))
    return _auc(np.arange(levels, dtype=float), left, stayed)


def _auc(scores: NDArray[np.float64], left: NDArray[np.intp], stayed: NDArray[np.intp]) -> float:
    """The area under the ROC curve of levels with a score each; ties count half."""
    distinct, rank = np.unique(scores, return_inverse=True)
    by_left = np.bincount(rank, left, minlength=len(distinct))
    by_stayed = np.bincount(rank, stayed, minlength=len(distinct))
    below = np.cumsum(by_stayed) - by_stayed
    return float((by_left * (below + by_stayed / 2)).sum() / (by_left.sum() * by_stayed.sum()))
