"""Kinds of values that variables of the environment have: how each is read, what is expected."""

import base64
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

from functions.settings.clients import ENTRY, ApiKey, api_keys_of
from functions.settings.public_address import PublicAddress
from functions.settings.variables import Kind, WrongEntry
from model_store import S3Address
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

T = TypeVar("T")
Metrics = Literal["keys", "open"]
"""Who may ask for `/metrics`."""
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_APPLICATION = re.compile(r"[0-9a-z]{1,64}")
PAGE = "page"
"""The folder of the input bucket into which the page /files puts its files: no model's name."""
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SERVER = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+")


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


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return parse


def _path(text: str) -> str:
    return _matching(_ROOT_PATH)(text.rstrip("/"))


def _server(text: str) -> str:
    return _matching(_SERVER)(text.rstrip("/"))


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise ValueError
    return parts


def _entries(parts: Iterable[str], parse: Callable[[str], T]) -> tuple[T, ...]:
    """What each entry of a list means; WrongEntry for the first that means nothing."""
    entries = []
    for number, part in enumerate(parts, 1):
        try:
            entries.append(parse(part))
        except ValueError:
            raise WrongEntry(number) from None
    return tuple(entries)


def _api_keys(text: str) -> tuple[str, ...]:
    """Entries that mean keys; they stay texts, which whoever tells clients apart reads again."""
    split = [entry.rpartition("=") for entry in _parts(text)]
    entries = tuple(said + mark + digest.lower() for said, mark, digest in split)
    _entries(entries, ApiKey.from_text)
    api_keys_of(entries)
    return entries


def _keys(text: str) -> tuple[str, ...]:
    keys = _parts(text)
    if any(len(base64.b64decode(key, validate=True)) != 32 for key in keys):
        raise ValueError
    return keys


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


def _format(text: str) -> OutputFormat:
    known: dict[str, OutputFormat] = {each: each for each in OUTPUT_FORMATS}
    if text not in known:
        raise ValueError
    return known[text]


def _object(text: str) -> S3Address:
    address = S3Address.from_string(text)
    if not address.key or address.key.endswith("/"):
        raise ValueError
    return address


@dataclass(frozen=True, slots=True)
class NamedModel:
    """One of several models that a process answers with."""

    name: str
    """What stands in addresses, and what a folder of the input bucket is called."""
    store: str
    reference: str | None = None
    """The alias or version; None: that of all models."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """A model of a text such as cards=s3://bucket/models#champion; ValueError for another."""
        name, _, address = text.partition("=")
        store, _, reference = address.partition("#")
        name, store, reference = name.strip(), store.strip(), reference.strip()
        if (
            not _MODEL.fullmatch(name)
            or name == PAGE
            or not store
            or ("#" in address and not reference)
        ):
            raise ValueError
        if "://" in store:
            S3Address.from_string(store)
        return cls(name, store, reference or None)


def _models(text: str) -> tuple[NamedModel, ...]:
    models = _entries(_parts(text), NamedModel.from_text)
    if len({model.name for model in models}) < len(models):
        raise ValueError
    return models


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
ADDRESS = Kind(
    PublicAddress.from_text,
    "an address such as https://clusters.bank.example/base, without query and user",
)
SERVER = Kind(_server, "the address of a server, such as http://localhost:8333")
API_KEYS = Kind(_api_keys, f"{ENTRY}, separated by commas, no key or name twice with other rights")
KEYS = Kind(_keys, "Ed25519 public keys in base64, separated by commas")
FORMAT: Kind[OutputFormat | None] = Kind(_format, ", ".join(OUTPUT_FORMATS))
MODELS = Kind(
    _models,
    "name=store or name=store#alias, separated by commas, with names of their own of letters, "
    f"digits, - and _ (not {PAGE})",
)
APPLICATION = Kind(_matching(_APPLICATION), "the id of an application")
ROLE = Kind(_matching(_ROLE), "the ARN of a role")
