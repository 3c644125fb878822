"""Notices that wait beside the results, or the models, until their receivers have them.

A notice is written before its run is committed, and removed when it was delivered. So a process
may die at any point: what waits of a run that was never committed is not sent, and what waits of
one that was is sent by the next. Who sends a notice claims it first, by a write that fails for
everybody else; a claim ends by itself when its process has died.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from model_store import Conflict, NotFound, Temporary
from model_store.errors import MALFORMED
from model_store.storage.base import Storage
from pipeline.runs.notices.notice import COMMITTED, Notice
from pipeline.runs.store import FAILED, MANIFEST, as_json

OUTBOX = ".outbox"
"""Below all results; hidden, so that nothing takes it for an input or a run."""
TOLD = "notice.json"
"""Beside the manifest, or the outcomes: what was told of it, and to whom."""
CLAIM_SECONDS = 60
_FIRST, _FACTOR, _LONGEST = 60, 5, 6 * 3600
_FORGOTTEN = timedelta(days=7)
"""So old a notice of a run that was never committed goes: a file dropped again writes it anew."""


class Place(Protocol):
    """Where an outbox is: all results, as a store of runs has them, or a store of models."""

    @property
    def files(self) -> Storage:
        """Everything that lies there."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """An outbox in any storage."""

    files: Storage

    def __str__(self) -> str:
        return str(self.files)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits."""

    notice: Notice
    written: datetime
    told: tuple[str, ...] = ()
    """The receivers that have it."""
    tries: int = 0
    tried: datetime | None = None
    claimed: bool = False
    """Whether somebody is sending it, or died at it."""

    def is_due(self, now: datetime, *, at_once: bool) -> bool:
        """Whether it may be sent now.

        Args:
            now: The time.
            at_once: A person asks for it: only somebody who is sending it is waited for.
        """
        if self.tried is None:
            return True
        pause = CLAIM_SECONDS if self.claimed else 0
        if not at_once:
            pause = max(pause, seconds_after(self.tries))
        return now - self.tried >= timedelta(seconds=pause)

    def claim(self, now: datetime) -> Self:
        """As one who sends it writes it down."""
        return replace(self, tries=self.tries + 1, tried=now, claimed=True)

    def to_json(self) -> bytes:
        """The file."""
        return as_json(
            {
                "notice": self.notice,
                "written": self.written.isoformat(),
                "told": list(self.told),
                "tries": self.tries,
                "tried": self.tried and self.tried.isoformat(),
                "claimed": self.claimed,
            }
        )

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read what `to_json` wrote; one of MALFORMED where it is something else."""
        document: Any = json.loads(content)
        notice: Notice = document["notice"]
        _ = notice["id"], notice["type"], notice["timestamp"], notice["data"]["text"]
        tried = document["tried"]
        return cls(
            notice,
            _time(document["written"]),
            tuple(map(str, document["told"])),
            int(document["tries"]),
            None if tried is None else _time(tried),
            bool(document["claimed"]),
        )


def seconds_after(tries: int) -> int:
    """How long a notice rests after so many tries: 1, 5, 25, 125 minutes, then 6 hours."""
    return int(min(_FIRST * _FACTOR ** (tries - 1), _LONGEST))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


class Outbox:
    """The notices that wait in a place."""

    def __init__(self, files: Storage) -> None:
        self._files = files

    def put(self, notice: Notice, now: datetime) -> str:
        """Keep a notice, unless it waits already; its name there.

        Raises:
            Temporary: The storage does not answer.
            Denied: The storage refuses.
        """
        name, content = f"{notice['id']}.json", Waiting(notice, now).to_json()
        try:
            self._create(name, content)
        except Temporary:  # such as a folder that goes as its last notice is delivered
            self._create(name, content)
        return name

    def names(self) -> list[str]:
        """All that waits."""
        return [name for name in self._files.names(OUTBOX) if name.endswith(".json")]

    def read(self, name: str) -> tuple[Waiting, str] | None:
        """A notice that waits, and the tag that `write` takes; None where there is none."""
        try:
            content, tag = self._files.read_tagged(f"{OUTBOX}/{name}")
            return Waiting.from_json(content), tag
        except (NotFound, *MALFORMED):
            return None

    def write(self, name: str, waiting: Waiting, tag: str) -> str | None:
        """Write how a notice stands; its new tag, or None where somebody else wrote first."""
        try:
            return self._files.swap(f"{OUTBOX}/{name}", waiting.to_json(), tag)
        except Conflict:
            return None

    def remove(self, name: str) -> None:
        """A notice waits no more."""
        self._files.delete(f"{OUTBOX}/{name}")

    def close(self, waiting: Waiting, ending: str, told: Sequence[str], now: datetime) -> None:
        """Write beside what it is about what was told; a refusal without a run has no place."""
        if (name := _told(waiting.notice)) is not None:
            document = {"notice": waiting.notice, "told": [*told], "time": now.isoformat()}
            self._files.replace(name, as_json({**document, "about": ending}))

    def ending(self, waiting: Waiting) -> str | None:
        """What tells how it ended; None where it did not end as the notice says."""
        data = waiting.notice["data"]
        if document := data.get("document"):
            return self._digest(document, data.get("outcomes"))
        run = data.get("run")
        if not run:
            return ""
        committed = self._digest(f"{run}/{MANIFEST}")
        if waiting.notice["type"] == COMMITTED:
            return committed
        return self._digest(f"{run}/{FAILED}") if committed is None else None

    def is_told(self, waiting: Waiting, ending: str) -> bool:
        """Whether the same was told before, by somebody who was faster."""
        if (name := _told(waiting.notice)) is None:
            return False
        try:
            return bool(json.loads(self._files.read(name)).get("about") == ending)
        except (NotFound, *MALFORMED):
            return False

    def is_forgotten(self, waiting: Waiting, now: datetime) -> bool:
        """Whether a notice of what never ended so is too old to wait any longer."""
        return now - waiting.written > _FORGOTTEN

    def _create(self, name: str, content: bytes) -> None:
        try:
            self._files.create(f"{OUTBOX}/{name}", content)
        except Conflict:  # another worker at the same run, or one that died
            return

    def _digest(self, name: str, outcomes: str | None = None) -> str | None:
        """That of a file; None without one, or where it has other outcomes than the notice."""
        try:
            content = self._files.read(name)
            if outcomes is not None and json.loads(content).get("outcomes") != outcomes:
                return None
        except (NotFound, *MALFORMED):
            return None
        return hashlib.sha256(content).hexdigest()


def _told(notice: Notice) -> str | None:
    """Where it is written down that a notice was told; None where there is no place for it."""
    data = notice["data"]
    if document := data.get("document"):
        folder, slash, _ = document.rpartition("/")
        return f"{folder}{slash}{TOLD}"
    return f"{data['run']}/{TOLD}" if data.get("run") else None
