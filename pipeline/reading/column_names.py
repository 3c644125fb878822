"""Columns are found by name, whatever its case, its spaces and invisible characters."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

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


def canonical(names: Sequence[str], wanted: Collection[str]) -> list[str]:
    """The names of a file, with those of the contract where one is meant.

    Args:
        names: The names as they stand in the file.
        wanted: The names of the contract.

    Returns:
        A name for each of the file's: the wanted one where it differs in case or stray spaces
        only, else its own. Where two could be meant, neither is replaced.
    """
    meant = {normalised(name): name for name in wanted}
    alike = Counter(normalised(name) for name in names)
    return [
        name if name in wanted or alike[normalised(name)] > 1 else meant.get(normalised(name), name)
        for name in names
    ]
