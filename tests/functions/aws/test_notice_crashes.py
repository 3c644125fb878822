"""Workers killed at each request of a run that is told: told at least once, and in the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.live_model import LiveModel
from functions.settings import BatchSettings
from functions.webhook import Webhook
from model_store import S3Address
from pipeline.runs.notices import Notices, Outbox
from pipeline.runs.notices.outbox import TOLD
from tests.support.dropping import Drop, queued
from tests.support.notices import SECRET, Clock, Hook, is_signed, listening
from tests.support.s3_worker import DONE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REQUESTS = 20
"""Of one run: look for options, open the input, look for results; keep the notice; look again, five
results up, commit; read the notice, the manifest, and whether it is told; claim it, send it, write
down that it is told, remove it; read the summary for the figures; look what else waits."""
KEEP, SEND, REMOVE = 4, 16, 18
Work = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with listening() as made:
        yield made


@pytest.fixture(scope="module")
def work(
    aws_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Work]:
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


class Told:
    """One dropped file, and an output of its own for every worker that dies over it."""

    def __init__(self, drop: Drop, hook: Hook) -> None:
        self.drop, self.hook = drop, hook
        self.event = drop.put("incoming/a.csv")

    def job(self, output: str, **more: Any) -> dict[str, Any]:
        place = S3Address(self.drop.settings.output.bucket, output)
        self.drop.settings = BatchSettings(self.drop.settings.input, place)
        addresses = {"input": str(self.drop.settings.input), "output": str(place)}
        self.hook.got.clear()
        return {"event": queued(self.event), **addresses, "hook": self.hook.address, **more}

    def deliver(self, **later: float) -> None:
        """As the next delivery of the message, and its process, would."""
        clock = Clock(datetime.now(UTC) + timedelta(**later))
        self.drop.notices = Notices((Webhook(self.hook.address, secrets=(SECRET,)),), clock=clock)
        assert self.drop.deliver(queued(self.event)) == {"batchItemFailures": []}


@pytest.fixture(scope="module")
def told(s3: "S3Client", batch_live_model: LiveModel, hook: Hook) -> Told:
    buckets: Any = {"LocationConstraint": "eu-central-1"}
    for name in ("told-in", "told-out"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=buckets)
    places = S3Address("told-in", "incoming"), S3Address("told-out")
    return Told(Drop(s3, BatchSettings(*places), batch_live_model), hook)


def test_a_run_that_nobody_kills_is_told_once(told: Told, work: Work, tmp_path: Path) -> None:
    count = tmp_path / "count"
    assert work(told.job("undisturbed", count_to=str(count))) == [DONE]
    assert int(count.read_text()) == REQUESTS
    told.deliver(hours=7)
    assert len(told.hook.got) == 1
    assert is_signed(*told.hook.got[0])
    assert Outbox(told.drop.results).names() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("request_number", range(KEEP, REMOVE + 1))
def test_after_a_worker_is_killed_the_next_tells_what_it_did_not(
    told: Told, work: Work, request_number: int, when: str
) -> None:
    job = told.job(f"{when}-{request_number}", die_at=request_number, when=when)
    assert work(job) == [-signal.SIGKILL]
    left = told.drop.written()
    committed = any(name.endswith("/manifest.json") for name in left)
    if not committed:
        assert told.hook.got == []  # nobody hears of what is not there
    told.deliver(minutes=2)
    sent = len(told.hook.got)
    assert len(set(told.hook.ids)) == 1
    unknown = (request_number, when) in ((SEND, "after"), (SEND + 1, "before"))
    assert sent == (2 if unknown else 1)
    (notice,) = told.drop.documents(TOLD)
    assert notice["told"] == ["webhook"]
    assert Outbox(told.drop.results).names() == []
    told.deliver(hours=7)
    assert len(told.hook.got) == sent


def test_two_processes_at_once_tell_a_run_once(told: Told, work: Work) -> None:
    for attempt in range(3):
        assert work(*[told.job(f"both-{attempt}")] * 2) == [DONE, DONE]
        told.deliver(hours=7)
        assert len(told.hook.got) == 1
        assert Outbox(told.drop.results).names() == []
