"""Variables of the environment, each declared once as a field of a settings class.

The declaration gives the default, reads the text, and describes the variable in help texts and
documents.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, Generic, NamedTuple, TypeVar, overload

from model_store import CustomerClustersError

PREFIX = "CUSTOMER_CLUSTERS_"
"""What the name of every variable begins with."""
_KEY = "variable"
T = TypeVar("T")
D = TypeVar("D")


class WrongSetting(CustomerClustersError, ValueError):
    """Raised when a variable of the environment cannot be used; its value is never shown."""

    code = "wrong_setting"

    def __init__(self, variable: str, expected: str) -> None:
        self.variable, self.expected = variable, expected
        super().__init__(f"{variable}: expected {expected}")


class WrongEntry(ValueError):
    """Raised by a kind when an entry of a list cannot be read: it is told by its number alone."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"entry {number}")


class Kind(NamedTuple, Generic[T]):
    """A kind of values: how one is read from text, and what its text is expected to be."""

    parse: Callable[[str], T]
    """Raises ValueError for a text that is no such value."""
    expected: str


class Variable(NamedTuple):
    """A variable of the environment."""

    name: str
    kind: Kind[Any]
    meaning: str
    """A sentence for operators, without the full stop; code stands between backticks."""
    default: str
    """What holds where the variable is not set, in words."""

    def is_set(self, environment: Mapping[str, str]) -> bool:
        """Whether the variable says anything: blanks alone do not."""
        return bool(environment.get(self.name, "").strip())

    def read(self, environment: Mapping[str, str]) -> Any:
        """The variable's value.

        Raises:
            WrongSetting: The variable is not set, or its text cannot be read.
        """
        try:
            return self.kind.parse(environment.get(self.name, "").strip())
        except WrongEntry as error:
            expected = f"{self.kind.expected}; entry {error.number} cannot be read"
            raise WrongSetting(self.name, expected) from None
        except ValueError:
            raise WrongSetting(self.name, self.kind.expected) from None


@overload
def setting(
    variable: str, kind: Kind[T], meaning: str, *, shown: str = "", secret: bool = False
) -> T: ...
@overload
def setting(
    variable: str,
    kind: Kind[T],
    meaning: str,
    *,
    default: D,
    shown: str = "",
    secret: bool = False,
) -> T | D: ...
def setting(
    variable: str,
    kind: Kind[Any],
    meaning: str,
    *,
    default: Any = MISSING,
    shown: str = "",
    secret: bool = False,
) -> Any:
    """A field of a settings class that a variable of the environment sets.

    Args:
        variable: The name of the variable.
        kind: How its text is read.
        meaning: What it decides, for operators.
        default: The value where it is not set; without one it must be set.
        shown: The default in words, where the value does not say it well.
        secret: The value is left out where the settings are shown as text.

    Returns:
        A field for `dataclasses.dataclass`, which type checkers take for its value.
    """
    words = shown or ("needed" if default is MISSING else _in_words(default))
    declared = Variable(variable, kind, meaning, words)
    return field(default=default, repr=not secret, metadata={_KEY: declared})


def variables_of(settings: type) -> dict[str, Variable]:
    """The variables of a settings class: field name → variable, in the order of the fields."""
    return {declared.name: declared.metadata[_KEY] for declared in _fields(settings)}


def read(settings: type[T], environment: Mapping[str, str], **others: Any) -> T:
    """Make settings of what an environment says.

    Args:
        settings: A class with fields made by `setting`.
        environment: Such as `os.environ`.
        others: The values of the fields that are not read from one variable.

    Raises:
        WrongSetting: A variable cannot be used, or one without a default is not set.
    """
    values = {
        declared.name: variable.read(environment)
        for declared in _fields(settings)
        if (variable := declared.metadata[_KEY]).is_set(environment) or declared.default is MISSING
    }
    return settings(**values, **others)


def _fields(settings: type) -> list[Field[Any]]:
    return [declared for declared in fields(settings) if _KEY in declared.metadata]


def _in_words(default: object) -> str:
    if default is None or default in ("", ()):
        return "none"
    return f"{default:g}" if isinstance(default, float) else str(default)
