"""Notices that wait beside the results until their receivers have them.

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
from typing import Any, Self

from model_store import Conflict, NotFound, Temporary
from model_store.errors import MALFORMED
from model_store.storage.base import Storage
from pipeline.runs.notices.notice import COMMITTED, Notice
from pipeline.runs.store import FAILED, MANIFEST, as_json

OUTBOX = ".outbox"
"""Below all results; hidden, so that nothing takes it for an input or a run."""
TOLD = "notice.json"
"""Beside the manifest: what was told of the run, and to whom."""
CLAIM_SECONDS = 60
_FIRST, _FACTOR, _LONGEST = 60, 5, 6 * 3600
_FORGOTTEN = timedelta(days=7)
"""So old a notice of a run that was never committed goes: a file dropped again writes it anew."""


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
    """The notices that wait below the results of a store of runs."""

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
        """Write beside the manifest what was told; without a run there is nothing beside it."""
        if run := waiting.notice["data"].get("run"):
            document = {"notice": waiting.notice, "told": [*told], "time": now.isoformat()}
            content = as_json({**document, "about": ending})
            self._files.replace(f"{run}/{TOLD}", content)

    def ending(self, waiting: Waiting) -> str | None:
        """What tells how the notice's run ended; None where it did not end as the notice says."""
        run = waiting.notice["data"].get("run")
        if not run:
            return ""
        committed = self._digest(f"{run}/{MANIFEST}")
        if waiting.notice["type"] == COMMITTED:
            return committed
        return self._digest(f"{run}/{FAILED}") if committed is None else None

    def is_told(self, waiting: Waiting, ending: str) -> bool:
        """Whether the same was told before, by somebody who was faster."""
        run = waiting.notice["data"].get("run")
        try:
            document = json.loads(self._files.read(f"{run}/{TOLD}")) if run else {}
            return bool(run) and document.get("about") == ending
        except (NotFound, *MALFORMED):
            return False

    def is_forgotten(self, waiting: Waiting, now: datetime) -> bool:
        """Whether a notice of a run that never ended so is too old to wait any longer."""
        return now - waiting.written > _FORGOTTEN

    def _create(self, name: str, content: bytes) -> None:
        try:
            self._files.create(f"{OUTBOX}/{name}", content)
        except Conflict:  # another worker at the same run, or one that died
            return

    def _digest(self, name: str) -> str | None:
        try:
            return hashlib.sha256(self._files.read(name)).hexdigest()
        except NotFound:
            return None
