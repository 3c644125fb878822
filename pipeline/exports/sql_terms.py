"""The arithmetic of an assignment as expressions of SQL.

A number is written with an exponent, such as 5.0e-1: a database reads that as a double, and 0.5
often as a decimal. Sums are taken in the order of `pipeline.model.geometry`, so that a database
that computes with IEEE doubles gets the same last bits.
"""

from collections.abc import Mapping, Sequence
from functools import reduce

from model_store.extras import needs_extra

with needs_extra("an export to sql", "sql"):
    from sqlglot import exp


def number(value: float) -> exp.Expression:
    """A double."""
    text = repr(abs(float(value)))
    literal = exp.Literal.number(text if "e" in text else f"{text}e0")
    return exp.Neg(this=literal) if value < 0 else literal


def text(value: str) -> exp.Expression:
    """A text."""
    return exp.Literal.string(value)


def column(name: str) -> exp.Expression:
    """A column that the query itself has named."""
    return exp.Column(this=exp.to_identifier(name))


def add(a: exp.Expression, b: exp.Expression) -> exp.Expression:
    """The sum of two; b is no sum itself."""
    return exp.Add(this=a, expression=b)


def minus(a: exp.Expression, value: float) -> exp.Expression:
    """The difference, written as a sum where the value is negative."""
    kind = exp.Add if value < 0 else exp.Sub
    return kind(this=a, expression=number(abs(value)))


def times(a: exp.Expression, b: exp.Expression) -> exp.Expression:
    """The product of two."""
    return exp.Mul(this=_factor(a), expression=_factor(b))


def divided(a: exp.Expression, b: exp.Expression) -> exp.Expression:
    """The quotient of two doubles; b is no product."""
    return exp.Div(this=_factor(a), expression=_factor(b), typed=True, safe=False)


def total(terms: Sequence[exp.Expression]) -> exp.Expression:
    """The sum, from the left to the right."""
    return reduce(add, terms)


def squared(a: exp.Expression) -> exp.Expression:
    """The square, as a product."""
    return times(a, a.copy())


def least(terms: Sequence[exp.Expression]) -> exp.Expression:
    """The smallest of values that are all there, or all missing."""
    first, *others = terms
    return exp.Least(this=first, expressions=others, ignore_nulls=True)


def lookup(
    values: Mapping[int, exp.Expression],
    of: exp.Expression,
    otherwise: exp.Expression | None = None,
) -> exp.Case:
    """A value for each cluster id."""
    case = exp.case(of)
    for key, value in values.items():
        case = case.when(exp.Literal.number(key), value)
    return case if otherwise is None else case.else_(otherwise)


def is_value(category: exp.Expression, value: str) -> exp.Case:
    """1 where a category has a value, else 0."""
    return exp.case(category).when(text(value), number(1)).else_(number(0))


def where_usable(value: exp.Expression) -> exp.Case:
    """The value where there is no problem; nothing is computed elsewhere."""
    usable = exp.Is(this=column("problem"), expression=exp.Null())
    return exp.case().when(usable, value)


def yeo_johnson(x: exp.Expression, power: float | None, low: float | None) -> exp.Expression:
    """Yeo-Johnson of a column.

    Args:
        x: The column.
        power: Its lambda; None leaves it as it is.
        low: The smallest value that it can have: from 0 on one branch is enough.
    """
    if power is None:
        return x
    above = _power_above(x, power)
    if low is not None and low >= 0:
        return above
    condition = exp.GTE(this=x.copy(), expression=number(0))
    return exp.case().when(condition, above).else_(_power_below(x.copy(), power))


def _power_above(x: exp.Expression, power: float) -> exp.Expression:
    grown = exp.Add(this=x, expression=number(1))
    if power == 0:
        return exp.Ln(this=grown)
    return divided(minus(exp.Pow(this=grown, expression=number(power)), 1), number(power))


def _power_below(x: exp.Expression, power: float) -> exp.Expression:
    grown, other = exp.Sub(this=number(1), expression=x), 2 - power
    if power == 2:
        return exp.Neg(this=exp.Ln(this=grown))
    raised = minus(exp.Pow(this=grown, expression=number(other)), 1)
    return exp.Neg(this=divided(raised, number(other)))


def _factor(a: exp.Expression) -> exp.Expression:
    return exp.Paren(this=a) if isinstance(a, exp.Add | exp.Sub) else a
