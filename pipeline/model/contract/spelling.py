"""How names of columns are compared: whatever their case, spaces and invisible characters."""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


def normalised(name: str) -> str:
    """A column's name without stray spaces, invisible characters and its case."""
    if name.isascii():
        return " ".join(name.split()).casefold()
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFC", name))
    return " ".join(visible.split()).casefold()


def alphanumeric(name: str) -> str:
    """The letters and digits of a name alone: what is the same however it is spelt."""
    return "".join(char for char in normalised(name) if char.isalnum())


def readable(name: str) -> str:
    """A name as people read and type it: in one line, without what cannot be seen."""
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFC", name))
    return " ".join("".join(char if char.isprintable() else " " for char in visible).split())
