"""Columns that give the label away: what a model that read them would only repeat."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.training.drafting.columns import Column
from pipeline.training.drafting.guesses import LabelGuess
from pipeline.training.drafting.words import names_churn
from pipeline.training.exploring.leaks import ANSWER
from pipeline.training.statistics.shapes import number_shape, value_shape

FEWEST = 10
"""Customers who left, and others who stayed, below whom a column may tell them apart by chance."""


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
    if away >= ANSWER:
        return f"it has a value for {_who(missing, churned[known])} alone (AUC {away:.3f})"
    if not column.numeric and column.kind != "category":
        return ""
    seen = known & (~np.isnan(column.numbers) if column.numeric else column.codes >= 0)
    values = column.numbers if column.numeric else np.array(column.texts, object)[column.codes]
    auc = _auc(values[seen], churned[seen])
    if auc >= ANSWER:
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


def _auc(values: NDArray[Any], churned: NDArray[np.bool_]) -> float:
    """How well numbers or texts alone tell the two apart, as `explore` measures it."""
    shape = (number_shape if values.dtype.kind == "f" else value_shape)(values, churned)
    return 0.5 if shape is None else shape.auc
