"""Which columns of a file are those of a contract: by name, by another known name, or as stated.

Nothing else is ever taken for a column. What is merely near is told by `nearness`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from pipeline.errors import WrongFile, shortened
from pipeline.model.contract import Contract
from pipeline.model.spelling import normalised, readable, split_pair

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names under which the columns of a contract may stand in a file."""

    columns: frozenset[str]
    """Those of the contract, as it spells them."""
    names: Mapping[str, str]
    """A name that the contract knows, normalised → its column."""
    stated: Mapping[str, str]
    """A name that somebody stated for this file → its column."""

    @classmethod
    def of(cls, file: object, contract: Contract | None, stated: Sequence[str] = ()) -> Self:
        """The names of a contract's columns; none without one.

        Args:
            file: The file, for errors.
            contract: What declares the columns.
            stated: What somebody said of this file, each as `its name=our name`.

        Raises:
            WrongFile: A column is stated that the contract has not, or one twice.
        """
        if contract is None:
            return cls(frozenset(), {}, {})
        names = {
            normalised(name): column
            for column, aliases in contract.aliases.items()
            for name in aliases
        }
        names |= {normalised(name): name for name in contract.columns}
        return cls(frozenset(contract.columns), names, _read_stated(file, contract, stated))

    def meaning(self, name: str) -> str | None:
        """The column of the contract that a name in a file stands for; None for no such column."""
        for stated, column in self.stated.items():
            if _typed(stated) == _typed(name):
                return column
        found = name if name in self.columns else self.names.get(normalised(name))
        return None if found in self.stated.values() else found

    def meanings(self, names: Sequence[str]) -> set[str]:
        """The columns of the contract that these names stand for."""
        return {found for name in names if (found := self.meaning(name)) is not None}


class Binding(NamedTuple):
    """The names of a file's columns, once those of the contract are found."""

    names: tuple[str, ...]
    """A name for each column: that of the contract where it is one of its columns."""
    claimed: Mapping[str, Sequence[str]]
    """A column of the contract that several names stand for → these; none is taken for it."""


def bind(file: object, header: Sequence[str], known: KnownNames) -> Binding:
    """Find the columns of a contract among those of a file.

    A column's own spelling comes before one that differs in case or spaces. Where several names
    stand for a column otherwise, none is taken.

    Args:
        file: The file, for errors.
        header: The names as they stand in the file.
        known: The names of the contract's columns.

    Raises:
        WrongFile: A name was stated that the file has not.
    """
    _refuse_absent(file, header, known)
    claims: dict[str, list[str]] = {}
    for name in dict.fromkeys(header):
        if (column := known.meaning(name)) is not None:
            claims.setdefault(column, []).append(name)
    taken, claimed = {}, {}
    for column, names in claims.items():
        winners = _winners(column, names, known)
        if len(winners) == 1:
            taken[winners[0]] = column
        else:
            claimed[column] = winners
    return Binding(tuple(taken.get(name) or _free(name, known) for name in header), claimed)


def _typed(name: str) -> str:
    """What is the same of a name as it stands in a file and as people can type it."""
    return normalised(readable(name))


def _winners(column: str, names: Sequence[str], known: KnownNames) -> list[str]:
    """The names that may be meant by a column, of those that stand for it."""
    if exact := [name for name in names if known.stated.get(readable(name)) == column]:
        return exact
    if column in names:
        own = normalised(column)
        return [name for name in names if name == column or normalised(name) != own]
    return [*names]


def _free(name: str, known: KnownNames) -> str:
    """The name of a column that is none of the contract's; never that of one that is."""
    own = known.names.get(normalised(name))
    return f"{name} (as in the file)" if own in known.stated.values() else name


def _read_stated(file: object, contract: Contract, stated: Sequence[str]) -> dict[str, str]:
    """Each name that was stated → its column in the contract."""
    never = {*contract.never_features}
    own = {normalised(name): name for name in contract.columns if name not in never}
    read: dict[str, str] = {}
    for text in stated:
        name, column = split_pair(text, own)
        if column not in own:
            columns = ", ".join([*own.values()][:_SHOWN])
            problem = f'--map "{text}": no column {column} is read here; there are: {columns}'
            raise WrongFile(file, problem)
        column = own[column]
        before = next((it for it in read if normalised(it) == normalised(name)), None)
        if before is not None and read[before] != column:
            problem = f"--map: {name!r} is to be both {read[before]} and {column}; expected one"
            raise WrongFile(file, problem)
        other = next((it for it, known in read.items() if known == column), name)
        if other != name:
            problem = f"--map: both {other!r} and {name!r} are to be {column}; expected one column"
            raise WrongFile(file, problem)
        read[name] = column
    return read


def _refuse_absent(file: object, header: Sequence[str], known: KnownNames) -> None:
    there = {_typed(name) for name in header}
    for name, column in known.stated.items():
        if _typed(name) not in there:
            listed = ", ".join(shortened(name) for name in header[:_SHOWN])
            more = ", …" if len(header) > _SHOWN else ""
            problem = f'--map "{name}={column}": no column {name!r} in the file; found: '
            raise WrongFile(file, f"{problem}{listed}{more}")
