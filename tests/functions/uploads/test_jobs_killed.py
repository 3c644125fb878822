"""Jobs of a server that is killed, and of clients that go away, over a real port."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.jobs import CSV, JOBS
from tests.support.live import COMMAND, wait_for
from tests.support.uploading import HEADER

ROW = b"0,1900,38\n"
LARGE = HEADER + ROW * 900_000
"""Takes a second or more to be scored."""


@contextmanager
def killable(temporary: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server whose folder for temporary files is this one, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(address, process)
        yield address, process
    finally:
        process.terminate()
        process.wait(30)


def call(address: str, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
    """Status and document of an answer."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content else None


def until(address: str, path: str, states: set[str]) -> Any:
    """A job once it is in one of some states."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        status, job = call(address, "GET", path)
        assert status == 200, job
        if job["state"] in states:
            return job
        time.sleep(0.05)
    raise TimeoutError(path)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_a_killed_server_leaves_no_half_results_and_its_jobs_are_told_as_failed(
    place: Path,
) -> None:
    with killable(place) as (address, process):
        _, running = call(address, "POST", JOBS, LARGE, **CSV)
        _, waiting = call(address, "POST", f"{JOBS}?name=b.csv", HEADER + ROW, **CSV)
        assert until(address, f"{JOBS}/{running['id']}", {"running"})["outputs"] == []
        until_written(place)
        assert call(address, "GET", f"{JOBS}/{running['id']}/outputs/assigned.csv")[0] == 404
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with killable(place) as (address, _):
        for job in (running, waiting):
            status, found = call(address, "GET", f"{JOBS}/{job['id']}")
            assert (status, found["state"], found["outputs"]) == (200, "failed", [])
            assert found["problem"]["code"] == "interrupted"
            assert call(address, "GET", f"{JOBS}/{job['id']}/outputs/assigned.csv")[0] == 404
        _, again = call(address, "POST", JOBS, HEADER + ROW, **CSV)
        assert until(address, f"{JOBS}/{again['id']}", {"succeeded"})["rows"] == 1
    assert not any(path.name in ("input", "assigned.csv") for path in place.rglob("*"))


def test_a_client_that_goes_away_ends_no_job_and_finds_it_again(place: Path) -> None:
    named = {**CSV, "idempotency-key": "nightly-2026-11-27"}
    file = HEADER + ROW * 50_000
    with killable(place) as (address, _):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        connection.request("POST", JOBS, file, named)
        connection.close()  # without a look at the answer
        time.sleep(0.3)
        status, job = call(address, "POST", JOBS, file, **named)
        assert status == 202
        assert until(address, f"{JOBS}/{job['id']}", {"succeeded"})["rows"] == 50_000


def until_written(place: Path) -> None:
    """Wait until there are rows of results on disk."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if any(path.stat().st_size for path in place.rglob("run/assigned.csv")):
            return
        time.sleep(0.02)
    raise TimeoutError("no rows were written")
