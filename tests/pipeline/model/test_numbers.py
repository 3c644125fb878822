"""Numbers as people write them: read where there is one reading, else both are shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Problem
from pipeline.model.contract import AMBIGUOUS, Feature, Range
from pipeline.model.numbers import DECIMAL_MARKS, NumberFormat, interpretations

AMOUNT = Feature("amount", "number", "Amount", unit="USD", valid=Range(0, None))
UNKNOWN = NumberFormat()


def values(text: str, decimal: str = "", unit: str = "USD") -> list[float]:
    return sorted(it.value for it in interpretations(text, NumberFormat(decimal), unit))


def written(cents: int, decimal: str, group: str) -> str:
    """An amount with two decimals, its digits in groups of three."""
    text = f"{cents / 100:,.2f}"
    return text.replace(",", "@").replace(".", decimal).replace("@", group)


@given(
    st.integers(0, 10**12),
    st.sampled_from(DECIMAL_MARKS),
    st.sampled_from([",", ".", " ", "'", "’", "\u00a0", "\u202f", ""]),
    st.sampled_from(["{}", "$ {}", "{} USD", "US${}", '="{}"', " {} "]),
)
def test_an_amount_in_any_notation_is_read_as_what_it_is(
    cents: int, decimal: str, group: str, around: str
) -> None:
    if group == decimal:
        return
    text = around.format(written(cents, decimal, group))
    expected = [pytest.approx(cents / 100)]
    assert values(text, decimal) == expected
    assert values(text) == expected  # two decimals show which mark is which


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(DECIMAL_MARKS))
def test_one_group_of_three_is_two_numbers_until_the_mark_is_known(
    head: int, tail: int, mark: str
) -> None:
    text, other = f"{head}{mark}{tail:03d}", DECIMAL_MARKS[mark == "."]
    small, large = float(f"{head}.{tail:03d}"), float(head * 1000 + tail)
    assert values(text) == [small, large]
    assert values(text, mark) == [small]
    assert values(text, other) == [large]
    problem = AMOUNT.parse(text, UNKNOWN)
    assert isinstance(problem, Problem) and problem.code == AMBIGUOUS
    assert f"may be {small:.15g} or {large:.15g}" in str(problem) or mark == ","


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234.567", [1_234_567.0]),
        ("1,23,456", [123_456.0]),  # lakhs
        ("0,125", [0.125]),
        ("1234,567", [1234.567]),
        ("(7)", [-7.0]),
        ("7-", [-7.0]),
        ("−7", [-7.0]),
        ("-$7", [-7.0]),
        ("$-7", [-7.0]),
        ("(-7)", []),
        ("1e3", [1000.0]),
        ("1,5E3", [1500.0]),
        ("12 34", []),
        ("1,2,3", []),
        ("7 CR", []),
        ("€7", []),  # the column is in dollars
        ("C$7", []),
        ("", []),
        ("-", []),
        ("x", []),
        ("9" * 401, []),
    ],
)
def test_what_has_one_reading_is_read_and_what_has_none_is_not(
    text: str, expected: list[float]
) -> None:
    assert values(text) == expected


def test_a_percent_is_a_share_a_percent_or_either() -> None:
    assert values("6.1%", unit="%") == [6.1]
    assert values("6.1%", unit="") == [pytest.approx(0.061), 6.1]
    assert [it.value for it in interpretations("6.1%", UNKNOWN, share=True)] == [
        pytest.approx(0.061)
    ]


@given(st.text(st.sampled_from("0123456789.,' -+()%$€eE\u00a0\u202f="), max_size=12))
def test_a_known_mark_never_gives_a_reading_that_an_unknown_one_does_not(text: str) -> None:
    every = set(interpretations(text, UNKNOWN))
    for mark in DECIMAL_MARKS:
        known = interpretations(text, NumberFormat(mark))
        assert len({it.value for it in known if not math.isnan(it.value)}) <= 2
        assert {it.value for it in known} <= {it.value for it in every} or "nan" in text


@pytest.mark.parametrize(
    ("thousands", "text", "expected"),
    [(",", "4,604", [4604.0]), ("", "4,604", []), (" ", "4,604", []), (" ", "4 604", [4604.0])],
)
def test_only_the_mark_that_was_said_groups_digits(
    thousands: str, text: str, expected: list[float]
) -> None:
    assert [it.value for it in interpretations(text, NumberFormat(".", thousands))] == expected


def test_without_a_format_numbers_are_those_of_programs() -> None:
    assert AMOUNT.parse("1900.5") == 1900.5
    for text in ("1,900.50", "$5", "(5)", "6%", "1 900"):
        problem = AMOUNT.parse(text)
        assert isinstance(problem, Problem) and problem.code == "not_a_number"
