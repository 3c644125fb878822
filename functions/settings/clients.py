"""Clients of the HTTP interface: their names, scopes and rates, and how a key's entry says them.

An entry is `name:scopes:rate=HASH`, where all but the hash may be left out.
"""

import re
from dataclasses import dataclass
from typing import Self

from functions.settings.kinds import entries_of, parts_of
from functions.settings.variables import Kind

SCOPES = ("assign", "files", "customers", "metrics", "admin")
"""What a client may do; `admin` is all of it, and whatever is added."""
ALL_SCOPES = frozenset(SCOPES)
ENTRY = "name:scopes:rate=HASH, such as crm:assign+files:100/s=HASH, or a SHA-256 (64 hex digits)"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RATE = re.compile(r"([1-9]\d{0,6})/(s|min|h)")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_NAMED_BY = 8
"""So many digits of its hash name a key that has no name."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests a client may send, in seconds."""

    requests: int
    seconds: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The rate that `100/s`, `600/min` or `5000/h` means; ValueError for another text."""
        found = _RATE.fullmatch(text)
        if found is None:
            raise ValueError
        return cls(int(found[1]), _SECONDS[found[2]])

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in _SECONDS.items() if seconds == self.seconds)
        return f"{self.requests}/{unit}"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and what he may."""

    name: str
    scopes: frozenset[str] = ALL_SCOPES
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that a client may send, known by its hash only."""

    client: Client
    sha256: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The key of an entry; ValueError for a text that is none."""
        said, _, digest = text.rpartition("=")
        digest = digest.strip().lower()
        parts = [part.strip() for part in said.split(":")]
        if not _SHA256.fullmatch(digest) or len(parts) > 3:
            raise ValueError
        name, scopes, rate = (*parts, "", "")[:3]
        client = Client(
            name_of(name) if name else digest[:_NAMED_BY],
            scopes_of(scopes) if scopes else ALL_SCOPES,
            Rate.from_text(rate) if rate else None,
        )
        return cls(client, digest)

    def __str__(self) -> str:
        client = self.client
        scopes = "" if client.scopes == ALL_SCOPES else "+".join(shown_scopes(client.scopes))
        said = f"{client.name}:{scopes}:{client.rate or ''}".rstrip(":")
        return f"{said}={self.sha256}"


def name_of(text: str) -> str:
    """The text, where it may be a client's name; ValueError where it may not."""
    if not _NAME.fullmatch(text):
        raise ValueError
    return text


def scopes_of(text: str) -> frozenset[str]:
    """The scopes of a text such as `assign+files`; ValueError where one is unknown."""
    scopes = frozenset(part.strip() for part in text.split("+"))
    if not scopes <= ALL_SCOPES:
        raise ValueError
    return scopes


def shown_scopes(scopes: frozenset[str]) -> list[str]:
    """Scopes in the order of `SCOPES`."""
    return [scope for scope in SCOPES if scope in scopes]


def api_keys_of(entries: tuple[str, ...]) -> tuple[ApiKey, ...]:
    """The keys of some entries.

    Raises:
        ValueError: One is no entry, one hash has two meanings, or two keys of one client, as
            there are while keys are exchanged, have different rights.
    """
    keys = tuple(dict.fromkeys(ApiKey.from_text(entry) for entry in entries))
    clients = {key.client.name: key.client for key in keys}
    if len({key.sha256 for key in keys}) < len(keys):
        raise ValueError
    if any(clients[key.client.name] != key.client for key in keys):
        raise ValueError
    return keys


def _api_keys(text: str) -> tuple[str, ...]:
    """Entries that mean keys; they stay texts, which whoever tells clients apart reads again."""
    split = [entry.rpartition("=") for entry in parts_of(text)]
    entries = tuple(said + mark + digest.lower() for said, mark, digest in split)
    entries_of(entries, ApiKey.from_text)
    api_keys_of(entries)
    return entries


API_KEYS = Kind(_api_keys, f"{ENTRY}, separated by commas, no key or name twice with other rights")
