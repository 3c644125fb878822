"""What a draft says of each column that may be a feature, and why it leaves others out."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.errors import shortened
from pipeline.model.contract.feature import Actionable
from pipeline.training.drafting.columns import MOST_CATEGORIES, Column
from pipeline.training.drafting.words import (
    MONEY,
    for_people,
    name_of_flag,
    names_a_code,
    names_a_count,
    names_a_row,
    names_a_share,
    names_a_trait,
    names_an_id,
    names_what_is_fixed,
    unit_of,
    words_of,
)

_SOME = 0.05
"""Share of missing values from which on it costs too much to reject those customers."""
_TOO_MANY = 0.5
"""Share of missing values from which on a column says too little."""
_CODES_AT_MOST = 6
"""Different whole numbers that may as well be codes."""
_TYPICAL = (0.001, 0.999)
FILLED_CATEGORY = "not known"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A column that the draft does not declare as a feature, and why."""

    column: str
    reason: str
    never: bool
    """Whether it is put among those that must never be features."""


@dataclass(frozen=True, slots=True)
class FeatureDraft:
    """What the draft says of a feature."""

    column: str
    type: Literal["number", "integer", "category"]
    label: str
    unit: str
    """Only proposed: files do not say what they count in."""
    valid: tuple[float, float] | None
    typical: tuple[float, float] | None
    values: tuple[str, ...]
    missing: str | None
    """What may stand in for a missing value: `median`, or a category; None where none is missing.
    """
    fills: bool
    """Whether it does: where many values are missing it costs too much to reject."""
    sensitive: bool | None
    actionable: Actionable | None
    remarks: tuple[str, ...]
    """What somebody who completes the contract should know of the column."""
    unit_known: bool = False
    """Whether the unit is certain, as that of days which were counted here."""
    low: str = ""
    high: str = ""


def reason_to_leave_out(column: Column) -> LeftOut | None:
    """Why a column is no feature; None where it may be one."""
    if not column.name.strip():
        return LeftOut(column.name, "it has no name", never=False)
    if column.kind == "empty":
        return LeftOut(column.name, "it has no values", never=False)
    if column.kind == "constant":
        reason = f"it has one value, {shortened(column.texts[0])!r}"
        return LeftOut(column.name, reason, never=False)
    if column.kind == "other":
        return LeftOut(column.name, "it holds lists or tables", never=False)
    if column.kind == "date":
        reason = "it holds dates; put the days since then into a column, and declare that"
        return LeftOut(column.name, reason, never=False)
    if column.missing > _TOO_MANY * column.rows:
        reason = f"{column.missing:,} of {column.rows:,} values are missing"
        return LeftOut(column.name, reason, never=False)
    if column.kind == "integer" and names_a_row(column.name):
        return LeftOut(column.name, "it numbers the rows", never=True)
    many = len(column.texts) > column.present / 2
    codes = names_an_id(column.name) == 2 and column.kind != "category"
    if codes or (many and names_an_id(column.name)):
        return LeftOut(column.name, "its name is that of an id", never=True)
    if names_a_code(column.name):
        return LeftOut(column.name, "its digits are a code and no amount", never=False)
    return _reason_of_text(column) if column.kind == "text" else None


def _reason_of_text(column: Column) -> LeftOut:
    different = len(column.texts)
    if different > column.present / 2:
        reason = f"it is free text: {different:,} different ones in {column.present:,} rows"
        return LeftOut(column.name, reason, never=False)
    reason = f"it has {different:,} different texts, more than the {MOST_CATEGORIES} of a category"
    if different <= MOST_CATEGORIES:
        reason = f"it has {different:,} different texts, too many for {column.present:,} rows"
    return LeftOut(column.name, f"{reason}; put them into a few groups", never=False)


def draft_feature(column: Column) -> FeatureDraft:
    """What the draft says of a column of numbers or of categories."""
    numeric = column.numeric
    trait = names_a_trait(column.name)
    valid = _valid(column) if numeric else None
    amount = numeric and not column.flag and not names_a_share(column.name)
    unit = unit_of(column.name) if amount else ""
    fills = column.missing > _SOME * column.rows
    stand_in = "median" if numeric else FILLED_CATEGORY if fills else column.texts[0]
    return FeatureDraft(
        column=column.name,
        type=_type(column, unit),
        label=for_people(column.name),
        unit=unit,
        valid=valid,
        typical=_typical(column, valid) if numeric and not column.flag else None,
        values=()
        if numeric
        else tuple(dict.fromkeys([*column.texts, *([stand_in] if fills else [])])),
        missing=stand_in if column.missing else None,
        fills=fills,
        sensitive=True if trait else None,
        actionable="no" if trait or names_what_is_fixed(column.name) else None,
        remarks=tuple(_remarks(column, valid, fills=fills)),
        low=f"no {name_of_flag(column.name)}" if column.flag else "",
        high=name_of_flag(column.name) if column.flag else "",
    )


def _type(column: Column, unit: str) -> Literal["number", "integer", "category"]:
    """Its type; an amount of money is a number, though all of these may be whole."""
    if column.kind == "integer":
        return "number" if unit == MONEY else "integer"
    return "number" if column.numeric else "category"


def _valid(column: Column) -> tuple[float, float] | None:
    """What is plainly impossible beyond; None where nothing is."""
    low, high = float(column.known.min()), float(column.known.max())
    words = words_of(column.name)
    if column.flag or (names_a_share(column.name) and low >= 0 and high <= 1):
        return (0.0, 1.0)
    if "latitude" in words and low >= -90 and high <= 90:
        return (-90.0, 90.0)
    if "longitude" in words and low >= -180 and high <= 180:
        return (-180.0, 180.0)
    if "age" in words and "group" not in words and low >= 0 and high <= 120:
        return (0.0, 120.0)
    return (0.0, math.inf) if low >= 0 else None


def _typical(column: Column, valid: tuple[float, float] | None) -> tuple[float, float]:
    """Where all but one in a thousand at either end lie, in round numbers."""
    low, high = np.quantile(column.known, _TYPICAL).tolist()
    step = _step(low, high, whole=column.kind == "integer")
    ends = math.floor(low / step) * step, math.ceil(high / step) * step
    if valid is not None:
        ends = max(ends[0], valid[0]), min(ends[1], valid[1])
    return float(f"{ends[0]:.12g}"), float(f"{ends[1]:.12g}")


def _step(low: float, high: float, *, whole: bool) -> float:
    """A twentieth to a two hundredth of the way between both, as a power of ten."""
    width = high - low or abs(high) or 1.0
    step = 10.0 ** (math.floor(math.log10(width)) - 1)
    return max(step, 1.0) if whole else step


def _remarks(column: Column, valid: tuple[float, float] | None, *, fills: bool) -> list[str]:
    remarks = []
    if column.flag:
        remarks.append(f"0 or 1: a flag; {_share(column, '1')} have 1")
    elif column.kind == "integer" and _may_be_codes(column):
        listed = ", ".join(f'"{text}"' for text in sorted(column.texts, key=_as_number))
        remarks.append(
            f'Few whole numbers: if they are codes, write type = "category" and values = [{listed}]'
        )
    if column.missing:
        share = column.missing / column.rows
        otherwise = "those customers are rejected, unless missing says what stands in"
        what = "missing says what stands in for them" if fills else otherwise
        remarks.append(
            f"{column.missing:,} of {column.rows:,} values ({share:.1%}) are missing: {what}"
        )
    if column.numeric and column.not_numbers:
        found = ", ".join(repr(shortened(text)) for text in list(column.not_numbers)[:3])
        count = sum(column.not_numbers.values())
        remarks.append(f"{count:,} values are no numbers ({found}): those customers are rejected")
    if column.numeric and valid is None:
        low, high = column.known.min(), column.known.max()
        remarks.append(f"Values lie between {low:g} and {high:g}: valid = [low, high] if you know")
    if column.kind == "category":
        remarks += _alike(column)
    return remarks


def _may_be_codes(column: Column) -> bool:
    return len(column.texts) <= _CODES_AT_MOST and not names_a_count(column.name)


def _share(column: Column, text: str) -> str:
    share = float((column.known == float(text)).mean())
    return f"{share:.1%}"


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf


def _alike(column: Column) -> list[str]:
    """Values that differ in case only, as misspelt ones do."""
    lower: dict[str, list[str]] = {}
    for text in column.texts:
        lower.setdefault(text.lower(), []).append(text)
    alike = [texts for texts in lower.values() if len(texts) > 1]
    return [f"{' and '.join(map(repr, texts))} differ in case only" for texts in alike]
