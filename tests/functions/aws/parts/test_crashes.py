"""Calls killed while a file is scored in parts: what is delivered again ends in the same run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.live_model import LiveModel
from functions.settings import BatchSettings
from model_store import S3Address
from pipeline.scoring.parts.locations import WORKING
from tests.support.dropping import HEADER, Drop, is_whole, queued
from tests.support.parts import InPieces
from tests.support.s3_worker import DONE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "incoming/deep/a b.csv"
STAGES = {"planner": 11, "part": 12, "last": 71}
"""How many requests each makes, messages that it sends included."""
Work = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def work(
    aws_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Work]:
    """Lets as many processes as there are jobs work at the same time; how each ended."""
    disk = tmp_path_factory.mktemp("disk")
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.support.s3_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **aws_environment, "TMPDIR": str(disk), "OPENBLAS_NUM_THREADS": "1"},
    )

    def ask(*jobs: dict[str, Any]) -> list[int]:
        assert worker.stdin and worker.stdout
        worker.stdin.write(json.dumps(jobs) + "\n")
        worker.stdin.flush()
        statuses: list[int] = json.loads(worker.stdout.readline())
        return statuses

    yield ask
    worker.communicate(timeout=10)
    assert worker.returncode == 0


@dataclass
class Crashes:
    """A dropped file, what its run has written at some stages, and the messages of its parts."""

    drop: Drop
    event: Any
    messages: list[str]
    at: dict[str, dict[str, bytes]]
    whole: dict[str, bytes]

    def begin(self, output: str, stage: str) -> S3Address:
        """An output of its own, in which a run is at a stage."""
        place = S3Address(self.drop.settings.output.bucket, output)
        self.drop.settings = BatchSettings(self.drop.settings.input, place)
        for name, content in self.at[stage].items():
            self.drop.results.replace(name, content)
        return place

    def event_of(self, stage: str) -> Any:
        """What is delivered to whoever is killed."""
        named = {"planner": self.event, "part": self.messages[0], "last": self.messages[-1]}
        return queued(named[stage])

    def job(self, stage: str, place: S3Address, post: Path, **more: Any) -> dict[str, Any]:
        addresses = {"input": str(self.drop.settings.input), "output": str(place)}
        return {"event": self.event_of(stage), **addresses, "post": str(post), **more}


@pytest.fixture(scope="module")
def crashes(
    s3: "S3Client", batch_live_model: LiveModel, tmp_path_factory: pytest.TempPathFactory,
    aws_environment: dict[str, str],
) -> Crashes:  # fmt: skip
    """A file of which one part has to be read again, since a newline in quotes was cut."""
    buckets: Any = {"LocationConstraint": "eu-central-1"}
    for name in ("part-crashes-in", "part-crashes-out"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=buckets)
    places = S3Address("part-crashes-in", "incoming"), S3Address("part-crashes-out", "whole")
    drop = Drop(s3, BatchSettings(*places), batch_live_model)
    note = '"a\nb"' * 30
    rows = [
        f"{n:06d},{note if n == 14 else n},{n * 60},{1000 + n * 90},{20 + n}\n" for n in range(40)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("tmp")))
        for name, value in aws_environment.items():
            patch.setenv(name, value)
        event, pieces, at = drop.put(KEY, (HEADER + "".join(rows)).encode()), InPieces(drop), {}
        at["planner"] = drop.written()
        assert pieces.deliver(event) == []
        messages = pieces.post.take()
        at["part"] = drop.written()
        assert pieces.deliver(*messages[:-1]) == []
        at["last"] = drop.written()
        assert pieces.deliver(messages[-1]) == []
    whole = drop.written()
    assert is_whole(whole) and len(messages) > 2
    kept = [content for name, content in sorted(at["last"].items()) if f"/{WORKING}/part-" in name]
    ends = [json.loads(each)["result"] for each in kept if each.startswith(b'{"part"')]
    assert ends[0]["end"] != ends[1]["start"]  # so that one is read again
    return Crashes(drop, event, messages, at, whole)


@pytest.mark.parametrize("stage", STAGES)
def test_the_requests_of_a_call_are_counted(
    crashes: Crashes, work: Work, stage: str, tmp_path: Path
) -> None:
    place = crashes.begin(f"counted-{stage}", stage)
    count = tmp_path / "count"
    assert work(crashes.job(stage, place, tmp_path / "post", count_to=str(count))) == [DONE]
    assert int(count.read_text()) == STAGES[stage]


MOMENTS = [
    *(("planner", number) for number in (7, 8, 10)),  # the plan, then the messages
    *(("part", number) for number in (8, 10, 11)),  # the rows, then that they are there
    *(("last", number) for number in (12, 23, 40)),  # a part is read again; all are joined
    *(("last", number) for number in (46, 47, 56, 71)),  # committed, and tidied up
]
"""Some of all moments, before these requests. All were tried once."""


@pytest.mark.parametrize(("stage", "request_number"), MOMENTS)
def test_a_killed_call_leaves_no_run_or_a_whole_one_and_what_comes_again_ends_it(
    crashes: Crashes, work: Work, stage: str, request_number: int, tmp_path: Path
) -> None:
    place, post = crashes.begin(f"{stage}-{request_number}", stage), tmp_path / "post"
    killed = crashes.job(stage, place, post, die_at=request_number, when="before")
    assert work(killed) == [-signal.SIGKILL]
    drop, pieces = crashes.drop, InPieces(crashes.drop)
    left = drop.written()
    if any(name.endswith("/manifest.json") for name in left):
        assert left.items() >= crashes.whole.items()
    for name, content in left.items():
        if f"/{WORKING}/" not in name and name in crashes.whole:
            assert content == crashes.whole[name]
    assert len(drop.ledger()) <= 1
    assert drop.function(in_parts=pieces.fan_out)(crashes.event_of(stage), None) == {
        "batchItemFailures": []
    }
    sent = post.read_text().splitlines() if post.exists() else []
    rest = crashes.messages[1:-1] if stage == "part" else []
    assert pieces.deliver(*sent, *pieces.post.take(), *rest, *crashes.messages[-1:]) == []
    assert drop.written() == crashes.whole
    assert len(drop.ledger()) == 1


def test_all_parts_at_once_make_one_run(crashes: Crashes, work: Work, tmp_path: Path) -> None:
    """Each in a process of its own, and each twice."""
    place = crashes.begin("at-once", "part")
    jobs = [
        {**crashes.job("part", place, tmp_path / "post"), "event": queued(message)}
        for message in crashes.messages * 2
    ]
    statuses = work(*jobs)
    again = [job["event"] for job, status in zip(jobs, statuses, strict=True) if status != DONE]
    function = crashes.drop.function(in_parts=InPieces(crashes.drop).fan_out)
    for event in again:  # who was overtaken while it concluded is given back
        assert function(event, None) == {"batchItemFailures": []}
    assert crashes.drop.written() == crashes.whole
    assert len(crashes.drop.ledger()) == 1
