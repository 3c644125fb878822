"""Values in documents that somebody may have written by hand: each is what it has to be.

Every function gives the value back, or raises a WrongValue that names it and says what was found.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import shortened


class WrongValue(ValueError):
    """Raised when a value of a document is not what it has to be.

    Args:
        what: The value, by its name in the document.
        expected: What it has to be.
        found: What it is.
        hint: What to do, where that is more than to write what was expected.
    """

    def __init__(self, what: str, expected: str, found: str, hint: str = "") -> None:
        self.what, self.expected, self.found, self.hint = what, expected, found, hint
        super().__init__(f"{what}: expected {expected}, found {found}{hint and f'; {hint}'}")


def wrong(what: str, expected: str, value: object) -> WrongValue:
    """The error about a value, which is cut where it would flood a message."""
    return WrongValue(what, expected, "nothing" if value is None else shortened(value))


def number(value: object, what: str) -> float:
    """A finite number, as a float."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            converted = float(value)
        except OverflowError:  # an integer of hundreds of digits
            converted = math.inf
        if math.isfinite(converted):
            return converted
    raise wrong(what, "a finite number", value)


def numbers(values: object, what: str, length: int | None = None) -> tuple[float, ...]:
    """An array of finite numbers, of a length where one is given."""
    checked = tuple(number(value, what) for value in array(values, what))
    if length is not None and len(checked) != length:
        raise WrongValue(what, f"{length} numbers", str(len(checked)))
    return checked


def whole(value: object, what: str, least: int = 0) -> int:
    """A whole number that is not below the least."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise wrong(what, f"a whole number from {least}", value)


def yes_or_no(value: object, what: str) -> bool:
    """True or False."""
    if isinstance(value, bool):
        return value
    raise wrong(what, "true or false", value)


def text(value: object, what: str) -> str:
    """A text."""
    if isinstance(value, str):
        return value
    raise wrong(what, "a text", value)


def name(value: object, what: str) -> str:
    """A text with something in it."""
    if isinstance(value, str) and value.strip():
        return value
    raise wrong(what, "a text that is not empty", value)


def array(value: object, what: str) -> Iterable[Any]:
    """An array; not a text, which Python would take for one of its letters."""
    if isinstance(value, list | tuple):
        return value
    raise wrong(what, "an array", value)


def table(value: object, what: str, known: Iterable[str] | None = None) -> Mapping[str, Any]:
    """A table by names, with none but the known ones where they are given."""
    if not isinstance(value, Mapping):
        raise wrong(what, "a table", value)
    unknown = [] if known is None else [key for key in value if key not in set(known)]
    if unknown:
        raise unknown_key(unknown[0], what, known or ())
    return value


def unknown_key(key: object, what: str, known: Iterable[str]) -> WrongValue:
    """The error about a key of a table that nothing reads."""
    import difflib  # for errors alone

    names = tuple(known)
    close = difflib.get_close_matches(str(key), names, 1)
    expected = f"none but the keys {', '.join(names)}"
    hint = f"did you mean {close[0]}?" if close else ""
    return WrongValue(what, expected, shortened(key), hint)
