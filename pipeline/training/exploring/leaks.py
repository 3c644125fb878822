"""Columns that no model should read, by what is in them, and not by what they are called.

Every column of the file is looked at, whether or not the contract knows it: how well it tells by
itself who left, whether it counts rows, names customers or is a time.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import Problem
from pipeline.model.contract import Contract, Feature
from pipeline.reading.arrow_columns import is_text
from pipeline.training.cleaning import CustomerTable
from pipeline.training.statistics.shapes import ChurnShape, number_shape, value_shape

ANSWER = 0.95
"""From this AUC on a single column as good as gives the answer away."""
SUSPECT = 0.85
"""From this AUC on it is worth asking when a column was measured."""
_SAMPLE = 200
_NUMBERS = 0.95
"""From this share on of its values that are numbers, a column of texts counts as one of numbers."""
_UNIQUE = 0.99
_TIME = re.compile(r"\s*(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})([T ].*)?")
_COMPACT = (19_000_101, 21_001_231)
"""Whole numbers between them that are days of the calendar are dates: 20270314."""
TOO_FEW = 50
"""Of fewer customers different values say nothing."""
_POINT, _DIGITS = (
    re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII),
    re.compile(r"-?\d{1,15}", re.ASCII),
)
Nature = Literal["number", "text", "time", "row counter", "identifier", "constant"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the values of one column say of its use."""

    column: str
    nature: Nature
    shape: ChurnShape | None
    """How churn goes with it; None without a label, or where it never varies."""

    @property
    def gives_answer(self) -> bool:
        """Whether the column alone as good as tells who left."""
        return self.shape is not None and self.shape.auc >= ANSWER

    @property
    def suspect(self) -> bool:
        """Whether it tells so much that one must ask when it was measured."""
        return self.shape is not None and SUSPECT <= self.shape.auc < ANSWER


def evidence(
    table: CustomerTable,
    contract: Contract,
    missing: Callable[[str], bool],
    groups: Sequence[NDArray[np.bool_]],
) -> tuple[Evidence, ...]:
    """Look at every column of a file but the churn label.

    Args:
        table: The customers.
        contract: Which column is the label.
        missing: Whether a text means that there is no value.
        groups: Which rows stayed and which churned; empty without a label.
    """
    label = contract.label and contract.label.column
    found = []
    for name, column in zip(table.rows.column_names, table.rows.columns, strict=True):
        if name != label:
            values = _values(table, column.combine_chunks(), missing)
            found.append(_evidence(name, values, groups))
    return tuple(found)


def _evidence(name: str, found: "_Values", groups: Sequence[NDArray[np.bool_]]) -> Evidence:
    nature, values = _nature(found), found.values
    if nature == "constant" or not groups:
        return Evidence(name, nature, None)
    stayed, churned = groups
    known = stayed | churned
    shape = number_shape if found.numeric else value_shape
    return Evidence(name, nature, shape(values[known], churned[known]))


@dataclass(frozen=True, slots=True)
class _Values:
    """A column as numbers with NaN, or as texts with "", where there is no value."""

    values: NDArray[Any]
    time: bool = False
    """Whether the numbers stand for times, in their order."""

    @property
    def numeric(self) -> bool:
        return self.values.dtype.kind == "f"

    @property
    def present(self) -> NDArray[Any]:
        there = ~np.isnan(self.values) if self.numeric else self.values != ""
        return np.asarray(self.values[there])


def _values(table: CustomerTable, column: pa.Array, missing: Callable[[str], bool]) -> _Values:
    if pa.types.is_temporal(column.type):
        whole = pa.int32() if column.type.bit_width == 32 else pa.int64()
        return _Values(_floats(column.cast(whole)), time=True)
    if not is_text(column):
        try:
            return _Values(_floats(column))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            texts = ["" if value is None else str(value) for value in column.to_pylist()]
            return _Values(np.array(texts, object))
    codes, found = pd.factorize(np.array(column.to_pylist(), object), use_na_sentinel=False)
    plain = _plain(table).fullmatch
    empty = np.array([not plain(text or "") and (text is None or missing(text)) for text in found])
    cleaned = np.where(empty, "", found.astype(str)).astype(object)
    numbers = _numbers(table, [str(text) for text in found], empty)
    if numbers is not None:
        return _Values(numbers[codes])
    if _is_time(cleaned[~empty]):
        return _Values(_moments(cleaned)[codes], time=True)
    return _Values(cleaned[codes])


def _floats(column: pa.Array) -> NDArray[np.float64]:
    floats = column.cast(pa.float64(), safe=False)
    return np.asarray(floats.to_numpy(zero_copy_only=False), float)


def _moments(texts: NDArray[Any]) -> NDArray[np.float64]:
    """Times as numbers in their order; NaN where a text is none.

    Where the year does not come first the day does: the other order moves a time by months, and an
    AUC by little.
    """
    day_first = not any(re.match(r"\s*\d{4}", text) for text in texts if text)
    dated = pd.to_datetime(
        pd.Series(texts), errors="coerce", utc=True, format="mixed", dayfirst=day_first
    )
    return np.where(dated.isna(), np.nan, dated.astype("int64").astype(float))


def _numbers(
    table: CustomerTable, texts: Sequence[str], empty: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Different texts as numbers as this file writes them; None where they are none."""
    feature, style, plain = Feature("any", "number", "any"), table.file.numbers, _plain(table)
    present = np.flatnonzero(~empty).tolist()
    if not len(present):
        return None
    sample = present[:: max(1, len(present) // _SAMPLE)]
    if _share_of_numbers([feature.parse(texts[i], style) for i in sample]) < _NUMBERS:
        return None
    numbers = np.full(len(texts), np.nan)
    for index in present:
        text = texts[index]
        parsed = float(text) if plain.fullmatch(text) else feature.parse(text, style)
        if not isinstance(parsed, Problem):
            numbers[index] = float(parsed)
    return numbers


def _plain(table: CustomerTable) -> re.Pattern[str]:
    """Texts that are a number by one reading only, which saves asking for every reading."""
    return _POINT if table.file.numbers.decimal == "." else _DIGITS


def _share_of_numbers(parsed: Sequence[object]) -> float:
    return sum(not isinstance(value, Problem) for value in parsed) / len(parsed)


def _nature(found: _Values) -> Nature:
    values, present = found.values, found.present
    distinct, full = len(pd.unique(present)), len(present) == len(values)
    if distinct <= 1 and full:
        return "constant"
    if found.time or (found.numeric and _is_compact_time(present)):
        return "time"
    if found.numeric and full and np.all(np.diff(values) == 1):
        return "row counter"
    whole = not found.numeric or bool((present == np.floor(present)).all())
    if whole and distinct >= _UNIQUE * len(values) and len(values) > TOO_FEW:
        return "identifier"
    return "number" if found.numeric else "text"


def _is_time(texts: NDArray[Any]) -> bool:
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    return bool(len(sample)) and all(_TIME.fullmatch(text) for text in sample)


def _is_compact_time(numbers: NDArray[np.float64]) -> bool:
    low, high = _COMPACT
    if not len(numbers) or numbers.min() < low or numbers.max() > high:
        return False
    months, days = numbers // 100 % 100, numbers % 100
    return bool(((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)).all())
