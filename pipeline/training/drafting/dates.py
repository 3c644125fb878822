"""The dates of a ledger, as days: a date that can be read in two ways is not guessed."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import WrongFile, shortened

Order = Literal["ymd", "dmy", "mdy"]
ORDERS: tuple[Order, ...] = ("ymd", "dmy", "mdy")
_NEVER = np.datetime64("NaT", "D")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ].*)?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T ,].*)?")
_NAMED = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3})[a-z]*[- ,]+(\d{4})(?:[T ,].*)?")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def parse_dates(
    texts: Sequence[str], column: str, path: object, order: Order | None = None
) -> NDArray[np.datetime64]:
    """Each text as a day; NaT where it is no date.

    Args:
        texts: Such as 2024-03-31, 20240331, 31.03.2024 or 31 Mar 2024, with a time or without.
        column: What the column is called.
        path: The file.
        order: How day, month and year follow one another; None: as the texts show.

    Raises:
        WrongFile: All of them can be read in two ways.
    """
    readings = {known: _read_all(texts, known) for known in ([order] if order else ORDERS)}
    best = max(int((~np.isnat(days)).sum()) for days in readings.values())
    if not best:
        return next(iter(readings.values()))
    likely = {
        known: days for known, days in readings.items() if int((~np.isnat(days)).sum()) == best
    }
    (_, first), *others = likely.items()
    for other in (days for _, days in others):
        different = np.flatnonzero((first != other) & ~(np.isnat(first) & np.isnat(other)))
        if len(different):
            at = int(different[0])
            raise WrongFile(
                path,
                f"{column} holds {shortened(texts[at])!r}, which may be {first[at]} or "
                f"{other[at]}, and no other value shows which; say --date-order",
            )
    return first


def _read_all(texts: Sequence[str], order: Order) -> NDArray[np.datetime64]:
    read = _READERS[order]
    return np.array([_day(read(text.strip())) for text in texts], "datetime64[D]")


def _day(parts: tuple[int, int, int] | None) -> date | np.datetime64:
    """Year, month and day as a date, where there is such a one."""
    if parts is None:
        return _NEVER
    try:
        return date(*parts)
    except ValueError:
        return _NEVER


def _year_first(text: str) -> tuple[int, int, int] | None:
    found = _YEAR_FIRST.fullmatch(text)
    if found is None or (not found[2] and len(found[3] + found[4]) != 4):
        return None
    return int(found[1]), int(found[3]), int(found[4])


def _day_first(text: str) -> tuple[int, int, int] | None:
    if named := _NAMED.fullmatch(text):
        month = named[2].lower()
        known = month in _MONTHS
        return (int(named[3]), _MONTHS.index(month) + 1, int(named[1])) if known else None
    found = _YEAR_LAST.fullmatch(text)
    return (int(found[4]), int(found[3]), int(found[1])) if found else None


def _month_first(text: str) -> tuple[int, int, int] | None:
    found = _YEAR_LAST.fullmatch(text)
    return (int(found[4]), int(found[1]), int(found[3])) if found else None


_READERS: dict[Order, Callable[[str], tuple[int, int, int] | None]] = {
    "ymd": _year_first,
    "dmy": _day_first,
    "mdy": _month_first,
}
