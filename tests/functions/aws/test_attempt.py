"""Files that one call can never finish: told in words, or handed over, and not tried five times."""

from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest

from functions.aws.handover import PENDING, Handover
from model_store import BUNDLED
from pipeline.runs import WholeFile
from pipeline.scoring.spec import Progress
from tests.support.dropping import Context, Drop, is_whole, queued

GZ = "incoming/many.csv.gz"


class Jobs:
    """Jobs on Spark that run for ever."""

    def __init__(self) -> None:
        self.started: list[str] = []

    def start(self, name: str, token: str, arguments: Any) -> str:
        self.started.append(name)
        return "job-1"

    def state(self, job_run: str) -> Any:
        from functions.aws.emr import State

        return State("RUNNING", "")

    def arguments(self, job_run: str) -> list[str]:
        raise NotImplementedError


def delivered(event: Any, deliveries: int) -> dict[str, Any]:
    """A message of the queue that was delivered so often."""
    message = queued(event)
    attributes = message["Records"][0]["attributes"]
    message["Records"][0]["attributes"] = {**attributes, "ApproximateReceiveCount": str(deliveries)}
    return message


def endless(context: Context) -> WholeFile:
    """Reads rows until the time is up."""

    def score(folder: Path, source: Any, spec: Any, progress: Progress = print) -> Any:
        progress(5_000_000)
        context.millis = 20_000
        progress(6_000_000)

    return WholeFile(score)


def full(folder: Path, source: Any, spec: Any, progress: Progress = print) -> Any:
    progress(70_000)
    raise OSError(ENOSPC, "No space left on device")


def test_a_file_that_no_call_can_finish_is_refused_in_words_the_second_time(drop: Drop) -> None:
    event = drop.put(GZ)
    for deliveries, failed in ((1, ["m0"]), (2, []), (3, [])):
        context = Context()
        answer = drop.function(engine=endless(context))(delivered(event, deliveries), context)
        assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == failed
    (document,) = drop.documents("failed.json")
    assert document["code"] == "too_large"
    assert document["problem"] == (
        "is too large for one call: 5,000,000 rows were read in 880 s; unpack it, and cut it into "
        "parts, or give the function more memory"
    )
    assert {"FilesFailed": 1, "FilesRefused": 1} in drop.figures


def test_a_storage_that_was_slow_is_no_fault_of_the_file(drop: Drop) -> None:
    """No row was read when the time was up: the next call may be faster, however many came."""

    def slow(folder: Path, source: Any, spec: Any, progress: Progress = print) -> Any:
        context.millis = 20_000
        progress(0)

    context, event = Context(), drop.put("incoming/a.csv")
    answer = drop.function(engine=WholeFile(slow))(delivered(event, 4), context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    drop.deliver(delivered(event, 5))
    assert is_whole(drop.written())


@pytest.mark.parametrize("trouble", ["time", "disk"])
def test_where_there_is_spark_what_shows_to_be_too_large_goes_there_once(
    drop: Drop, trouble: str
) -> None:
    """A packed file below the threshold may unpack to anything."""
    event, jobs = drop.put(GZ), Jobs()
    for _ in range(2):
        context = Context()
        engine = endless(context) if trouble == "time" else WholeFile(full)
        function = drop.function(handover=Handover(jobs, 1 << 30, str(BUNDLED)), engine=engine)
        assert function(queued(event), context) == {"batchItemFailures": []}
    assert len(jobs.started) == 1
    assert drop.said()[0].startswith("handed over: ")
    assert drop.said()[1:] == ["handed to Spark", "Spark is at it"]
    assert any(name.endswith(f"/{PENDING}") for name in drop.written())
    assert drop.documents("failed.json") == []


def test_a_full_disk_says_how_far_it_came(drop: Drop) -> None:
    drop.function(engine=WholeFile(full))(queued(drop.put(GZ)), Context())
    (document,) = drop.documents("failed.json")
    assert "with its results after 70,000 rows: unpack it, and cut it" in document["problem"]
