"""The right to write a run, held for a while: one file, written on conditions, and no database."""

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Self

from model_store import Conflict, CustomerClustersError, NotFound, Temporary

CLAIM = "claim.json"
CLOCK_SKEW = timedelta(seconds=10)
"""By so much may the clocks of two workers differ."""
Clock = Callable[[], datetime]


class Held(Temporary):
    """Raised when another worker is at a run; it commits it, or its lease ends."""

    code = "lease_held"

    def __init__(self, run: str, until: str) -> None:
        self.run, self.until = run, until
        super().__init__(f"work on {run}", "this worker", f"another one is at it until {until}")


class LeaseLost(Temporary):
    """Raised when another worker took a run over; this one was silent for too long."""

    code = "lease_lost"

    def __init__(self, run: str) -> None:
        self.run = run
        super().__init__(f"finish {run}", "this worker", "another one took it over")


class ClaimFiles(Protocol):
    """What a claim needs of the storage; `model_store.storage.s3.S3Storage` has it."""

    def read_tagged(self, name: str) -> tuple[bytes, str]: ...
    def create(self, name: str, content: bytes) -> str: ...
    def swap(self, name: str, content: bytes, etag: str) -> str: ...


@dataclass(slots=True)
class Claim:
    """A worker's lease of a run. The claim is never deleted: so none deletes another's."""

    files: ClaimFiles
    run: str
    seconds: float
    clock: Clock
    owner: str
    started: datetime
    until: datetime
    etag: str = ""
    taken_over: bool = False
    """Whether somebody was at this run before."""

    @classmethod
    def taken(cls, files: ClaimFiles, run: str, seconds: float, clock: Clock) -> Self:
        """Claim a run, or take it over from somebody who is gone; Held when it is another's."""
        now = clock()
        until = now + timedelta(seconds=seconds)
        claim = cls(files, run, seconds, clock, uuid.uuid4().hex, now, until)
        claim._take()
        return claim

    def renew(self) -> None:
        """Prolong the lease; LeaseLost when it is another's by now."""
        self.until = self.clock() + timedelta(seconds=self.seconds)
        try:
            self.etag = self._written("working", self.etag)
        except Conflict as error:
            raise LeaseLost(self.run) from error

    def renew_in_time(self) -> None:
        """Prolong the lease when a third of it has passed."""
        if (self.until - self.clock()).total_seconds() < self.seconds * 2 / 3:
            self.renew()

    def end(self, state: str) -> None:
        """Tell others that nobody is at the run any more. If that fails, the lease just ends."""
        self.until = self.clock()
        with contextlib.suppress(CustomerClustersError):
            self.etag = self._written(state, self.etag)

    def _take(self) -> None:
        try:
            self.etag = self._written("working", None)
            return
        except Conflict:
            pass
        try:
            found, etag = self.files.read_tagged(self._name)
        except NotFound:  # it went between two looks
            raise Held(self.run, "now") from None
        if (until := _live_until(found)) and self.clock() < until + CLOCK_SKEW:
            raise Held(self.run, until.isoformat(timespec="seconds"))
        try:
            self.etag, self.taken_over = self._written("working", etag), True
        except Conflict as error:
            raise Held(self.run, "now") from error

    @property
    def _name(self) -> str:
        return f"{self.run}/{CLAIM}"

    def _written(self, state: str, etag: str | None) -> str:
        """Write the claim as new, or over the one that has the ETag; say its own.

        A request that was sent twice because its answer got lost finds what it wrote itself.
        """
        content = self._content(state)
        try:
            if etag is None:
                return self.files.create(self._name, content)
            return self.files.swap(self._name, content, etag)
        except Conflict:
            with contextlib.suppress(NotFound):
                found, tag = self.files.read_tagged(self._name)
                if found == content:
                    return tag
            raise

    def _content(self, state: str) -> bytes:
        document = {
            "state": state,
            "owner": self.owner,
            "started": self.started.isoformat(),
            "until": self.until.isoformat(),
        }
        return (json.dumps(document, indent=2) + "\n").encode()


@contextlib.contextmanager
def claimed(files: ClaimFiles, run: str, seconds: float, clock: Clock) -> Iterator[Claim]:
    """Hold a run's claim; what goes wrong inside, or stops it, gives it back at once."""
    claim = Claim.taken(files, run, seconds, clock)
    try:
        yield claim
    except BaseException:
        claim.end("given back")
        raise
    claim.end("done")


def _live_until(content: bytes) -> datetime | None:
    """When a claim's lease ends; None when nobody holds it, or nobody can read it."""
    try:
        document: Any = json.loads(content)
        until = datetime.fromisoformat(document["until"])
        working = document["state"] == "working"
    except (ValueError, KeyError, TypeError):
        return None
    return until.astimezone(UTC) if working else None
