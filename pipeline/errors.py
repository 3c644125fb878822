"""Errors about customers and their files; `model_store.errors` draws the whole tree."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Self

from model_store.errors import CustomerClustersError

_SHOWN = 40
MAX_REJECTED_SHARE = 0.5
"""A file with more wrong rows than this is a wrong file, unless its user says otherwise."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one value of one customer cannot be used."""

    column: str
    code: str
    """Stable: missing, not_a_number, ambiguous_number, error_cell, not_finite, not_an_integer,
    out_of_range, unknown_value, not_text."""
    value: str
    expected: str

    def __str__(self) -> str:
        value = "nothing" if self.code == "missing" else repr(self.value)
        return f"{self.column}: expected {self.expected}, found {value}"


def shortened(value: object) -> str:
    """A value as text for a message, cut where it would flood it."""
    text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


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
        return {"problems": [asdict(problem) for problem in self.problems]}

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
    """Raised when the storage refuses to hand out an input, and will refuse again."""

    code = "access_denied"


class TooLarge(WrongFile):
    """Raised when an input is larger than what may be read here."""

    code = "too_large"


@contextmanager
def refuse_unreadable(file: object) -> Iterator[None]:
    """Read a file; the system's error becomes one of ours.

    Raises:
        WrongFile: The file cannot be read.
    """
    try:
        yield
    except CustomerClustersError:  # which may be an OSError as well, and says more
        raise
    except OSError as error:
        raise WrongFile(file, f"cannot be read ({error.strerror or error})") from error
