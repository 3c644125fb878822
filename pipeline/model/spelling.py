"""How names of columns are compared: whatever their case, spaces and invisible characters."""

import unicodedata
from collections.abc import Mapping

_INVISIBLE = dict.fromkeys(
    (
        *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2065),
    )
)


def normalised(name: str) -> str:
    """A column's name without stray spaces, invisible characters and its case."""
    if name.isascii():
        return " ".join(name.split()).casefold()
    visible = unicodedata.normalize("NFC", name).translate(_INVISIBLE)
    return " ".join(visible.split()).casefold()


def alphanumeric(name: str) -> str:
    """The letters and digits of a name alone: what is the same however it is spelt."""
    return "".join(char for char in normalised(name) if char.isalnum())


def split_pair(text: str, own: Mapping[str, str]) -> tuple[str, str]:
    """Both names of `its name=our name`; either may hold an equals sign.

    Args:
        text: The pair.
        own: Our names, normalised → as they are spelt.

    Returns:
        Its name as people type it, and ours, normalised where it is one of them.
    """
    ends = [index for index, char in enumerate(text) if char == "="] or [len(text)]
    good = [index for index in ends if normalised(text[index + 1 :]) in own]
    end = (good or ends)[-1]
    column = normalised(text[end + 1 :])
    return readable(text[:end]), column if column in own else readable(text[end + 1 :])


def readable(name: str) -> str:
    """A name as people read and type it: in one line, without what cannot be seen."""
    visible = unicodedata.normalize("NFC", name).translate(_INVISIBLE)
    return " ".join("".join(char if char.isprintable() else " " for char in visible).split())
