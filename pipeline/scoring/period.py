"""To which period a customer file belongs, as its name says it. Needs the standard library only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

_DIGITS = {
    "year": r"(?P<year>(?:19|20)\d\d)",
    "month": r"(?P<month>0[1-9]|1[0-2])",
    "day": r"(?P<day>0[1-9]|[12]\d|3[01])",
}
_PLACEHOLDER = re.compile(r"\{(year|month|day)\}|(\*)")
_UPLOAD = re.compile(r"(?:^|(?<=/))[A-Za-z0-9_-]{32}(?=/)")
"""A folder that is named at random, as each upload of the page has one."""
NO_PATTERN = "none"
DEFAULT_PATTERN = (
    "{year}-{month}-{day}|{year}_{month}_{day}|{year}{month}{day}|{year}-{month}|{year}_{month}"
)


@dataclass(frozen=True, slots=True)
class PeriodPattern:
    """Where a file's name has the date of its period: the first alternative that fits counts."""

    text: str
    alternatives: Sequence[re.Pattern[str]] = field(compare=False, repr=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a pattern such as `customers-{year}-{month}`.

        Args:
            text: A part of a name with {year} and {month}, perhaps {day}; * stands for any text
                without `/`. Alternatives are separated by |; `none` finds nothing.

        Raises:
            ValueError: An alternative lacks the year or the month, or names one twice.
        """
        text = text.strip()
        parts = [] if text == NO_PATTERN else text.split("|")
        return cls(text, tuple(map(_compiled, parts)))

    def day(self, name: str) -> date | None:
        """The date in a name, the first day of a month that has no day.

        None where there is none, or several: then the name does not say it.
        """
        found = self._find(name)
        return found[0] if found else None

    def series(self, name: str) -> str:
        """The name with * in place of its date: the same for the files of every period."""
        found = self._find(name)
        if found:
            _, start, end = found
            name = f"{name[:start]}*{name[end:]}"
        return _UPLOAD.sub("*", name)

    def _find(self, name: str) -> tuple[date, int, int] | None:
        """Date, start and end; what the file is called comes before the folders around it."""
        file = name.rfind("/") + 1
        return self._search(name, file) or (self._search(name, 0) if file else None)

    def _search(self, name: str, start: int) -> tuple[date, int, int] | None:
        for alternative in self.alternatives:
            matches = [*alternative.finditer(name, start)]
            if matches:
                days = {_date(match) for match in matches}
                (day,) = days if len(days) == 1 else (None,)
                return (day, *_span(matches[0])) if day else None
        return None


def is_upload(name: str) -> bool:
    """Whether an input came by the page: only who knows its random folder may see it."""
    return _UPLOAD.search(name) is not None


def day_of(text: str) -> date:
    """A date as YYYY-MM-DD; ValueError for any other text."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _compiled(part: str) -> re.Pattern[str]:
    names = [name for name, _ in _PLACEHOLDER.findall(part) if name]
    if not {"year", "month"} <= {*names} or len(names) != len({*names}):
        raise ValueError(part)
    pieces, at = [], 0
    for match in _PLACEHOLDER.finditer(part):
        pieces.append(re.escape(part[at : match.start()]))
        pieces.append(_DIGITS[match[1]] if match[1] else "[^/]*?")
        at = match.end()
    pieces.append(re.escape(part[at:]))
    return re.compile(rf"(?<!\d){''.join(pieces)}(?!\d)")


def _date(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    try:
        return date(int(parts["year"]), int(parts["month"]), int(parts.get("day") or 1))
    except ValueError:  # the 31st of a month that has none
        return None


def _span(match: re.Match[str]) -> tuple[int, int]:
    """From the first digit of the date to its last."""
    spans = [match.span(key) for key in match.groupdict()]
    return min(first for first, _ in spans), max(last for _, last in spans)


DEFAULT_PERIODS = PeriodPattern.from_text(DEFAULT_PATTERN)
"""Dates as ISO 8601 writes them, whole months too."""
