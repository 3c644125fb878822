"""The audit log: one file for every move of an alias that was begun, never changed or removed.

history/<event>.json is created before the alias moves, so a move without its event cannot be. The
alias names the event that put it where it is, and each event names the one before it: what hangs
together in this chain took effect. An event outside it was begun and never finished, because the
connection was cut or somebody else was faster. Clocks play no part in telling the two apart.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from model_store.errors import MALFORMED, WrongArtifact
from model_store.storage.base import Storage

_FOLDER = "history"
_NAME = re.compile(r"(\d{8}T\d{6}\d{6}Z-[0-9a-f]{8})\.json")


class Reason(NamedTuple):
    """Why somebody moves an alias."""

    who: str
    why: str
    action: str = "point"
    details: Mapping[str, Any] = MappingProxyType({})
    """What else an auditor should know, such as the limits that were overruled."""


class Event(NamedTuple):
    """One move of an alias: begun, and in effect once the alias names it."""

    id: str
    alias: str
    old: str | None
    new: str
    reason: Reason
    when: datetime
    after: str | None
    """The event that had put the alias where this one found it."""

    @classmethod
    def of(cls, alias: str, old: str | None, new: str, reason: Reason, after: str | None) -> Self:
        """An event of this moment, with an id of its own."""
        when = datetime.now(UTC)
        name = f"{when:%Y%m%dT%H%M%S%f}Z-{os.urandom(4).hex()}"
        return cls(name, alias, old, new, reason, when, after)

    def to_dict(self) -> dict[str, Any]:
        """The content of the event's file, as JSON can hold it."""
        return {
            "event": self.id,
            "action": self.reason.action,
            "alias": self.alias,
            "from": self.old,
            "to": self.new,
            "who": self.reason.who,
            "when": self.when.isoformat(),
            "why": self.reason.why,
            "after": self.after,
            "details": dict(self.reason.details),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_dict` made; KeyError, TypeError or ValueError when it is not that."""
        details = dict(document["details"])
        reason = Reason(document["who"], document["why"], document["action"], details)
        when = datetime.fromisoformat(document["when"])
        old, after = document["from"], document["after"]
        return cls(document["event"], document["alias"], old, document["to"], reason, when, after)


class History:
    """The events of a store."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, event: Event) -> None:
        """Put an event on record; its name is its own, so no race can lose it."""
        content = json.dumps(event.to_dict(), indent=2, allow_nan=False) + "\n"
        self._storage.create(f"{_FOLDER}/{event.id}.json", content.encode())

    def events(self) -> list[Event]:
        """All events on record, as their writers' clocks order them.

        Raises:
            WrongArtifact: The file of one is damaged.
        """
        names = (_NAME.fullmatch(name) for name in self._storage.names(_FOLDER))
        return [self._read(match[1]) for match in names if match]

    def latest(self, alias: str) -> str | None:
        """The event last recorded for an alias whose own file cannot say it any more."""
        own = [event.id for event in self.events() if event.alias == alias]
        return own[-1] if own else None

    def _read(self, name: str) -> Event:
        content = self._storage.read(f"{_FOLDER}/{name}.json")
        try:
            return Event.from_dict(json.loads(content))
        except MALFORMED as error:
            path = f"{_FOLDER}/{name}.json"
            problem, remedy = f"{path} is damaged", "restore that file from a backup"
            raise WrongArtifact(f"event {name}", problem, remedy) from error


def in_effect(events: Iterable[Event], current: Iterable[str | None]) -> set[str]:
    """The events that took effect: those from which the aliases come.

    Args:
        events: All events on record.
        current: The id of the event that each alias names.

    Returns:
        Their ids.
    """
    known = {event.id: event for event in events}
    effective: set[str] = set()
    for name in current:
        event = known.get(name or "")
        while event is not None and event.id not in effective:
            effective.add(event.id)
            event = known.get(event.after or "")
    return effective
