"""Tells receivers: keeps each notice before what it is about is there, and sends it after."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from model_store import CustomerClustersError, Denied, S3Address, Temporary
from pipeline.runs.notices.notice import Notice, Rule, committed_notice, refused_notice
from pipeline.runs.notices.outbox import Outbox, Place, seconds_after
from pipeline.runs.notices.receivers import NotDelivered, Receiver
from pipeline.runs.store import RunKey, RunStore, Workspace
from pipeline.scoring.documents import Failure, Manifest, Summary

_SUMMARY = "summary.json"
_AT_ONCE = 20
"""So many notices that wait are looked at in one call; the next call looks at others."""
_BUDGET_SECONDS = 15.0
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of looking through the outbox."""

    sent: int
    """Notices that all receivers have now."""
    waiting: int
    """Those that wait still."""


@dataclass(slots=True, eq=False)
class Notices:
    """Who is told, and what.

    Nothing here makes a run fail once it is committed, or keeps it waiting for long: what cannot
    be sent now waits in the outbox for the next call.
    """

    receivers: Sequence[Receiver] = ()
    rule: Rule = field(default_factory=Rule)
    keep_only: bool = False
    """Notices are kept for another process to send, which knows the receivers."""
    tell: Tell = lambda sentence: None
    """Hears in a sentence what went wrong; no secret is in it."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    pick: Callable[[list[str]], None] = random.shuffle
    """Orders what waits, so that none waits for ever behind others."""
    _resting: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Receivers that did not answer: how often in a row, and until when nothing is sent there."""

    @property
    def active(self) -> bool:
        """Whether anybody is told of anything."""
        return self.keep_only or bool(self.receivers)

    @contextmanager
    def of_commit(
        self, runs: RunStore, key: RunKey, manifest: Manifest, workspace: Workspace
    ) -> Iterator[None]:
        """Around the commit of a run: keeps its notice before, and sends it after.

        Args:
            runs: Where the run goes.
            key: Which run.
            manifest: What the engine has made.
            workspace: Where its summary is.

        Raises:
            Temporary: Before the commit, where the storage takes no notice now.
        """

        def make() -> Notice:
            summary: Summary = json.loads((workspace.folder / _SUMMARY).read_bytes())
            return committed_notice(
                manifest, summary, key.folder, address_of(runs), self.rule, self.clock()
            )

        with self.around(runs, make):
            yield

    @contextmanager
    def of_failure(self, runs: RunStore, key: RunKey | None, document: Failure) -> Iterator[None]:
        """Around the end of a run that fails for good; as `of_commit`.

        Args:
            runs: Where it is written down.
            key: Which run; None where the input has none.
            document: What failed.json says.
        """

        def make() -> Notice:
            folder = key.folder if key else ""
            return refused_notice(document, folder, address_of(runs), self.clock())

        with self.around(runs, make):
            yield

    @contextmanager
    def around(self, place: Place, make: Callable[[], Notice]) -> Iterator[None]:
        """Around what a notice is about: keeps it before, and sends it after.

        Args:
            place: Where the outbox is.
            make: Makes the notice, where anybody is to be told.

        Raises:
            Temporary: Before, where the storage takes no notice now.
        """
        name = self.keep(place, make)
        yield
        if name is not None and self.receivers:
            with self._quiet():
                self._deliver_one(Outbox(place.files), name)

    def deliver(self, place: Place, *, at_once: bool = False) -> Delivered:
        """Send what waits, as far as it is due and there is time.

        Args:
            place: Whose outbox is looked through.
            at_once: All of it, and now: a person asks.

        Raises:
            Temporary: The storage does not answer.
            Denied: The storage refuses.
        """
        if not self.receivers:
            return Delivered(0, 0)
        outbox, sent = Outbox(place.files), 0
        names = outbox.names()
        total = len(names)
        self.pick(names)
        if at_once:
            self._resting.clear()
        ends = time.monotonic() + _BUDGET_SECONDS
        for name in names if at_once else names[:_AT_ONCE]:
            if not at_once and (time.monotonic() > ends or not self._awake()):
                break
            sent += self._deliver_one(outbox, name, at_once=at_once)
        return Delivered(sent, len(outbox.names()) if total else 0)

    def deliver_quietly(self, place: Place) -> None:
        """As `deliver`, where nobody waits for it: what goes wrong is told and not raised."""
        with self._quiet():
            self.deliver(place)

    def keep(self, place: Place, make: Callable[[], Notice]) -> str | None:
        """Keep a notice for `deliver`; its name in the outbox, or None where nobody is to be told.

        Args:
            place: Where the outbox is.
            make: Makes the notice, where anybody is to be told.

        Raises:
            Temporary: The storage takes no notice now.
        """
        if not self.active:
            return None
        try:
            notice = make()
            if not self.rule.tells(notice):
                return None
            return Outbox(place.files).put(notice, self.clock())
        except Temporary:
            raise
        except Denied as error:  # which no second try mends, and no run should fail for
            self.tell(f"nobody is told of what is new in {place}: {error}")
        except Exception as error:  # in what a run says of itself; its text may hold anything
            self.tell(f"nobody is told of what is new in {place}: {type(error).__name__}")
        return None

    def _deliver_one(self, outbox: Outbox, name: str, *, at_once: bool = False) -> bool:
        """Send one notice if it is due and nobody else does; whether all receivers have it."""
        if (found := outbox.read(name)) is None:
            return False
        waiting, tag = found
        if not waiting.is_due(self.clock(), at_once=at_once):
            return False
        if (ending := outbox.ending(waiting)) is None:  # not yet, or never
            if outbox.is_forgotten(waiting, self.clock()):
                outbox.remove(name)
            return False
        if outbox.is_told(waiting, ending):
            outbox.remove(name)
            return False
        missing = [each for each in self.receivers if each.name not in waiting.told]
        reachable = [each for each in self._awake() if each in missing]
        claimed = waiting.claim(self.clock())
        claim = outbox.write(name, claimed, tag) if reachable or not missing else None
        if claim is None:
            return False
        told = (*waiting.told, *self._send(waiting.notice, reachable))
        if {each.name for each in self.receivers} <= {*told}:
            outbox.close(waiting, ending, told, self.clock())
            outbox.remove(name)
            return True
        outbox.write(name, replace(claimed, told=told, claimed=False), claim)
        return False

    def _send(self, notice: Notice, receivers: Sequence[Receiver]) -> list[str]:
        """Send a notice; the names of those who took it."""
        took = []
        for receiver in receivers:
            try:
                receiver.send(notice)
            except NotDelivered as error:
                self._rest(receiver.name)
                self.tell(f"{error}; it is kept and sent again")
            else:
                self._resting.pop(receiver.name, None)
                took.append(receiver.name)
        return took

    def _rest(self, name: str) -> None:
        tries = self._resting.get(name, (0, self.clock()))[0] + 1
        self._resting[name] = tries, self.clock() + timedelta(seconds=seconds_after(tries))

    def _awake(self) -> list[Receiver]:
        """The receivers that are not being left alone for a while."""
        now = self.clock()
        resting = {name for name, (_, until) in self._resting.items() if now < until}
        return [each for each in self.receivers if each.name not in resting]

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        try:
            yield
        except CustomerClustersError as error:
            self.tell(f"a notice waits in the outbox: {error}")
        except Exception as error:  # of no run that is committed; its text may hold anything
            self.tell(f"a notice waits in the outbox: {type(error).__name__}")


def address_of(place: Place) -> str:
    """Where all results, or the models, are, for somebody who is elsewhere."""
    address = str(place)
    return address if address.startswith(S3Address.SCHEME) else str(Path(address).resolve())


SILENT = Notices()
"""Nobody is told."""
