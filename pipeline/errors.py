"""Errors about customers and their files; `model_store.errors` draws the whole tree."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from errno import ENOSPC
from typing import Any, NamedTuple, Self

from model_store.errors import CustomerClustersError

_SHOWN = 40
_NAMES_SHOWN = 12
_UNSAFE = frozenset('"$`\\!')
"""What a shell reads between double quotes."""
MAX_REJECTED_SHARE = 0.5
"""A file with more wrong rows than this is a wrong file, unless its user says otherwise."""


class Problem(NamedTuple):
    """Why one value of one customer cannot be used."""

    column: str
    code: str
    """Stable: missing, not_a_number, ambiguous_number, error_cell, not_finite, not_an_integer,
    out_of_range, unknown_value, not_text."""
    value: str
    expected: str

    def __str__(self) -> str:
        value = "nothing" if self.code == "missing" else repr(self.value)
        where = f"{self.column}: " if self.column else ""  # a whole customer has no column
        return f"{where}expected {self.expected}, found {value}"


def shortened(value: object, longest: int = _SHOWN) -> str:
    """A value as text for a message, cut where it would flood it."""
    text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def printable(text: str) -> str:
    """Text for a terminal: what would move its cursor, or be nothing there, is escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def first_line(error: Exception) -> str:
    """An error of a library in one line."""
    return str(error).splitlines()[0].strip() if str(error) else type(error).__name__


class WrongRow(CustomerClustersError, ValueError):
    """Raised when a customer cannot be assigned; carries every problem, not only the first."""

    code = "wrong_row"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in problems))

    @property
    def data(self) -> dict[str, Any]:
        """The problems, each as a mapping of its fields."""
        return {"problems": [problem._asdict() for problem in self.problems]}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The error that has these data."""
        return cls([Problem(**problem) for problem in data["problems"]])


class WrongFile(CustomerClustersError, ValueError):
    """Raised when a customer file, a contract or a training set is refused whole.

    Args:
        file: The file by the name its user knows, or its path.
        problem: What is wrong with it, what was expected and what to do; without the file's name.
    """

    code = "wrong_file"

    def __init__(self, file: object, problem: str) -> None:
        self.file, self.problem = printable(str(file)), printable(problem)
        super().__init__(f"{self.file}: {self.problem}")

    def about(self, file: object) -> Self:
        """The same error about the same file by another name, such as the one its user knows."""
        return self.from_data({**self.data, "file": file})


class Gone(WrongFile):
    """Raised when an input is not there any more, or another one took its place."""

    code = "gone"


class Unreadable(WrongFile):
    """Raised when the storage has an input and does not hand it out: it is archived."""

    code = "archived"


class TooLarge(WrongFile):
    """Raised when an input is larger than what may be read here."""

    code = "too_large"


class UnmatchedColumns(WrongFile):
    """Raised when a file lacks columns, or may have one of them twice; names all of them at once.

    Args:
        file: The file by the name its user knows, or its path.
        near: Each column that is not there → the names in the file that may be meant by it: none,
            the nearest one, or several that are equally near.
        claimed: Each column that several names in the file stand for → these names.
        names: The names in the file.
        header_row: The line of a text, or row of a sheet, that was taken for the header.
        sheets: Of a workbook, the sheet that was read and then the others.
        in_memory: Whether it is a table in memory, for which there are no options.
        also: Columns that a file can be without → the name in this one that may be meant.
    """

    def __init__(
        self,
        file: object,
        near: Mapping[str, Sequence[str]],
        claimed: Mapping[str, Sequence[str]],
        names: Sequence[str],
        header_row: int = 1,
        sheets: Sequence[str] = (),
        in_memory: bool = False,
        also: Mapping[str, str] | None = None,
    ) -> None:
        self.near = {column: list(found) for column, found in near.items()}
        self.claimed = {column: list(found) for column, found in claimed.items()}
        self.names, self.sheets = list(names), list(sheets)
        self.header_row, self.in_memory, self.also = header_row, in_memory, dict(also or {})
        super().__init__(file, "; ".join(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        for column, found in self.claimed.items():
            yield f"columns {_listed(found, 'and')} are both {column}"
        if self.near:
            yield self._missing()
        for column, found in self.near.items():
            if len(found) > 1:
                yield f"{column} may be {_listed(found, 'or')}"
        either = [*self.claimed.items(), *self.near.items()]
        chosen = {column: found[0] for column, found in either if found}
        single = [found[0] for _, found in either if len(found) == 1]
        if chosen:
            chosen |= self.also
            single += self.also.values()
        if len(single) < len(chosen):
            yield f"say which is meant, as by {self._remedy(chosen)}"
        elif single:
            yield f"did you mean {_listed(single, 'and')}? Then say {self._remedy(chosen)}"
        elif not self.in_memory and len(self.names) >= len(self.near):
            yield f"say what is meant by {map_option('its name', next(iter(self.near)))}"

    def _missing(self) -> str:
        them = "them" if len(self.near) > 1 else "it"
        columns = _listed([*self.near], "or", quoted=False)
        line = f" in line {self.header_row}" if self.header_row > 1 else ""
        there = [name for name in self.names if name.strip()]
        names = ", ".join(shortened(name) for name in there[:_NAMES_SHOWN])
        more = ", …" if len(there) > _NAMES_SHOWN else ""
        expected = f"expected a header that names {them}, found{line}: {names}{more}"
        return f"no column {columns}; {expected}"

    def _remedy(self, chosen: Mapping[str, str]) -> str:
        """What to do, with the first of the names that may be meant."""
        if self.in_memory:
            return f"rename({ ({own: column for column, own in chosen.items()}) })"
        return " ".join(map_option(own, column) for column, own in chosen.items())


class UnchosenSheet(WrongFile):
    """Raised when a workbook has several sheets that may be meant, or none that is.

    Args:
        file: The file by the name its user knows, or its path.
        problem: What is wrong with it; without the file's name.
        sheets: Those that may be named.
    """

    def __init__(self, file: object, problem: str, sheets: Sequence[str]) -> None:
        self.sheets = list(sheets)
        super().__init__(file, problem)


def map_option(name: str, column: str) -> str:
    """The option that has a column of a file read as one of the contract, for a shell."""
    return f"--map {map_pair(name, column)}"


def map_pair(name: str, column: str) -> str:
    """A name in a file and the column that it stands for, quoted for a shell."""
    text = f"{name}={column}"
    return shlex.quote(text) if _UNSAFE & {*text} else f'"{text}"'


def _listed(names: Sequence[str], joiner: str, *, quoted: bool = True) -> str:
    shown = [repr(shortened(name)) if quoted else name for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joiner} {shown[-1]}"


@contextmanager
def refuse_unreadable(file: object) -> Iterator[None]:
    """Read a file; the system's error becomes one of ours, but for that of a full disk.

    Raises:
        WrongFile: The file cannot be read.
        OSError: What is written meanwhile finds no space: that is no fault of the file.
    """
    try:
        yield
    except CustomerClustersError:  # which may be an OSError as well, and says more
        raise
    except OSError as error:
        if error.errno == ENOSPC:
            raise
        raise WrongFile(file, f"cannot be read ({error.strerror or error})") from error
