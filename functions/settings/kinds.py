"""Kinds of values that variables of the environment have: how each is read, what is expected."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from functions.settings.variables import Kind, WrongEntry
from model_store import S3Address

T = TypeVar("T")
Metrics = Literal["keys", "open"]
"""Who may ask for `/metrics`."""
_ROOT_PATH = r"(/[A-Za-z0-9._~-]+)*"
_APPLICATION = r"[0-9a-z]{1,64}"
_ROLE = r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+"
_SERVER = r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise ValueError
    return number


def _whole_or_none(text: str) -> int:
    return 0 if int(text) == 0 else _whole(text)


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError
    return number


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


def _path(text: str) -> str:
    return _matching(_ROOT_PATH)(text.rstrip("/"))


def _server(text: str) -> str:
    return _matching(_SERVER)(text.rstrip("/"))


def parts_of(text: str) -> tuple[str, ...]:
    """The entries of a list with commas; ValueError where there are none."""
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise ValueError
    return parts


def entries_of(parts: Iterable[str], parse: Callable[[str], T]) -> tuple[T, ...]:
    """What each entry of a list means; WrongEntry for the first that means nothing."""
    entries = []
    for number, part in enumerate(parts, 1):
        try:
            entries.append(parse(part))
        except ValueError:
            raise WrongEntry(number) from None
    return tuple(entries)


def secure_address(text: str) -> str:
    """An address that nobody on the way can read or change; ValueError for another text."""
    address = urlsplit(text)
    open_here = address.scheme == "http" and _is_loopback(address.hostname or "")
    if not address.hostname or (address.scheme != "https" and not open_here):
        raise ValueError
    if address.username or address.fragment or re.search(r"[^!-~]", text):
        raise ValueError
    _ = address.port  # ValueError where it is none
    return text


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _object(text: str) -> S3Address:
    address = S3Address.from_string(text)
    if not address.key or address.key.endswith("/"):
        raise ValueError
    return address


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _metrics(text: str) -> Metrics:
    known: dict[str, Metrics] = {"keys": "keys", "open": "open"}
    if text not in known:
        raise ValueError
    return known[text]


POSITIVE = Kind(_positive, "a number above zero")
WHOLE = Kind(_whole, "a whole number above zero")
WHOLE_OR_NONE = Kind(_whole_or_none, f"{WHOLE.expected}, or 0")
SHARE = Kind(_share, "a number from 0 to 1")
METRICS: Kind[Metrics | None] = Kind(_metrics, "keys or open")
YES_OR_NO = Kind(_yes_or_no, "true or false")
S3_PREFIX = Kind(S3Address.from_string, "s3://bucket/prefix")
S3_OBJECT = Kind(_object, "s3://bucket/key of a file")
PATH = Kind(_path, "a path such as /groups")
SERVER = Kind(_server, "the address of a server, such as http://localhost:8333")
APPLICATION = Kind(_matching(_APPLICATION), "the id of an application")
ROLE = Kind(_matching(_ROLE), "the ARN of a role")
