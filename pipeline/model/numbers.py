"""Numbers as people and their programs write them, read only where there is one reading.

`4,604` is four thousand to some and four and a half to others. What decides is the whole file: a
`NumberFormat` says which decimal mark it uses, as far as its values show that.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

DECIMAL_MARKS = (".", ",")
_OTHER = {".": ",", ",": "."}
THOUSANDS = {",": ",", ".": ".", "space": " ", "apostrophe": "'", "none": ""}
"""What a user may state as the mark that groups digits, and that mark."""
_SPACES = "\u00a0\u202f\u2009\u2007"
_SAME_MARK = str.maketrans({**dict.fromkeys(_SPACES, " "), "’": "'", "\u2212": "-"})
_BODY = re.compile(r"\d[\d., ']*|[.,]\d+", re.ASCII)
_SCIENTIFIC = re.compile(r"(\d+([.,]\d*)?|[.,]\d+)[eE][+-]?\d+", re.ASCII)
_EXCEL_TEXT = re.compile(r'="(.*)"', re.DOTALL)
_CURRENCY = r"(?:[A-Za-z]{1,2}\$|[$€£¥₹]|[A-Za-z]{3})"
_BEFORE, _BEHIND = re.compile(_CURRENCY), re.compile(f"{_CURRENCY}$")
_SYMBOLS = {"$": "USD CAD AUD NZD SGD HKD MXN", "€": "EUR", "£": "GBP", "¥": "JPY CNY", "₹": "INR"}
_LONGEST = 400
"""Characters of a number; a longer text is none."""
_NOT_FINITE = re.compile(r"[+-]?(nan|inf(inity)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How the numbers of a text file are written."""

    decimal: str = ""
    """The decimal mark: a point or a comma; empty where the file does not show which."""
    thousands: str | None = None
    """The only mark that may group digits; None: any but the decimal mark."""

    @property
    def output_decimal(self) -> str:
        """The decimal mark of numbers that are added to the file."""
        return self.decimal or "."

    def groups(self, mark: str) -> bool:
        """Whether a mark may group digits."""
        return mark != self.decimal if self.thousands is None else mark == self.thousands


class Interpretation(NamedTuple):
    """One way to read a number."""

    value: float
    decimal: str
    """The decimal mark that is supposed; empty where none is."""


def interpretations(
    text: str, numbers: NumberFormat, unit: str = "", *, share: bool = False
) -> list[Interpretation]:
    """Every way to read a cell as a number that fits the format.

    Args:
        text: The cell: signs, brackets for negatives, `="…"`, `%` and the unit's currency are
            understood.
        numbers: How the file's numbers are written.
        unit: The column's unit: another currency is no number of this column.
        share: Whether the column holds shares from 0 to 1, so that `6.1%` is 0.061. Where the unit
            has a percent sign it is 6.1, and elsewhere it may be either.

    Returns:
        Several where the cell is ambiguous; none where it is no number.
    """
    if len(text) > _LONGEST:
        return []
    body = text.translate(_SAME_MARK).strip()
    if wrapped := _EXCEL_TEXT.fullmatch(body):
        body = wrapped[1].strip()
    if _NOT_FINITE.fullmatch(body):
        return [Interpretation(float(body), "")]
    body, outer = _without_sign(body)
    body, percent = body.removesuffix("%").rstrip(), body.endswith("%")
    body, inner = _without_sign(_without_currency(body, unit))  # $-5 as well as -$5
    if outer < 0 and inner < 0:
        return []
    factors: tuple[float, ...] = (1,)
    if percent and "%" not in unit:
        factors = (0.01,) if share else (1, 0.01)
    known = (
        Interpretation(outer * inner * factor * float(digits), decimal)
        for digits, decimal in _unformatted(body, numbers)
        for factor in factors
    )
    return list(dict.fromkeys(known))


def _without_sign(text: str) -> tuple[str, int]:
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), -1
    if text.startswith(("+", "-")):
        return text[1:].lstrip(), -1 if text[0] == "-" else 1
    return (text[:-1].rstrip(), -1) if text.endswith("-") else (text, 1)


def _without_currency(text: str, unit: str) -> str:
    """The text without the column's currency before or behind it; any, where it has no unit."""
    before, behind = _BEFORE.match(text), _BEHIND.search(text)
    for currency, rest in (
        (before, text[before.end() :] if before else ""),
        (behind, text[: behind.start()] if behind else ""),
    ):
        if currency and (not unit or _means(currency[0], unit.upper())):
            return rest.strip()
    return text


def _means(currency: str, unit: str) -> bool:
    """Whether a currency as it is written is the unit: `$`, `US$` or `USD` for USD."""
    codes = _SYMBOLS.get(currency[-1], "").split()
    symbol = any(code == unit and code.startswith(currency[:-1].upper()) for code in codes)
    return symbol or currency.upper() == unit


def _unformatted(body: str, numbers: NumberFormat) -> list[tuple[str, str]]:
    """What `float` takes, once for each decimal mark that may be supposed, with that mark."""
    if _SCIENTIFIC.fullmatch(body):
        mark = next((mark for mark in DECIMAL_MARKS if mark in body), "")
        fits = not mark or numbers.decimal in ("", mark)
        return [(body.replace(",", "."), mark)] if fits else []
    if not _BODY.fullmatch(body):
        return []
    known = []
    for decimal in (numbers.decimal,) if numbers.decimal else DECIMAL_MARKS:
        whole, mark, part = body.partition(decimal)
        digits = _ungrouped(whole, numbers) if whole or not mark else "0"
        if digits is None or (mark and not part.isdigit() and part):
            continue
        shows = mark or _OTHER[decimal] in whole  # the other mark groups, so this one is decimal
        known.append((f"{digits}.{part or 0}" if mark else digits, decimal if shows else ""))
    return list(dict.fromkeys(known))


def _ungrouped(digits: str, numbers: NumberFormat) -> str | None:
    """The digits before the decimal mark; None unless they are whole groups of one mark."""
    if digits.isdigit():
        return digits
    mark = next((char for char in digits if not char.isdigit()), "")
    first, *groups = digits.split(mark)
    hundreds = all(len(group) == 3 for group in groups) and 1 <= len(first) <= 3
    lakhs = len(first) in (1, 2) and {len(g) for g in groups[:-1]} == {2} and len(groups[-1]) == 3
    whole = first.isdigit() and all(group.isdigit() for group in groups)
    right = whole and (hundreds or lakhs) and not first.startswith("0") and numbers.groups(mark)
    return first + "".join(groups) if right else None
