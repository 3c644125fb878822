"""The period that a file belongs to, as its name says it."""

from datetime import date

import pytest

from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern, day_of

NOVEMBER = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("name", "day", "series"),
    [
        ("customers-2026-11.csv", NOVEMBER, "customers-*.csv"),
        ("customers_2026_11.csv", NOVEMBER, "customers_*.csv"),
        ("customers-2026-11-27.csv.gz", date(2026, 11, 27), "customers-*.csv.gz"),
        ("customers20261127.xlsx", date(2026, 11, 27), "customers*.xlsx"),
        ("2026-11/customers.csv", NOVEMBER, "*/customers.csv"),
        ("2026-11/customers-2026-11-27.csv", date(2026, 11, 27), "2026-11/customers-*.csv"),
        ("2026-11 copy of 2026-11.csv", NOVEMBER, "* copy of 2026-11.csv"),
    ],
)
def test_names_say_a_day_or_a_month(name: str, day: date, series: str) -> None:
    assert (DEFAULT_PERIODS.day(name), DEFAULT_PERIODS.series(name)) == (day, series)


@pytest.mark.parametrize(
    "name",
    [
        "customers.csv",
        "customers-2026-13.csv",
        "customers-2026-02-30.csv",
        "customers-12026-11.csv",
        "customers-2026-111.csv",
        "from 2026-10 to 2026-11.csv",
        "from 2026-10-01 to 2026-10-31.csv",
        "id-120261127.csv",
    ],
)
def test_names_that_say_none_or_two_are_not_guessed(name: str) -> None:
    assert DEFAULT_PERIODS.day(name) is None
    assert DEFAULT_PERIODS.series(name) == name


def test_a_pattern_names_the_place() -> None:
    pattern = PeriodPattern.from_text("export_*_{day}.{month}.{year}|stand-{year}{month}")
    assert pattern.day("export_eu_27.11.2026.csv") == date(2026, 11, 27)
    assert pattern.day("stand-202611.csv") == NOVEMBER
    assert pattern.series("stand-202611.csv") == "stand-*.csv"
    assert pattern.day("customers-2026-11.csv") is None
    assert PeriodPattern.from_text(" none ").day("customers-2026-11.csv") is None


def test_uploads_of_the_page_are_one_series() -> None:
    name = f"page/{'x' * 32}/customers-2026-11.csv"
    assert DEFAULT_PERIODS.series(name) == "page/*/customers-*.csv"


@pytest.mark.parametrize("text", ["", "{year}", "{year}-{month}|", "{year}{year}{month}", "a"])
def test_a_pattern_without_year_and_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the setting tells what is expected)
        PeriodPattern.from_text(text)


def test_a_day_is_written_in_one_way() -> None:
    assert day_of("2026-11-27") == date(2026, 11, 27)
    for text in ("20261127", "2026-11", "27.11.2026", "2026-11-31"):
        with pytest.raises(ValueError):  # noqa: PT011
            day_of(text)
