"""Which names in a file are near to a column that is missing: told, and never taken.

Names are near that say the same but for punctuation, order, a unit or abbreviations, such as
`Total Trans Amt ($)` and `Total_Transaction_Amount`. Others are merely alike.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from pipeline.model.contract import Contract
from pipeline.model.spelling import readable
from pipeline.reading.columns.names import Binding

SURE = 0.85
"""From here on a name says the same in other words; below it is spelt alike."""
_LEAST = 0.75
LONGEST_NAME, MOST_NAMES = 120, 400
"""Letters of a name, and names: an export of thousands of columns must not take minutes."""
_BRACKETS = re.compile(r"[(\[{][^)\]}]*[)\]}]?")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[A-Z]+")
_CURRENCIES = {"usd", "eur", "gbp", "chf", "jpy", "inr", "dollar", "dollars", "euro", "euros"}
_UNITS = frozenset(_CURRENCIES | {"in", "k", "pct", "percent", "days", "months", "years"})
"""Words behind a name that say what it counts in."""


class WantedColumn(NamedTuple):
    """A column that a contract names, and what else people call it."""

    name: str
    known: tuple[str, ...]
    """Its name, and the others that the contract declares."""
    label: str = ""
    unit: str = ""

    @classmethod
    def all_of(cls, contract: Contract) -> list[Self]:
        """Those of a contract: the features, the id and the label."""
        aliases = contract.aliases
        wanted = [
            cls(it.name, (it.name, *it.aliases), it.label, it.unit) for it in contract.features
        ]
        special = (contract.id_column, contract.label and contract.label.column)
        return wanted + [cls(it, (it, *aliases.get(it, ()))) for it in special if it]


def nearest(wanted: Iterable[WantedColumn], names: Sequence[str]) -> dict[str, Sequence[str]]:
    """The names that may be meant by columns which are missing.

    Args:
        wanted: The columns.
        names: The names in the file that are no column of the contract.

    Returns:
        For each column the nearest name, several that are equally near, or none. A name is told
        for one column only: the one that it is nearest to.
    """
    columns = list(wanted)
    candidates = [name for name in names if 0 < len(name) <= LONGEST_NAME][:MOST_NAMES]
    scores = {
        (column.name, name): nearness(column, name) for column in columns for name in candidates
    }
    found: dict[str, list[str]] = {column.name: [] for column in columns}
    reached: dict[str, float] = {}
    taken: set[str] = set()
    for (column, name), score in sorted(scores.items(), key=lambda item: -item[1]):
        if score < _LEAST or name in taken or score < reached.get(column, 0):
            continue
        found[column].append(readable(name))
        reached[column] = score
        taken.add(name)
    return {**found}


def nearness(column: WantedColumn, name: str) -> float:
    """How near a name is to a column, from 0 to 1.

    1 where only punctuation differs, from `SURE` on where it says the same in other words, and
    below it as far as it is spelt alike.
    """
    words = _words(name)
    if not words:
        return 0.0
    bare = _without_unit(words, column.unit) or words
    best = 0.0
    for known in (*column.known, *filter(None, [column.label])):
        expected = _words(known)
        own = known != column.label or known in column.known
        best = max(best, _alike(expected, words, bare, column.unit) - (0.0 if own else 0.04))
    return best


def _alike(expected: list[str], words: list[str], bare: list[str], unit: str) -> float:
    if "".join(expected) == "".join(words):
        return 1.0
    plain = _without_unit(expected, unit) or expected
    if "".join(plain) == "".join(bare):
        return 0.97
    if sorted(plain) == sorted(bare):
        return 0.95
    if len(plain) == len(bare) and all(map(_abbreviates, plain, bare)):
        return 0.9
    if _digits(plain) != _digits(bare):
        return 0.0  # a quarter is not another
    matcher = difflib.SequenceMatcher(None, "".join(plain), "".join(bare))
    if matcher.real_quick_ratio() < _LEAST or matcher.quick_ratio() < _LEAST:
        return 0.0
    return min(matcher.ratio(), SURE - 0.01)


def _words(name: str) -> list[str]:
    """The words of a name, in lower case and without accents or what stands in brackets."""
    plain = _BRACKETS.sub(" ", readable(name)) or name
    split = unicodedata.normalize("NFKD", plain.replace("ß", "ss"))
    bare = "".join(char for char in split if not unicodedata.combining(char))
    return [word.casefold() for word in _WORD.findall(bare)]


def _without_unit(words: list[str], unit: str) -> list[str]:
    units = _UNITS | {*_words(unit)}
    end = len(words)
    while end and words[end - 1] in units:
        end -= 1
    return words[:end]


def _abbreviates(one: str, other: str) -> bool:
    """Whether one of two words is short for the other: `amt` and `amount`."""
    short, long = sorted((one, other), key=len)
    if not short or short[0] != long[0] or (short != long and short.isdigit()):
        return False
    rest = iter(long)
    return all(char in rest for char in short)


def _digits(words: Iterable[str]) -> list[str]:
    return [word for word in words if word.isdigit()]


def near_columns(contract: Contract, names: Sequence[str]) -> int:
    """How many columns of a contract have a name among these that says the same."""
    return sum(_is_named(column, names) for column in WantedColumn.all_of(contract))


def names_all_features(contract: Contract, names: Sequence[str]) -> bool:
    """Whether each feature has a name among these that says the same."""
    features = WantedColumn.all_of(contract)[: len(contract.features)]
    return all(_is_named(column, names) for column in features)


def _is_named(column: WantedColumn, names: Sequence[str]) -> bool:
    shown = (name for name in names[:MOST_NAMES] if 0 < len(name) <= LONGEST_NAME)
    return any(nearness(column, name) >= SURE for name in shown)


def near_special(contract: Contract, header: Sequence[str], binding: Binding) -> dict[str, str]:
    """Id and label, where a file has none → the one name in it that says the same.

    Args:
        contract: What declares them.
        header: The names as they stand in the file.
        binding: Which of them are columns of the contract.
    """
    there = {*binding.names, *binding.claimed}
    special = WantedColumn.all_of(contract)[len(contract.features) :]
    wanted = [column for column in special if column.name not in there]
    if not wanted:
        return {}
    pairs = zip(header, binding.names, strict=True)
    free = [own for own, name in pairs if name not in contract.columns]
    return sure_names(contract, nearest(wanted, free))


def sure_names(contract: Contract, near: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Of what is near, the names that say the same as their column, and are the only such ones."""
    wanted = {column.name: column for column in WantedColumn.all_of(contract)}
    return {
        column: found[0]
        for column, found in near.items()
        if len(found) == 1 and column in wanted and nearness(wanted[column], found[0]) >= SURE
    }
