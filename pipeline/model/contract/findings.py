"""What a contract, or a file beside it, lacks: each finding is one line."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeVar

from pipeline.errors import printable
from pipeline.model.typed_values import WrongValue

T = TypeVar("T")


class Finding(NamedTuple):
    """One thing that is wrong: where, what was found, and what was expected."""

    where: str
    """The key of a contract, such as `features.age.valid`, or the column of a file."""
    expected: str
    found: str
    hint: str = ""
    """What to do, where that is more than to write what was expected."""
    level: Literal["error", "warning"] = "error"
    """An error must be mended; a warning says what a run will do by itself, such as reject rows."""

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return printable(f"{self.where}: expected {self.expected}, found {self.found}{hint}")


class Findings:
    """Gathers what is wrong, so that all of it is said at once."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def add(self, where: str, expected: str, found: str, hint: str = "") -> None:
        """Take in a finding."""
        self.found.append(Finding(where, expected, found, hint))

    def read(self, reader: Callable[[object, str], T], value: object, where: str) -> T | None:
        """A value as a function reads it; None, and a finding, where that finds it wrong."""
        try:
            return reader(value, where)
        except WrongValue as error:
            self.found.append(Finding(error.what, error.expected, error.found, error.hint))
            return None


def listed(findings: Sequence[Finding]) -> str:
    """The first finding, and how many more there are."""
    more = len(findings) - 1
    rest = f" (and {more} more: customer-clusters contract check lists them)" if more else ""
    return f"{findings[0]}{rest}"
