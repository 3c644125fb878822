"""The risk score: how many of 100 customers with such values churned, as a sum of plain numbers.

    logit = intercept + the parts of all features        rate = 1 / (1 + exp(-logit))

The part of a number is linear between knots and constant beyond them; a category has a part for
each value. The covariance of these numbers gives the logit's standard error: each rate has a 95 %
interval (delta method on the logit). Standard library only for one customer; numpy for many.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pipeline.model import typed_values as typed
from pipeline.model.contract import Contract, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_Z = 1.959963984540054
"""Between this quantile of the normal distribution and minus it lie 95 %."""
_BLOCK = 8_192
"""Rows at a time: what is reckoned with stays near the processor."""
_LARGEST_LOGIT = 300.0
"""Beyond it exp() overflows, and no customers can teach it."""


class Risk(NamedTuple):
    """What the score says of one customer."""

    rate: float
    """The share of customers with such values that churned."""
    low: float
    """Where its 95 % interval begins."""
    high: float
    """Where it ends."""
    parts: tuple[float, ...]
    """What each term adds to the logit, in the order of the terms; the intercept is the rest."""


class Risks(NamedTuple):
    """Many customers' risk: one element a customer in every array."""

    rate: "Array"
    low: "Array"
    high: "Array"
    parts: "tuple[Array, ...]" = ()
    """An array for each term; none where nobody asked for them."""

    def one(self, index: int) -> Risk:
        """One of the customers."""
        rate, low, high = (float(each[index]) for each in (self.rate, self.low, self.high))
        return Risk(rate, low, high, tuple(float(part[index]) for part in self.parts))


class Term(NamedTuple):
    """One feature's part in the logit: at knots for a number, at values for a category."""

    feature: str
    parts: tuple[float, ...]
    knots: tuple[float, ...] = ()
    """Ascending, one for each part; none for a category."""
    values: tuple[str, ...] = ()
    """One for each part; none for a number."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], contract: Contract) -> Self:
        """Read what `to_dict` made; ValueError, KeyError or TypeError when it is not that."""
        what = "risk.terms"
        feature = {each.name: each for each in contract.features}[given["feature"]]
        parts = typed.numbers(given["parts"], what)
        if not feature.numeric:
            typed.table(given, what, ("feature", "values", "parts"))
            values = tuple(typed.text(value, what) for value in typed.array(given["values"], what))
            if values != feature.values or len(parts) != len(values):
                raise ValueError(f"{what}: expected a part for each value of {feature.name}")
            return cls(feature.name, parts, values=values)
        typed.table(given, what, ("feature", "knots", "parts"))
        knots = typed.numbers(given["knots"], what, len(parts))
        if len(knots) < 2 or list(knots) != sorted(set(knots)):
            raise ValueError(f"{what}: expected ascending knots of {feature.name}")
        term = cls(feature.name, parts, knots)
        if not math.isfinite(sum(term.scales)):
            raise ValueError(f"{what}: the knots of {feature.name} are too near each other")
        return term

    def to_dict(self) -> dict[str, Any]:
        """As `model.json` has it."""
        at = {"knots": list(self.knots)} if self.knots else {"values": list(self.values)}
        return {"feature": self.feature, **at, "parts": list(self.parts)}

    @property
    def scales(self) -> tuple[float, ...]:
        """One over the width of each stretch between knots."""
        return tuple(1 / (b - a) for a, b in zip(self.knots, self.knots[1:], strict=False))

    @property
    def cells(self) -> list[tuple[int, int]]:
        """The parts at the two ends of each stretch between knots; of a value twice the same."""
        if self.knots:
            return [(index, index + 1) for index in range(len(self.knots) - 1)]
        return [(index, index) for index in range(len(self.values))]


@dataclass(frozen=True, slots=True)
class RiskScore:
    """An additive score with the uncertainty of its numbers."""

    intercept: float
    """The logit of an average training customer: each term's parts average to zero."""
    terms: tuple[Term, ...]
    covariance: tuple[tuple[float, ...], ...]
    """Of the intercept, then of all parts, term after term: the rows of its lower triangle."""
    _prepared: "dict[str, Any]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def assess(self, customer: Mapping[str, Value]) -> Risk:
        """The risk of one customer, from values that the contract has parsed."""
        tables: _Tables = self._prepared.get("one") or self._prepare("one", _Tables)
        logit, variance = self.intercept, self.covariance[0][0]
        parts: list[float] = []
        at: list[tuple[int, float]] = []
        for name, places, inner, knots, scales, polynomials, pairs in tables.terms:
            value: Any = customer[name]
            if places is not None:
                cell, t = places[value], 0.0
            else:
                cell = bisect_right(inner, value)
                t = (value - knots[cell]) * scales[cell]
                if t < 0.0:
                    t = 0.0
                elif t > 1.0:
                    t = 1.0
            start, slope, q0, q1, q2 = polynomials[cell]
            part = start + slope * t
            logit += part
            variance += q0 + (q1 + q2 * t) * t
            for (i, s), pair in zip(at, pairs):  # noqa: B905 - strict costs as much as a term
                neither, one, other, both = pair[i][cell]
                variance += neither + one * s + (other + both * s) * t
            parts.append(part)
            at.append((cell, t))
        odds, factor = math.exp(-logit), math.exp(_Z * math.sqrt(max(variance, 0.0)))
        return Risk(1 / (1 + odds), 1 / (1 + odds * factor), 1 / (1 + odds / factor), tuple(parts))

    def assess_many(self, features: Mapping[str, "NDArray[Any]"], *, parts: bool = False) -> Risks:
        """The risk of many customers.

        Args:
            features: As for `ClusterModel.assign_many`.
            parts: Whether to say what each feature adds.

        Returns:
            What `assess` says of each customer alone.
        """
        import numpy as np

        size = len(features[self.terms[0].feature])
        rate, low, high = np.empty((3, size))
        terms = self.terms if parts else ()
        risks = Risks(rate, low, high, tuple(np.empty(size) for _ in terms))
        for start in range(0, size, _BLOCK):
            rows = slice(start, start + _BLOCK)
            self._assess_block({name: features[name][rows] for name in self.features}, risks, rows)
        return risks

    def _assess_block(
        self, features: Mapping[str, "NDArray[Any]"], risks: Risks, rows: slice
    ) -> None:
        """Fill in the risks of some rows; features have these rows only."""
        import numpy as np

        arrays: _Arrays = self._prepared.get("many") or self._prepare("many", _Arrays)
        logit: Any = self.intercept
        variance: Any = self.covariance[0][0]
        at: list[tuple[NDArray[np.intp], Array]] = []
        for index, (term, polynomials, pairs) in enumerate(arrays.terms):
            cell, t = _find_many(term, features[term.feature])
            start, slope, q0, q1, q2 = (column.take(cell) for column in polynomials)
            part = start + slope * t
            logit = logit + part
            if risks.parts:
                risks.parts[index][rows] = part
            variance = variance + (q0 + (q1 + q2 * t) * t)
            for (i, s), columns in zip(at, pairs, strict=True):
                pair = i * polynomials.shape[1] + cell
                neither, one, other, both = (column.take(pair) for column in columns)
                variance += neither + one * s + (other + both * s) * t
            at.append((cell, t))
        odds, factor = np.exp(-logit), np.exp(_Z * np.sqrt(np.maximum(variance, 0)))
        risks.rate[rows] = 1 / (1 + odds)
        risks.low[rows] = 1 / (1 + odds * factor)
        risks.high[rows] = 1 / (1 + odds / factor)

    def _prepare(self, key: str, make: "Callable[[RiskScore], Any]") -> Any:
        return self._prepared.setdefault(key, make(self))

    @property
    def features(self) -> tuple[str, ...]:
        """The features that it reads."""
        return tuple(term.feature for term in self.terms)

    def to_dict(self) -> dict[str, Any]:
        """As `model.json` has it."""
        return {
            "intercept": self.intercept,
            "terms": [term.to_dict() for term in self.terms],
            "covariance": [list(row) for row in self.covariance],
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], contract: Contract) -> Self:
        """Read what `to_dict` made; ValueError, KeyError or TypeError when it is not that."""
        typed.table(given, "risk", ("intercept", "terms", "covariance"))
        intercept = typed.number(given["intercept"], "risk.intercept")
        terms = tuple(
            Term.from_dict(typed.table(item, "risk.terms"), contract)
            for item in typed.array(given["terms"], "risk.terms")
        )
        size, what = 1 + sum(len(term.parts) for term in terms), "risk.covariance"
        rows = tuple(typed.array(given["covariance"], what))
        if len(rows) != size or len({term.feature for term in terms}) != len(terms) or not terms:
            raise ValueError(f"{what}: expected {size} rows, and terms of different features")
        covariance = tuple(
            typed.numbers(row, what, length) for length, row in enumerate(rows, start=1)
        )
        score = cls(intercept, terms, covariance)
        score._check()
        return score

    def _check(self) -> None:
        """ValueError where a number is none that any customers can teach."""
        variances = [row[-1] for row in self.covariance]
        if min(variances) < 0:
            raise typed.wrong("risk.covariance", "variances from zero", min(variances))
        most = abs(self.intercept) + sum(max(map(abs, term.parts)) for term in self.terms)
        most += _Z * (1 + len(self.terms)) * math.sqrt(max(variances))
        largest = max(abs(each) for row in self.covariance for each in row)
        if most > _LARGEST_LOGIT or largest > max(variances) * (1 + 1e-6):
            raise ValueError("risk: expected a logit that is not so large")


def in_words(risk: Risk, churned_word: str) -> str:
    """A risk as what it is: a share of many customers, and not what one of them will do."""
    return share_in_words(risk.rate, risk.low, risk.high, churned_word)


def share_in_words(rate: float, low: float, high: float, churned_word: str) -> str:
    """The same of a rate and the ends of its interval."""
    rate, low, high = 100 * rate, 100 * low, 100 * high
    if rate >= 10:
        shown = f"{rate:.0f} {churned_word} ({low:.0f} to {high:.0f})"
    else:
        shown = f"{rate:.1f} {churned_word} ({low:.1f} to {high:.1f})"
    return f"of 100 customers with such values about {shown}"


class _Tables:
    """A score's numbers as they are looked up: polynomials of where a value lies in its cell."""

    def __init__(self, score: RiskScore) -> None:
        matrix, starts = _Symmetric(score.covariance), [1]
        for term in score.terms:
            starts.append(starts[-1] + len(term.parts))
        placed = list(zip(score.terms, starts, strict=False))
        self.terms = [
            (
                term.feature,
                {value: index for index, value in enumerate(term.values)} or None,
                term.knots[1:-1],
                term.knots,
                term.scales,
                [_polynomial(term, start, *cell, matrix) for cell in term.cells],
                [_pair(*earlier, term, start, matrix) for earlier in placed[:index]],
            )
            for index, (term, start) in enumerate(placed)
        ]


class _Arrays:
    """The same for many customers: an array for each coefficient, over cells or pairs of them."""

    def __init__(self, score: RiskScore) -> None:
        import numpy as np

        self.terms = [
            (
                term,
                np.ascontiguousarray(np.array(polynomials).T),
                [np.ascontiguousarray(np.array(pair).reshape(-1, 4).T) for pair in pairs],
            )
            for term, (*_, polynomials, pairs) in zip(
                score.terms, _Tables(score).terms, strict=True
            )
        ]


class _Symmetric:
    """A symmetric matrix, of which the lower triangle is kept."""

    def __init__(self, rows: tuple[tuple[float, ...], ...]) -> None:
        self._rows = rows

    def __call__(self, i: int, j: int) -> float:
        return self._rows[i][j] if i >= j else self._rows[j][i]


def _polynomial(
    term: Term, start: int, a: int, b: int, v: _Symmetric
) -> tuple[float, float, float, float, float]:
    """Of one cell: the part's value and slope; what it and the intercept add to the variance."""
    i, j = a + start, b + start
    q0 = v(i, i) + 2 * v(0, i)
    q1 = 2 * (v(i, j) - v(i, i) + v(0, j) - v(0, i))
    q2 = v(i, i) - 2 * v(i, j) + v(j, j)
    return term.parts[a], term.parts[b] - term.parts[a], q0, q1, q2


def _pair(
    one: Term, first: int, other: Term, second: int, v: _Symmetric
) -> list[list[tuple[float, float, float, float]]]:
    """Of each pair of two terms' cells: what the covariance of the parts adds to the variance.

    Args:
        one: A term.
        first: The position of its first part in the covariance.
        other: Another term.
        second: The same of that.
        v: The covariance.

    Returns:
        Coefficients of 1, s, t and s * t, where s and t say where the two values lie.
    """

    def bilinear(a: int, b: int, c: int, d: int) -> tuple[float, float, float, float]:
        ac, bc, ad, bd = 2 * v(a, c), 2 * v(b, c), 2 * v(a, d), 2 * v(b, d)
        return ac, bc - ac, ad - ac, ac - bc - ad + bd

    return [
        [bilinear(a + first, b + first, c + second, d + second) for c, d in other.cells]
        for a, b in one.cells
    ]


def _find_many(term: Term, values: "NDArray[Any]") -> "tuple[NDArray[np.intp], Array]":
    import numpy as np

    cell = np.zeros(len(values), np.int16)
    if not term.knots:
        for index, value in enumerate(term.values[1:], start=1):
            np.copyto(cell, index, where=values == value)
        return cell.astype(np.intp), np.zeros(len(values))
    for knot in term.knots[1:-1]:  # a few comparisons beat one search
        cell += (values >= knot).view(np.int8)
    knots, places = np.array(term.knots), cell.astype(np.intp)
    t = (values - knots.take(places)) * np.array(term.scales).take(places)
    return places, np.clip(t, 0.0, 1.0, out=t)
