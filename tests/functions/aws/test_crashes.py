"""Workers killed in the middle of a run: it is absent or whole, and the next delivery ends it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.live_model import LiveModel
from functions.settings import BatchSettings
from model_store import S3Address
from tests.support.dropping import Drop, is_whole, queued
from tests.support.s3_worker import DONE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "incoming/deep/a b.csv"
REQUESTS = 12
"""Of one run: look for options twice, open the input, look for results, look again, five results
up, commit, read the summary for the figures."""
Work = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workers' /tmp, which outlives them."""
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="module")
def work(aws_environment: dict[str, str], disk: Path) -> Iterator[Work]:
    """Lets as many processes as there are jobs work at the same time; how each ended."""
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


class Crashes:
    """One dropped file, and an output of its own for every worker that dies over it."""

    def __init__(self, drop: Drop) -> None:
        self.drop, self.event = drop, drop.put(KEY)

    def job(self, output: str, **more: Any) -> dict[str, Any]:
        place = S3Address(self.drop.settings.output.bucket, output)
        self.drop.settings = BatchSettings(self.drop.settings.input, place)
        addresses = {"input": str(self.drop.settings.input), "output": str(place)}
        return {"event": queued(self.event), **addresses, **more}


@pytest.fixture(scope="module")
def crashes(s3: "S3Client", batch_live_model: LiveModel) -> Crashes:
    buckets: Any = {"LocationConstraint": "eu-central-1"}
    for name in ("crashes-in", "crashes-out"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=buckets)
    places = S3Address("crashes-in", "incoming"), S3Address("crashes-out")
    return Crashes(Drop(s3, BatchSettings(places[0], places[1]), batch_live_model))


@pytest.fixture(scope="module")
def undisturbed(
    crashes: Crashes, work: Work, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """What a worker writes whom nobody kills."""
    count = tmp_path_factory.mktemp("requests") / "count"
    assert work(crashes.job("undisturbed", count_to=str(count))) == [DONE]
    assert int(count.read_text()) == REQUESTS
    written = crashes.drop.written()
    assert is_whole(written)
    return written


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("request_number", range(1, REQUESTS + 1))
def test_a_killed_worker_leaves_no_run_or_a_whole_one_and_the_next_ends_it(
    crashes: Crashes, work: Work, undisturbed: dict[str, bytes], request_number: int, when: str
) -> None:
    job = crashes.job(f"{when}-{request_number}", die_at=request_number, when=when)
    assert work(job) == [-signal.SIGKILL]
    drop = crashes.drop
    left = drop.written()
    committed = any(name.endswith("/manifest.json") for name in left)
    assert left == undisturbed if committed else left.items() <= undisturbed.items()
    assert drop.deliver(queued(crashes.event)) == {"batchItemFailures": []}
    assert drop.written() == undisturbed


def test_two_processes_at_once_make_one_run(
    crashes: Crashes, work: Work, undisturbed: dict[str, bytes]
) -> None:
    for attempt in range(3):
        ended = work(*[crashes.job(f"both-{attempt}")] * 2)
        assert ended == [DONE, DONE]
        assert crashes.drop.written() == undisturbed


def test_what_killed_workers_left_on_the_disk_is_swept_away(
    crashes: Crashes, work: Work, undisturbed: dict[str, bytes], disk: Path
) -> None:
    work(crashes.job("next"))
    assert list(disk.iterdir()) == []
    assert work(crashes.job("leftover", die_at=5, when="after")) == [-signal.SIGKILL]
    assert len(list(disk.iterdir())) == 1
    assert work(crashes.job("after-it")) == [DONE]
    assert list(disk.iterdir()) == []
