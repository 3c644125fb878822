"""What a user may say about how a file is written, where the file itself does not show it."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from model_store import CustomerClustersError
from pipeline.model.numbers import DECIMAL_MARKS, THOUSANDS, NumberFormat
from pipeline.model.spelling import readable

_UNICODE = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
_UNSAFE = ("iso2022", "hz", "utf_7", "idna")
"""What the names of encodings begin with whose characters hold the bytes of commas, quotes and
newlines, or that are for names of hosts and not for texts."""
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " "}


class WrongOption(CustomerClustersError, ValueError):
    """Raised when an option about reading cannot be meant."""

    code = "wrong_option"

    def __init__(self, name: str, expected: str, value: str) -> None:
        self.name, self.expected, self.value = name, expected, value
        super().__init__(f"--{name.replace('_', '-')}: expected {expected}, found {value!r}")


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a file is written; None for what is to be detected: the file shows it, or is refused."""

    delimiter: str | None = None
    """One character, or comma, semicolon, tab, pipe, space."""
    decimal: str | None = None
    """The decimal mark: `.` or `,`."""
    thousands: str | None = None
    """What groups digits: `,`, `.`, space, apostrophe or none."""
    encoding: str | None = None
    """Of a text, by its usual name, such as cp1250 or shift_jis."""
    sheet: str | None = None
    """Of a workbook."""
    header_row: int | None = None
    """The line of a text, or the row of a sheet, that has the names; 1 is the first."""
    map: tuple[str, ...] = ()
    """Which column of the file is which of the contract, each as `its name=our name`."""

    def __post_init__(self) -> None:
        """Check every option.

        Raises:
            WrongOption: One of them cannot be meant.
        """
        delimiter = _DELIMITERS.get(self.delimiter or "", self.delimiter)
        if delimiter is not None and (
            len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0'
        ):
            raise WrongOption("delimiter", "one ASCII character", str(self.delimiter))
        object.__setattr__(self, "delimiter", delimiter)
        if self.decimal not in (None, *DECIMAL_MARKS):
            raise WrongOption("decimal", "'.' or ','", str(self.decimal))
        if self.thousands is not None and self.thousands not in THOUSANDS:
            raise WrongOption("thousands", f"one of {', '.join(THOUSANDS)}", self.thousands)
        if self.thousands is not None and self.thousands == self.decimal:
            raise WrongOption("thousands", "another mark than the decimal mark", self.thousands)
        if self.encoding is not None and known_encoding(self.encoding) is None:
            raise WrongOption("encoding", "an encoding such as cp1250 or utf-8", self.encoding)
        if self.header_row is not None and self.header_row < 1:
            raise WrongOption("header_row", "1 or more", str(self.header_row))
        object.__setattr__(self, "map", tuple(sorted({_mapped(text) for text in self.map})))

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Self:
        """The options of settings, forms and arguments.

        Args:
            texts: A text by the name of its option; an empty one says nothing. Columns that are
                mapped stand on a line each, or between semicolons.

        Raises:
            WrongOption: One of them cannot be meant.
        """
        stated: dict[str, Any] = {name: text for name in OPTIONS if (text := texts.get(name))}
        if row := stated.get("header_row"):
            try:
                stated["header_row"] = int(row)
            except ValueError:
                raise WrongOption("header_row", "a whole number", row) from None
        if mapped := stated.get("map"):
            stated["map"] = tuple(filter(str.strip, mapped.split("\n" if "\n" in mapped else ";")))
        return cls(**stated)

    @property
    def texts(self) -> dict[str, str]:
        """The options that are stated, as `from_texts` reads them."""
        texts = {name: str(value) for name, value in self.facts.items()}
        if self.map:
            texts["map"] = "".join(f"{text}\n" for text in self.map)
        return texts

    @property
    def numbers(self) -> NumberFormat:
        """The format of numbers as far as it is stated."""
        decimal = self.decimal or ""
        if not decimal and self.thousands in DECIMAL_MARKS:
            decimal = "." if self.thousands == "," else ","
        return NumberFormat(decimal, None if self.thousands is None else THOUSANDS[self.thousands])

    @property
    def facts(self) -> dict[str, Any]:
        """The options that are stated, for a manifest and for the id of a run."""
        stated = ((field.name, getattr(self, field.name)) for field in fields(self))
        facts = {name: value for name, value in stated if value not in (None, ())}
        return facts | ({"map": [*self.map]} if self.map else {})


def _mapped(text: str) -> str:
    """`its name=our name` in one line; WrongOption where it is not that."""
    name, _, column = readable(text).rpartition("=")
    if not name.strip() or not column.strip():
        raise WrongOption("map", "'its name=our name'", text)
    return readable(text)


def known_encoding(name: str) -> str | None:
    """Python's name of an encoding of text whose delimiters are ASCII; None for any other."""
    try:
        codec = codecs.lookup(name).name
        is_safe = not codec.replace("-", "_").startswith(_UNSAFE)
        is_ascii = ',"\n'.encode(codec) == b',"\n'
        return codec if (is_ascii and is_safe) or codec in _UNICODE else None
    except (LookupError, ValueError):
        return None


OPTIONS = tuple(field.name for field in fields(ReadingOptions))
"""The names of all options."""
AUTODETECT = ReadingOptions()
"""Nothing is stated: the file shows how it is written."""
