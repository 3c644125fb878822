"""Leases, with a clock of the test's own and files in memory."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.aws.lease import CLOCK_SKEW, Claim, Held, LeaseLost, claimed
from model_store import Conflict, NotFound, Temporary

NAME = "customers.csv/run/claim.json"


class Memory:
    """Files with ETags, as S3 has them; the answer to a write may get lost on its way back."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.lose_answers = 0

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        if name not in self.files:
            raise NotFound(name, "memory")
        return self.files[name], str(hash(self.files[name]))

    def create(self, name: str, content: bytes) -> str:
        if name in self.files:
            raise Conflict(name, "memory")
        return self._write(name, content, lambda: self.create(name, content))

    def swap(self, name: str, content: bytes, etag: str) -> str:
        if name not in self.files or self.read_tagged(name)[1] != etag:
            raise Conflict(name, "memory")
        return self._write(name, content, lambda: self.swap(name, content, etag))

    def _write(self, name: str, content: bytes, again: Any) -> str:
        self.files[name] = content
        if self.lose_answers:
            self.lose_answers -= 1
            return str(again())
        return self.read_tagged(name)[1]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def files() -> Memory:
    return Memory()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(files: Memory, clock: Clock, run: str = "customers.csv/run") -> Claim:
    return Claim.taken(files, run, 90, clock)


def told(files: Memory) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(files.files[NAME])
    return document


def test_a_claim_says_who_works_since_when_and_for_how_long(files: Memory, clock: Clock) -> None:
    claim = taken(files, clock)
    assert told(files) == {
        "state": "working",
        "owner": claim.owner,
        "started": "2026-11-23T12:00:00+00:00",
        "until": "2026-11-23T12:01:30+00:00",
    }


@pytest.mark.parametrize("seconds", [0, 89, 90, 90 + CLOCK_SKEW.total_seconds() - 1])
def test_a_live_lease_keeps_others_out(files: Memory, clock: Clock, seconds: float) -> None:
    taken(files, clock)
    clock.pass_seconds(seconds)
    with pytest.raises(Held, match="another one is at it until 2026-11-23T12:01:30"):
        taken(files, clock)


def test_an_ended_lease_is_taken_over_by_one_of_those_who_try(files: Memory, clock: Clock) -> None:
    first = taken(files, clock)
    clock.pass_seconds(101)
    second = taken(files, clock)
    assert (first.taken_over, second.taken_over) == (False, True)
    with pytest.raises(Held):
        taken(files, clock)
    with pytest.raises(LeaseLost):
        first.renew()
    first.end("done")  # too late: it changes nothing
    assert told(files)["owner"] == second.owner
    assert told(files)["state"] == "working"


def test_a_lease_is_prolonged_when_a_third_has_passed(files: Memory, clock: Clock) -> None:
    claim = taken(files, clock)
    clock.pass_seconds(29)
    claim.renew_in_time()
    assert told(files)["until"] == "2026-11-23T12:01:30+00:00"
    clock.pass_seconds(2)
    claim.renew_in_time()
    assert told(files)["until"] == "2026-11-23T12:02:01+00:00"


def test_a_late_holder_keeps_what_nobody_took(files: Memory, clock: Clock) -> None:
    claim = taken(files, clock)
    clock.pass_seconds(1000)
    claim.renew()
    with pytest.raises(Held):
        taken(files, clock)


@pytest.mark.parametrize("state", ["done", "given back"])
def test_what_nobody_holds_is_taken_at_once(files: Memory, clock: Clock, state: str) -> None:
    taken(files, clock).end(state)
    assert taken(files, clock).taken_over


def test_an_error_gives_the_run_back_and_an_end_marks_it(files: Memory, clock: Clock) -> None:
    with pytest.raises(Temporary), claimed(files, "customers.csv/run", 90, clock):
        raise Temporary("read", "s3", "slow")
    assert told(files)["state"] == "given back"
    with claimed(files, "customers.csv/run", 90, clock):
        pass
    assert told(files)["state"] == "done"


def test_a_request_sent_twice_is_no_conflict_with_oneself(files: Memory, clock: Clock) -> None:
    files.lose_answers = 3
    claim = taken(files, clock)
    claim.renew()
    claim.end("done")
    assert told(files)["state"] == "done"
    assert files.lose_answers == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"until": 5, "state": "working"}'])
def test_a_claim_that_nobody_can_read_is_nobodys(
    files: Memory, clock: Clock, content: bytes
) -> None:
    files.files[NAME] = content
    assert taken(files, clock).taken_over


def test_a_claim_that_vanishes_between_two_looks_is_retried_later(
    files: Memory, clock: Clock
) -> None:
    class Vanishing(Memory):
        def read_tagged(self, name: str) -> tuple[bytes, str]:
            raise NotFound(name, "memory")

    vanishing = Vanishing()
    vanishing.files[NAME] = b""
    with pytest.raises(Held):
        taken(vanishing, clock)


def test_two_who_take_over_at_once_do_not_both_get_it(files: Memory, clock: Clock) -> None:
    class Raced(Memory):
        def swap(self, name: str, content: bytes, etag: str) -> str:
            raise Conflict(name, "memory")

    raced = Raced()
    raced.files[NAME] = b""
    with pytest.raises(Held):
        taken(raced, clock)
