"""What the contract says of values, as expressions of SQL."""

from collections.abc import Sequence

from model_store.extras import needs_extra
from pipeline.exports import sql_terms as sql
from pipeline.model.contract import LARGEST, MISSING_WORDS, Feature

with needs_extra("an export to sql", "sql"):
    from sqlglot import exp


def checked_value(feature: Feature, column: exp.Expression) -> exp.Expression:
    """A feature's value: a double or a trimmed text, with what stands in for a missing one."""
    if feature.numeric:
        value: exp.Expression = exp.cast(column, "double")
        if feature.missing is None:
            return value
        return exp.Coalesce(this=value, expressions=[sql.number(float(feature.missing))])
    value = exp.Trim(this=exp.cast(column, "text"))
    if feature.missing is None:
        return value
    return exp.case().when(_missing_text(value), sql.text(str(feature.missing))).else_(value.copy())


def problem(values: Sequence[tuple[Feature, exp.Expression]]) -> exp.Expression:
    """The first feature that cannot be used and the code of why, or NULL."""
    found = exp.case()
    for feature, value in values:
        checks = _number_checks if feature.numeric else _category_checks
        for code, condition in checks(feature, value):
            found = found.when(condition, sql.text(f"{feature.name}: {code}"))
    return found


def _number_checks(feature: Feature, value: exp.Expression) -> list[tuple[str, exp.Expression]]:
    """A code and the condition under which it is true, in the order of `Feature.parse`.

    NaN is greater than all numbers in some databases and not comparable in others; it is in no
    range in either.
    """
    low = -LARGEST if feature.valid.low is None else max(feature.valid.low, -LARGEST)
    high = LARGEST if feature.valid.high is None else min(feature.valid.high, LARGEST)
    checks: list[tuple[str, exp.Expression]] = [
        ("missing", exp.Is(this=value.copy(), expression=exp.Null())),
    ]
    if feature.type == "integer":
        floor = exp.Floor(this=value.copy())
        checks.append(("not_an_integer", exp.NEQ(this=value.copy(), expression=floor)))
    return [*checks, ("out_of_range", _outside(value, low, high))]


def _category_checks(feature: Feature, value: exp.Expression) -> list[tuple[str, exp.Expression]]:
    known = [sql.text(text) for text in feature.values]
    return [
        ("missing", _missing_text(value.copy())),
        ("unknown_value", exp.Not(this=exp.In(this=value.copy(), expressions=known))),
    ]


def _outside(value: exp.Expression, low: float, high: float) -> exp.Expression:
    within = exp.Between(this=value.copy(), low=sql.number(low), high=sql.number(high))
    return exp.Not(this=within)


def _missing_text(value: exp.Expression) -> exp.Expression:
    """Whether a text of a category means that there is no value, as in a file."""
    missing = exp.Is(this=value.copy(), expression=exp.Null())
    texts = [sql.text(text) for text in sorted(MISSING_WORDS)]
    return exp.Or(this=missing, expression=exp.In(this=exp.Lower(this=value), expressions=texts))
