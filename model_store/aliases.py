"""Aliases: movable names of versions, each moved by one compare-and-swap write.

aliases/<name>.json   {"version": ..., "previous": ..., "event": ...}

`previous` is no file of its own. It stands in the champion's, so that one write moves both, and no
crash can leave one moved and the other not.
"""

import json
import re
from typing import NamedTuple, Self

from model_store.errors import (
    MALFORMED,
    Conflict,
    CustomerClustersError,
    NotFound,
    Temporary,
    WrongArtifact,
)
from model_store.history import Event, History, Reason, in_effect
from model_store.storage.base import Storage
from model_store.version import Version

CHAMPION = "champion"
PREVIOUS = "previous"
CANDIDATE = "candidate"
ANY = "any version, or none"
_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Pointer(NamedTuple):
    """What an alias's file says."""

    version: str
    previous: str | None = None
    """The version before; aliases that were written before there was a history do not say."""
    event: str | None = None
    """The id of the event that moved it here."""

    def to_json(self) -> bytes:
        """The content of the alias's file."""
        return (json.dumps(self._asdict(), indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read what `to_json` made; ValueError, KeyError or TypeError when it is not that."""
        document = json.loads(content)
        previous = document.get("previous")
        return cls(
            str(Version.from_string(document["version"])),
            None if previous is None else str(Version.from_string(previous)),
            document.get("event"),
        )


class Aliases:
    """Names that are moved from version to version, and the record of their moves."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self.log = storage, History(storage)

    def names(self) -> list[str]:
        """The names of all aliases that have a file."""
        names = (name.removesuffix(".json") for name in self._storage.names("aliases"))
        return [name for name in names if _ALIAS.fullmatch(name) and name != PREVIOUS]

    def versions(self) -> dict[str, str]:
        """The version of every alias, by its name; `previous` among them where there is one."""
        pointers = {name: self.read(name) for name in self.names()}
        versions = {name: pointer.version for name, pointer in pointers.items()}
        previous = pointers[CHAMPION].previous if CHAMPION in pointers else None
        return versions if previous is None else {**versions, PREVIOUS: previous}

    def find(self, name: str) -> str | None:
        """The version that an alias names; None when there is no such alias."""
        try:
            if name == PREVIOUS:
                return self.read(CHAMPION).previous
            return self.read(name).version if _ALIAS.fullmatch(name) else None
        except NotFound:
            return None

    def read(self, name: str) -> Pointer:
        """What an alias's file says.

        Raises:
            NotFound: There is no such alias.
            WrongArtifact: Its file is damaged.
        """
        pointer, _ = self._read(name)
        if pointer is None:
            raise WrongArtifact(
                f"alias {name!r}", f"aliases/{name}.json is damaged", "point it at a version again"
            )
        return pointer

    def move(self, name: str, to: str, reason: Reason, expected: str | None = ANY) -> None:
        """Make an alias name a version.

        Args:
            name: The alias.
            to: The version.
            reason: Who moves it and why, for the history.
            expected: The version that it must name now; None where it must be new. By default it
                may name any.

        Raises:
            Conflict: It names another version, or somebody else moves it at this moment.
        """
        try:
            pointer, tag = self._read(name)
            after = pointer.event if pointer else self.log.latest(name)
        except NotFound:
            pointer, tag, after = None, None, None
        old = None if pointer is None else pointer.version
        if expected not in (ANY, old):
            raise Conflict(f"alias {name!r}", str(self._storage))
        if old == to:
            return
        event = Event.of(name, old, to, reason, after)
        self.log.add(event)
        self._write(name, Pointer(to, old, event.id), tag)

    def history(self) -> list[tuple[Event, bool]]:
        """Every event on record, oldest first, and whether it took effect."""
        events = self.log.events()
        effective = in_effect(events, [self.read(name).event for name in self.names()])
        return [(event, event.id in effective) for event in events]

    def _write(self, name: str, pointer: Pointer, tag: str | None) -> None:
        path = f"aliases/{name}.json"
        try:
            if tag is None:
                self._storage.create(path, pointer.to_json())
            else:
                self._storage.swap(path, pointer.to_json(), tag)
        except (Conflict, Temporary):  # the answer may be lost though the write is not
            if not self._was_moved_by(pointer.event, name):
                raise

    def _was_moved_by(self, event: str | None, name: str) -> bool:
        try:
            return self.read(name).event == event
        except CustomerClustersError:
            return False

    def _read(self, name: str) -> tuple[Pointer | None, str]:
        content, tag = self._storage.read_tagged(f"aliases/{name}.json")
        try:
            return Pointer.from_json(content), tag
        except MALFORMED:
            return None, tag


def check_alias(name: str, store: str) -> None:
    """Refuse a text that cannot be the name of an alias that is pointed at versions.

    Raises:
        NotFound: It cannot; says why.
    """
    if not _ALIAS.fullmatch(name):
        raise NotFound(f"alias {name!r} (lower-case letters, digits and '-')", store)
    if name == PREVIOUS:
        raise NotFound(f"way to point {PREVIOUS!r} (it follows {CHAMPION!r})", store)
