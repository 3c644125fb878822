"""A feature: a column that a model may read, and what its values may be."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipeline.errors import Problem, shortened
from pipeline.model.numbers import NumberFormat, interpretations

LARGEST = 1e38
"""Larger numbers are refused whatever the contract says: sums and squared distances must stay
finite, and medians are counted in single precision."""
Value = float | str
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf(inity)?)", re.IGNORECASE)
MARKS = ("sensitive", "actionable")
"""What a contract says about the use of a column, and not about its values. An unset mark is left
out of documents, so that a contract which declares none has the digest that it always had."""
Actionable = Literal["up", "down", "both", "no"]
"""Which way somebody can change a feature."""
WAYS: tuple[Actionable, ...] = ("up", "down", "both", "no")
MEDIAN: Literal["median"] = "median"
"""What a contract says in place of a value that training is to find."""
MISSING_WORDS = frozenset({"", "na", "n/a", "null", "none"})
"""The texts that mean that there is no value, in lower case."""
NOT_COMPUTED = "#NOT-COMPUTED! (a formula without result)"
"""What stands for a formula of a workbook that no program has computed."""
_ERROR_CELLS = frozenset(
    {"#N/A", "#NAME?", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
    | {NOT_COMPUTED}
)
_MOST_SHOWN = 1e15
"""Larger numbers are shown with an exponent."""
AMBIGUOUS = "ambiguous_number"
"""The code of a number that can be read in two ways."""


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval; None is an open end."""

    low: float | None
    high: float | None

    def __contains__(self, number: float) -> bool:
        above = self.low is None or number >= self.low
        return above and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            bound = self.low if self.high is None else self.high
            return f"{'at least' if self.high is None else 'at most'} {bound:,.10g}"
        return f"{self.low:,.10g} to {self.high:,.10g}"


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that a model may read: a number, or a category that becomes one 0/1 each."""

    name: str
    type: Literal["number", "integer", "category"]
    label: str
    description: str = ""
    unit: str = ""
    valid: Range = Range(None, None)
    """Outside it a value is impossible: the customer is rejected."""
    typical: Range = Range(None, None)
    """Outside it a value is unusual: the customer is flagged as an outlier."""
    values: tuple[str, ...] = ()
    """The categories, for a category."""
    missing: Value | None = None
    """What stands in for a missing value; None rejects the customer."""
    low: str = ""
    """How people say that this feature is low, in the name of a cluster."""
    high: str = ""
    """How people say that it is high."""
    sensitive: bool | None = None
    """Whether it is a trait by which people must not be treated differently, such as age or
    gender, or stands for one; None where nobody has declared it."""
    actionable: Actionable | None = None
    """Which way somebody can change it: a contract's length both ways, what a customer bought in
    the past only up, his age not at all; None where nobody has declared it. No other change of it
    is proposed."""
    stand_in: Literal["median"] | None = None
    """How `missing` is found, where a person has not given it: training takes the median of its
    customers. Until then there is none, and missing values are refused."""
    aliases: tuple[str, ...] = ()
    """Other names under which files have its column."""

    @property
    def numeric(self) -> bool:
        """Whether it is a number, and no category."""
        return self.type != "category"

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.type == "category":
            return f"one of {', '.join(self.values)}"
        kind = "a whole number" if self.type == "integer" else "a number"
        bounds = "" if self.valid == Range(None, None) else f" {_joiner(self.valid)}{self.valid}"
        return f"{kind}{bounds}"

    def parse(self, value: object, numbers: NumberFormat | None = None) -> Value | Problem:
        """The value a model reads, from a number or its text.

        Args:
            value: A number, its text, or a category.
            numbers: How the numbers of a text file are written. None: as in programs, with a
                decimal point and nothing else.

        Returns:
            The value, or why there is none.
        """
        if is_missing(value):
            return self.missing if self.missing is not None else self._problem("missing", "")
        if self.type == "category":
            text = value.strip() if isinstance(value, str) else str(value)
            return text if text in self.values else self._problem("unknown_value", value)
        candidates = self._numbers(value, numbers)
        if not candidates:
            error_cell = isinstance(value, str) and value.strip() in _ERROR_CELLS
            return self._problem("error_cell" if error_cell else "not_a_number", value)
        if len(candidates) > 1:
            return self._ambiguous(value, candidates)
        return self._checked(candidates[0], value)

    def _checked(self, number: float, value: object) -> float | Problem:
        """The number that a value is, where that is a possible one."""
        if not math.isfinite(number):
            return self._problem("not_finite", value)
        if self.type == "integer" and not number.is_integer():
            return self._problem("not_an_integer", value)
        possible = number in self.valid and abs(number) <= LARGEST
        return number if possible else self._problem("out_of_range", value)

    def _numbers(self, value: object, numbers: NumberFormat | None) -> list[float]:
        """Every number that a value may be."""
        number = _as_number(value)
        if numbers is None or not isinstance(value, str):
            return [] if number is None else [number]
        share = self.valid.low == 0 and self.valid.high == 1
        return [it.value for it in interpretations(value, numbers, self.unit, share=share)]

    def _ambiguous(self, value: object, numbers: list[float]) -> Problem:
        either = " or ".join(f"{number:.15g}" for number in numbers)
        expected = f"{self.expected}, written in one way only (this may be {either})"
        return Problem(self.name, AMBIGUOUS, shortened(value), expected)

    def parse_typed(self, value: object) -> Value | Problem:
        """The value a model reads, from a source with types, such as JSON.

        There a text is no number, and a number no category.
        """
        number = _as_number(value) if self.numeric and not isinstance(value, str) else None
        if number is not None:
            return self._checked(number, value)
        if value is not None and isinstance(value, str) == self.numeric:
            return self._problem("not_a_number" if self.numeric else "not_text", value)
        return self.parse(value)

    def show(self, value: float) -> str:
        """A value with its unit, as people write it."""
        return show(value, self.unit)

    def _problem(self, code: str, value: object) -> Problem:
        return Problem(self.name, code, shortened(value), self.expected)


def is_missing(value: object) -> bool:
    """Whether there is no value: nothing at all, or one of the words for that."""
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING_WORDS)


def show(value: float, unit: str) -> str:
    """A value with its unit, as people write it."""
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}" if unit else number


@lru_cache(maxsize=4096)  # a value comes again and again
def exact(value: float, unit: str) -> str:
    """A value with its unit and all its digits, where a rounded one might be wrong."""
    whole = float(value).is_integer() and abs(value) < _MOST_SHOWN
    number = f"{int(value):,}" if whole else f"{value:,.10g}"
    return f"{number} {unit}" if unit else number


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    text = value.strip() if isinstance(value, str) else ""
    return float(text) if _NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text) else None


def _joiner(valid: Range) -> str:
    return "from " if valid.low is not None and valid.high is not None else ""
