"""`_options.toml`: what is said of the files beside it and below it in the input bucket.

The nearest one counts, alone: that in the file's own folder, or the next one above it, up to the
input's prefix. What it does not say the settings say.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from functions.settings import BatchSettings
from model_store import CustomerClustersError, S3Address
from pipeline.errors import Gone
from pipeline.reading.options import OPTIONS, ReadingOptions, WrongOption
from pipeline.runs.objects import EmptyObject, ObjectRef, open_object
from pipeline.scoring.documents import OUTPUT_FORMATS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OPTIONS_FILE = "_options.toml"
_MOST_BYTES = 64 << 10
_MOST_FOLDERS = 16
_MOST_REASONS = 20
_Check = Callable[[Any], bool]


class WrongOptions(CustomerClustersError, ValueError):
    """Raised when the options beside a file cannot be meant: the file is not scored by guess."""

    code = "wrong_options"

    def __init__(self, address: str, problem: str, etag: str) -> None:
        self.address, self.problem, self.etag = address, problem, etag
        super().__init__(f"{address}: {problem}; mend it and drop the file again")


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not _is_flag(value) and 0 <= value <= _MOST_REASONS


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not _is_flag(value) and 0 <= value <= 1


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_format(value: Any) -> bool:
    return value in OUTPUT_FORMATS


_OWN: Mapping[str, tuple[_Check, str]] = {
    "format": (_is_format, f"one of {', '.join(OUTPUT_FORMATS)}"),
    "safe_csv": (_is_flag, "true or false"),
    "max_rejected_share": (_is_share, "a number from 0 to 1"),
    "why": (_is_count, f"a whole number from 0 to {_MOST_REASONS}"),
    "sentences": (_is_flag, "true or false"),
    "what_if": (_is_flag, "true or false"),
    "as_of": (_is_day, "a day such as 2026-11-27, without quotes"),
}
"""Key → whether a value is one of its, and what is expected."""
_OTHER_KINDS = {"map": 'a list such as ["their name=our name"]', "header_row": "a whole number"}
"""Options about reading that are no text."""


def settings_for(client: "S3Client", ref: ObjectRef, settings: BatchSettings) -> BatchSettings:
    """The settings for one object: those of the function, and over them the options beside it.

    Args:
        client: A client of S3.
        ref: The object.
        settings: Those of the function.

    Raises:
        WrongOptions: The options cannot be meant.
        Unreadable: They are archived.
        Denied: This function may not read them.
        Temporary: S3 does not answer.
    """
    for key in islice(_keys(ref, settings.input), _MOST_FOLDERS):
        try:
            beside = ObjectRef(ref.bucket, key)
            with open_object(client, beside, OPTIONS_FILE) as source:
                file = _OptionsFile(source.address, source.ref.etag or "")
                if (source.ref.size or 0) > _MOST_BYTES:
                    raise file.wrong(f"has more than {_MOST_BYTES:,} bytes")
                return file.over(settings, b"".join(source.chunks))
        except Gone:
            continue
        except EmptyObject:
            return settings
    return settings


def _keys(ref: ObjectRef, inputs: S3Address) -> Iterator[str]:
    """Where the options of an object may be, the nearest first."""
    folder = ref.key.rpartition("/")[0]
    top = inputs.folder.rstrip("/")
    while True:
        yield f"{folder}/{OPTIONS_FILE}" if folder else OPTIONS_FILE
        if folder in (top, ""):
            return
        folder = folder.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class _OptionsFile:
    address: str
    etag: str

    def wrong(self, problem: str) -> WrongOptions:
        return WrongOptions(self.address, problem, self.etag)

    def over(self, settings: BatchSettings, content: bytes) -> BatchSettings:
        """The settings with what the file says in their place."""
        try:
            said = tomllib.loads(content.decode())
        except (ValueError, RecursionError) as error:  # TOMLDecodeError is one, and so is Unicode's
            raise self.wrong(f"is no TOML in UTF-8 ({type(error).__name__})") from error
        for name, value in said.items():
            self._check(name, value)
        reading = self._reading(said, settings.reading)
        own = {name: said[name] for name in _OWN if name in said}
        return replace(settings, reading=reading, **own)

    def _check(self, name: str, value: Any) -> None:
        if name in OPTIONS:
            return  # they are checked together
        if name not in _OWN:
            known = ", ".join((*_OWN, *OPTIONS))
            raise self.wrong(f"has the unknown key {_shown(name)}; there are {known}")
        check, expected = _OWN[name]
        if not check(value):
            raise self.wrong(f"{name}: expected {expected}")

    def _reading(self, said: Mapping[str, Any], base: ReadingOptions) -> ReadingOptions:
        texts = {name: self._text(name, said[name]) for name in OPTIONS if name in said}
        try:
            return ReadingOptions.from_texts({**base.texts, **texts})
        except WrongOption as error:
            raise self.wrong(f"{error.name}: expected {error.expected}") from error

    def _text(self, name: str, value: Any) -> str:
        """An option as a form would have it; columns that are mapped are a list."""
        if name == "map" and isinstance(value, list) and all(isinstance(v, str) for v in value):
            return "".join(f"{each}\n" for each in value)
        if name == "header_row" and isinstance(value, int) and not _is_flag(value):
            return str(value)
        if name in ("map", "header_row") or not isinstance(value, str):
            kinds = {
                "map": 'a list such as ["their name=our name"]',
                "header_row": "a whole number",
            }
            raise self.wrong(f"{name}: expected {kinds.get(name, 'a text')}")
        return value


def _shown(name: str) -> str:
    return repr(name if len(name) <= 40 else f"{name[:39]}…")
