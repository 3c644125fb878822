"""Several workers at one run: one of them commits it, and what is done is not done again."""

import json
import threading
from collections.abc import Callable
from typing import Any, Self

import pytest

from functions.aws.deadline import OutOfTime
from model_store import Temporary
from model_store.storage.s3 import S3Storage
from pipeline.runs import RunInput, WholeFile
from pipeline.scoring.documents import Manifest
from tests.support.dropping import Context, Drop, Waning, customers, golden, is_whole, queued

KEY = "incoming/customers.csv"


def unreachable_for(name: str) -> Callable[..., Manifest]:
    """An engine that meets trouble with the file of a name, which may pass."""

    def score(source: RunInput, *arguments: Any) -> Manifest:
        if source.name == name:
            raise Temporary("write", "S3", "slow")
        return WholeFile()(source, *arguments)

    return score


def test_a_message_that_fails_does_not_take_others_along(drop: Drop) -> None:
    """One meets trouble, one is no event, one is no JSON; the rest is done."""
    mine, theirs = drop.put("incoming/mine.csv"), drop.put("incoming/theirs.csv")
    batch = queued(mine, theirs, {"hello": 1}, "{", golden("s3_test_event"))
    answer = drop.function(engine=unreachable_for("theirs.csv"))(batch, Context())
    assert [it["itemIdentifier"] for it in answer["batchItemFailures"]] == ["m1", "m2", "m3"]
    assert len(drop.documents("manifest.json")) == 1
    assert drop.figures[-1] == {"FilesGivenBack": 1}
    assert "could not write in S3: slow" in drop.lines[1]["error"]
    assert drop.deliver(queued(theirs)) == {"batchItemFailures": []}
    assert len(drop.documents("manifest.json")) == 2


def test_outside_a_queue_the_first_failure_is_raised_after_all_were_tried(drop: Drop) -> None:
    events = [drop.put(f"incoming/{n}.csv", customers(n)) for n in (10, 11)]
    both = {"Records": [record for event in events for record in event["Records"]]}
    with pytest.raises(Temporary, match="slow"):
        drop.function(engine=unreachable_for("10.csv"))(both, Context())
    assert len(drop.documents("manifest.json")) == 1


def test_what_was_committed_is_done(drop: Drop) -> None:
    event = drop.put(KEY)
    counts = {"rows_in": 1, "rows_assigned": 1, "rows_rejected": 0, "model_version": "v"}
    drop.results.create(f"{drop.run_of(event)}/manifest.json", json.dumps(counts).encode())
    drop.deliver(event)
    untold, done = drop.said()
    assert "is scored, and not in the history yet: KeyError" in untold  # that is no real manifest
    assert done == "done before"


@pytest.mark.parametrize("looks", [0, 1, 2, 3, 4, 6])
def test_a_file_is_given_back_before_the_time_is_up(drop: Drop, looks: int) -> None:
    event = drop.put(KEY)
    with pytest.raises(OutOfTime, match="5 s are left"):
        drop.deliver(event, Waning(looks=looks))
    assert drop.lines[0]["message"] == "given back, to be delivered again"
    assert "5 s are left of it" in drop.lines[0]["error"]
    assert drop.documents("manifest.json") == []
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
    assert sorted(drop.said()) == ["done before", "scored"]
    assert answers == [{"batchItemFailures": []}] * 2


def test_a_slow_worker_that_was_overtaken_commits_nothing(drop: Drop) -> None:
    """Another finished the run meanwhile; what the slow one wrote is what the other wrote."""
    event = drop.put(KEY)
    slow, fast = drop.function(), drop.function()
    context = Context()
    remaining = context.get_remaining_time_in_millis

    class Stopped(Context):
        looks = 0

        def get_remaining_time_in_millis(self) -> float:
            self.looks += 1
            if self.looks == 4:
                fast(event, Context())
            return remaining()

    slow(event, Stopped())
    assert drop.said() == ["scored", "done before"]
    assert is_whole(drop.written())


class Overtaken(S3Storage):
    """Results at which another worker finishes the run meanwhile.

    Just before a manifest is written here, or just after a first look found nothing.
    """

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
        drop.deliver(event)

    results = Overtaken(drop.s3, drop.results.address).overtaken(other, when)
    drop.function(results=results)(event, Context())
    assert drop.said() == ["scored", "done before"]
    assert is_whole(drop.written())
