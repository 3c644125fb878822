"""A process killed at each write to a folder of results: told at least once, and in the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.runs import MANIFEST
from pipeline.runs.notices.outbox import OUTBOX, TOLD
from tests.support.notices import Clock, Hook, listening
from tests.support.outbox_worker import work

Die = Callable[[Path, int], int]


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with listening() as made:
        yield made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("inbox") / "a.csv"
    made.write_text("id\n1\n")
    return made


@pytest.fixture(scope="module")
def die(hook: Hook, file: Path) -> Iterator[Die]:
    """Lets a process score into a folder and die before one of its writes; how it ended."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.support.outbox_worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ},
    )  # fmt: skip

    def ask(results: Path, write: int) -> int:
        job = {"file": str(file), "results": str(results), "hook": hook.address, "die_at": write}
        assert worker.stdin and worker.stdout
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        status: int = json.loads(worker.stdout.readline())
        return status

    yield ask
    worker.communicate(timeout=10)


def test_whenever_a_process_is_killed_the_next_tells_what_it_did_not(
    die: Die, file: Path, hook: Hook, tmp_path: Path
) -> None:
    twice, write, ended = [], 0, -signal.SIGKILL
    while ended:
        write += 1
        results = tmp_path / f"results-{write}"
        hook.got.clear()
        ended = die(results, write)
        assert ended in (-signal.SIGKILL, 0)
        if not list(results.rglob(f"a.csv/*/{MANIFEST}")):
            assert hook.got == []  # nobody hears of what is not there
        work(file, results, hook.address, Clock(datetime.now(UTC) + timedelta(minutes=2)))
        assert len(set(hook.ids)) == 1
        if len(hook.got) > 1:
            twice.append(write)
        assert [json.loads(told.read_bytes())["told"] for told in results.rglob(TOLD)] == [
            ["webhook"]
        ]
        assert not list((results / OUTBOX).glob("*"))
        assert not [path for path in results.iterdir() if "unfinished" in path.name]
    assert write > 15  # the test can fail: there were so many moments to die at
    assert twice == list(range(twice[0], twice[-1] + 1))  # between sending and writing that down
    assert len(twice) < write / 3
