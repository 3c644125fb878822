"""Columns that give the label away: what a model that read them would only repeat."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.training.drafting.columns import Column
from pipeline.training.drafting.guesses import LabelGuess
from pipeline.training.drafting.words import names_churn

FEWEST = 10
"""Customers who left, and others who stayed, below whom a column may tell them apart by chance."""
LEAK = 0.97
"""AUC of a column alone from which on it says who left, and does not foretell it."""


def leak_reason(column: Column, churned: NDArray[np.bool_], known: NDArray[np.bool_]) -> str:
    """Why a column gives the label away; empty where it does not.

    Args:
        column: Any column but the label.
        churned: (rows,) who left.
        known: (rows,) of whom that is known.
    """
    if min(churned[known].sum(), (~churned[known]).sum()) < FEWEST:
        return _reason_of_name(column)
    missing = column.codes[known] < 0
    away = _auc(missing.astype(float), churned[known])
    if away >= LEAK:
        return f"it has a value for {_who(missing, churned[known])} alone (AUC {away:.3f})"
    seen = known & (column.codes >= 0)
    left = churned[seen]
    if column.numeric:
        seen &= ~np.isnan(column.numbers)
        left = churned[seen]
        auc = _auc(column.numbers[seen], left)
    elif column.kind == "category":
        auc = _auc(_rates(column.codes[seen], left), left)
    else:
        return ""
    if auc >= LEAK:
        return f"alone it says who left (AUC {auc:.3f}), as a score or a later record does"
    return _reason_of_name(column)


def _reason_of_name(column: Column) -> str:
    return "its name speaks of who left, as the label's does" if names_churn(column.name) else ""


def churned_rows(
    columns: Sequence[Column], label: LabelGuess
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who left, and of whom that is known; nobody without a label."""
    for column in columns:
        if column.name == label.column:
            left = [column.texts.index(text) for text in label.churned]
            return np.isin(column.codes, left), column.codes >= 0
    nobody = np.zeros(columns[0].rows, bool)
    return nobody, nobody


def _who(missing: NDArray[np.bool_], churned: NDArray[np.bool_]) -> str:
    return "those who left" if missing[churned].mean() < 0.5 else "those who stayed"


def _rates(codes: NDArray[np.int64], churned: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Each row's churn rate of its category."""
    counts = np.bincount(codes)
    rates = np.bincount(codes, churned) / np.maximum(counts, 1)
    return np.asarray(rates[codes], float)


def _auc(values: NDArray[np.float64], churned: NDArray[np.bool_]) -> float:
    """How well an order of the values tells the two apart, in whichever direction: 0.5 to 1."""
    left = int(churned.sum())
    stayed = len(churned) - left
    if not left or not stayed:
        return 0.5
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    auc = (ranks[codes][churned].sum() - left * (left + 1) / 2) / (left * stayed)
    return float(max(auc, 1 - auc))
