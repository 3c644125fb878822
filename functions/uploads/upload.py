"""What a client says of a file that it sends: its name, and the options of its run."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self, TypeVar

from functions.http.problems import ProblemError
from pipeline.errors import MAX_REJECTED_SHARE
from pipeline.reading.options import OPTIONS, ReadingOptions
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat
from pipeline.scoring.spec import Explaining, Options

T = TypeVar("T")
SAFE, FORMAT = "safe_csv", "format"
"""The choice about formulas, and what the rows come back as."""
_REJECTED, _WHY, _SENTENCES, _WHAT_IF, _AS_OF = FURTHER = (
    "max_rejected_share",
    "why",
    "sentences",
    "what_if",
    "as_of",
)
"""What `score` takes besides, and no field of the page says."""
CHOICES = frozenset({SAFE, FORMAT, *FURTHER, *OPTIONS})
"""What may be said of a file, each once."""
_MOST_REASONS = 20
_LONGEST_CHOICE, _LONGEST_MAP = 200, 8_000
"""Bytes; a sheet's name in Excel has up to 31 characters, and columns may be many."""
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client brought, but for the file itself."""

    name: str
    """What the client calls the file."""
    safe_csv: bool
    """Whether cells that a spreadsheet would run are to be made harmless."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """How the file is written, as it was typed: option → text, empty where nothing is said."""
    format: OutputFormat | None = None
    """What the rows come back as; None: as they came."""
    further: Mapping[str, str] = field(default_factory=dict)
    """The other options of a run, as they were typed."""

    @classmethod
    def of(cls, name: str, choices: Mapping[str, str]) -> Self:
        """An upload by what was said of it.

        Args:
            name: What the client calls the file.
            choices: Some of `CHOICES`, as they were typed; an empty one says nothing.

        Raises:
            ProblemError: One of them is too long, or cannot be meant.
        """
        for choice, text in choices.items():
            if len(text.encode(errors="replace")) > (longest := longest_choice(choice)):
                raise wrong_choice(choice, f"at most {longest} bytes")
        chosen = choices.get(FORMAT, "")
        written = next((each for each in OUTPUT_FORMATS if each == chosen), None)
        if chosen and written is None:
            raise wrong_choice(FORMAT, f"{', '.join(OUTPUT_FORMATS)} or nothing")
        texts, further = (
            {each: text for each, text in choices.items() if each in group}
            for group in (OPTIONS, FURTHER)
        )
        return cls(name, _read(choices, SAFE, _flag, default=False), texts, written, further)

    @property
    def choices(self) -> dict[str, str]:
        """Every choice as the form has it."""
        safe = "true" if self.safe_csv else "false"
        return {SAFE: safe, FORMAT: self.format or "", **self.texts, **self.further}

    @property
    def reading(self) -> ReadingOptions:
        """How the file is written; WrongOption when that cannot be meant."""
        return ReadingOptions.from_texts(self.texts)

    @property
    def options(self) -> Options:
        """The options of its run.

        Raises:
            WrongOption: What is said of reading cannot be meant.
            ProblemError: Anything else cannot.
        """
        return Options(
            self.format,
            _read(self.further, _REJECTED, _share, default=MAX_REJECTED_SHARE),
            self.reading,
            self.safe_csv,
            explaining=self._explaining,
            as_of=_read(self.further, _AS_OF, _day, default=None),
        )

    @property
    def _explaining(self) -> Explaining:
        why = _read(self.further, _WHY, _count, default=0)
        sentences = _read(self.further, _SENTENCES, _flag, default=False)
        if sentences and not why:
            raise wrong_choice(_WHY, "a number above 0: sentences are those of reasons")
        return Explaining(why, sentences, _read(self.further, _WHAT_IF, _flag, default=False))


def longest_choice(choice: str) -> int:
    """How many bytes a choice may have."""
    return _LONGEST_MAP if choice == "map" else _LONGEST_CHOICE


def wrong_choice(name: str, expected: str) -> ProblemError:
    """What is answered to a choice that cannot be meant."""
    return ProblemError(422, f"field {name!r}: expected {expected}", code="invalid_form")


def shown_name(raw: bytes) -> str:
    """A file's name as a client sends it, as harmless text for pages and reports."""
    text = raw.decode(errors="replace").replace("\\", "/").rpartition("/")[2]
    printable = "".join(c for c in text if c.isprintable())
    return printable.strip(" .")[:_LONGEST_NAME] or "file"


def _read(
    choices: Mapping[str, str], name: str, parse: tuple[Callable[[str], T], str], *, default: T
) -> T:
    """A choice; ProblemError where it cannot be meant."""
    text = choices.get(name, "")
    try:
        return parse[0](text) if text else default
    except (ValueError, KeyError):
        raise wrong_choice(name, parse[1]) from None


def _to_count(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
    if not 0 <= count <= _MOST_REASONS:
        raise ValueError
    return count


def _to_share(text: str) -> float:
    share = float(text)
    if not math.isfinite(share) or not 0 <= share <= 1:
        raise ValueError
    return share


def _to_day(text: str) -> date | None:
    if len(text) != len("2026-11-27"):  # other forms of ISO 8601 are read as well
        raise ValueError
    return date.fromisoformat(text)


def _to_flag(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]  # Python's clients write True


_flag = _to_flag, "true or false"
_count = _to_count, f"a whole number from 0 to {_MOST_REASONS}"
_share = _to_share, "a number from 0 to 1"
_day = _to_day, "a day such as 2026-11-27"
