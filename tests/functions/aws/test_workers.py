"""Several workers at one run: whoever holds the lease writes it, and nothing is done twice."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Self

import pytest

from functions.aws.runs import TimeIsUp
from model_store import Temporary
from model_store.storage.s3 import S3Storage
from tests.support.dropping import Context, Drop, Waning, customers, golden, is_whole, queued

KEY = "incoming/customers.csv"


def test_a_message_that_fails_does_not_take_others_along(drop: Drop) -> None:
    """One is another worker's, one is no event, one is no JSON; the rest is done."""
    mine, theirs = drop.put("incoming/mine.csv"), drop.put("incoming/theirs.csv")
    batch = queued(mine, theirs, {"hello": 1}, "{", golden("s3_test_event"))
    claim = drop.claim(theirs)
    answer = drop.deliver(batch)
    assert [it["itemIdentifier"] for it in answer["batchItemFailures"]] == ["m1", "m2", "m3"]
    assert len(drop.documents("manifest.json")) == 1
    assert drop.figures[-1] == {"FilesGivenBack": 1}
    assert "another one is at it until" in drop.lines[1]["error"]
    claim.end("given back")
    assert drop.deliver(queued(theirs)) == {"batchItemFailures": []}
    assert len(drop.documents("manifest.json")) == 2


def test_outside_a_queue_the_first_failure_is_raised_after_all_were_tried(drop: Drop) -> None:
    events = [drop.put(f"incoming/{n}.csv", customers(n)) for n in (10, 11)]
    both = {"Records": [record for event in events for record in event["Records"]]}
    drop.claim(events[0])
    with pytest.raises(Temporary, match="another one is at it"):
        drop.deliver(both)
    assert len(drop.documents("manifest.json")) == 1


def test_a_lease_that_ended_is_taken_over(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.claim(event)
    assert drop.documents("claim.json")[0]["state"] == "working"
    for ahead, failures in ((0, 1), (305, 1), (311, 0)):  # a margin for clocks that differ
        drop.ahead = timedelta(seconds=ahead)
        assert len(drop.deliver(queued(event))["batchItemFailures"]) == failures
    assert is_whole(drop.written())
    assert drop.documents("claim.json")[0]["state"] == "done"


def test_what_was_committed_but_not_marked_as_done_is_done(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.claim(event)
    counts = {"rows_in": 1, "rows_assigned": 1, "rows_rejected": 0, "model_version": "v"}
    drop.results.create(f"{drop.run_of(event)}/manifest.json", json.dumps(counts).encode())
    drop.deliver(event)
    assert drop.said() == ["done before"]


@pytest.mark.parametrize("looks", [0, 1, 2, 3, 4, 6])
def test_a_file_is_given_back_before_the_time_is_up(drop: Drop, looks: int) -> None:
    event = drop.put(KEY)
    with pytest.raises(TimeIsUp, match="5 s are left"):
        drop.deliver(event, Waning(looks=looks))
    assert drop.lines[0]["message"] == "given back, to be delivered again"
    assert "5 s are left of it" in drop.lines[0]["error"]
    assert drop.documents("manifest.json") == []
    assert {claim["state"] for claim in drop.documents("claim.json")} <= {"given back"}
    drop.deliver(event)
    assert is_whole(drop.written())


def test_two_workers_at_once_make_one_run(drop: Drop) -> None:
    event, answers = drop.put(KEY, customers(3000)), []
    barrier = threading.Barrier(2)

    def work() -> None:
        function = drop.function()
        barrier.wait()
        answers.append(function(queued(event), Context()))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert is_whole(drop.written())
    assert drop.said().count("scored") == 1
    given_back = sum(len(answer["batchItemFailures"]) for answer in answers)
    assert given_back == drop.said().count("given back, to be delivered again") <= 1


def test_a_worker_that_lost_its_lease_commits_nothing(drop: Drop) -> None:
    """It was silent for so long that another took over; what it wrote is what the other writes."""
    event = drop.put(KEY)
    slow, fast = drop.function(), drop.function()
    context = Context()
    told = context.get_remaining_time_in_millis

    class Stopped(Context):
        looks = 0

        def get_remaining_time_in_millis(self) -> float:
            self.looks += 1
            if self.looks == 3:
                drop.ahead = timedelta(seconds=400)
                fast(event, Context())
                drop.ahead = timedelta(0)
            return told()

    with pytest.raises(Temporary, match="another one took it over"):
        slow(event, Stopped())
    assert is_whole(drop.written())
    assert drop.documents("claim.json")[0]["state"] == "done"


def test_a_long_run_keeps_its_lease(drop: Drop) -> None:
    """Each look at the time takes 90 seconds here: the whole run takes longer than its lease."""
    event, other = drop.put(KEY), drop.function()
    turned_away = []

    class Slow(Context):
        def get_remaining_time_in_millis(self) -> float:
            drop.ahead += timedelta(seconds=90)
            if drop.ahead.total_seconds() > 200:
                turned_away.append(len(other(queued(event), Context())["batchItemFailures"]))
            return 900_000

    drop.deliver(event, Slow())
    assert drop.ahead.total_seconds() > drop.settings.lease_seconds
    assert set(turned_away) == {1}
    assert is_whole(drop.written())


class Overtaken(S3Storage):
    """Results at which another worker finishes the run, just before a manifest is written here,
    or just after a first look found nothing."""

    def overtaken(self, other: Callable[[], object], when: str) -> Self:
        self.other, self.when = other, when
        return self

    def names(self, folder: str = "") -> list[str]:
        there = super().names(folder)
        self._now("names")
        return there

    def create(self, name: str, content: bytes) -> str:
        self._now("create")
        return super().create(name, content)

    def _now(self, when: str) -> None:
        if when == self.when:
            self.when = "never again"
            self.other()


@pytest.mark.parametrize("when", ["names", "create"])
def test_what_another_worker_finished_meanwhile_is_done(drop: Drop, when: str) -> None:
    event = drop.put(KEY)

    def other() -> None:
        drop.ahead = timedelta(seconds=400)
        drop.deliver(event)
        drop.ahead = timedelta(0)

    results = Overtaken(drop.s3, drop.results.address).overtaken(other, when)
    drop.function(results=results)(event, Context())
    assert drop.said() == ["scored", "done before"]
    assert is_whole(drop.written())
