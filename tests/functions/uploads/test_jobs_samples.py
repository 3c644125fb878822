"""The samples of docs/jobs.md, run as they stand there by a shell, curl and jq."""

import hashlib
import os
import re
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.dropping import Drop, customers
from tests.support.live import serve
from tests.support.paths import ROOT
from tests.support.tools import needed

KEYS = {"CUSTOMER_CLUSTERS_API_KEYS": hashlib.sha256(b"secret").hexdigest()}


@pytest.fixture(autouse=True)
def tools() -> None:
    """What the samples call."""
    needed("curl")
    needed("jq")


def samples() -> list[str]:
    """The first jobs, the nightly one, and the one with buckets."""
    text = (ROOT / "docs/jobs.md").read_text(encoding="utf-8")
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def shell(script: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    (folder / "customers.csv").write_bytes(customers())
    return subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=folder, env={**os.environ, "KEY": "secret", **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_nightly_job_is_repeated_without_a_second_run(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    nightly = samples()[1].replace("sleep 5", "sleep 0.2")
    with serve({**KEYS, "TMPDIR": str(tmp_path / "temporary")}) as address:
        first = shell(samples()[0].replace("http://127.0.0.1:8000", address), tmp_path)
        assert '"state":"' in first.stdout, first.stderr  # it may not have ended yet
        for _ in range(2):
            done = shell(nightly, tmp_path, HOST=address)
            assert done.returncode == 0, done.stderr
            assert (tmp_path / "assigned.csv").read_text().count("\n") == 40
            (tmp_path / "assigned.csv").unlink()
        wrong = nightly.replace("&why=3", "&max_rejected_share=0")
        failed = shell(wrong.replace("nightly-", "other-"), tmp_path, HOST=address)
        assert failed.returncode == 1
        assert "of 40 rows" in failed.stderr
        runs = list((tmp_path / "temporary").rglob("manifest.json"))
        assert len(runs) == 2  # the first sample's, and one of both nights


def test_a_nightly_job_with_a_wrong_key_asks_once_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "assigned.csv").write_text("of last night")
    with serve(KEYS) as address:
        refused = shell(samples()[1], tmp_path, HOST=address, KEY="another")
    assert refused.returncode == 1
    assert refused.stderr.count("401") == 1
    assert refused.stderr.splitlines()[-1].startswith("the key is unknown; send a key")
    assert not (tmp_path / "job.json").exists()


def test_a_nightly_job_waits_for_a_server_that_is_busy(tmp_path: Path) -> None:
    asked: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            answer = b'{"id": "abc", "detail": "other files are being scored"}'
            self.send_response(503 if len(asked) == 1 else 202)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            asked.append(self.path)
            answer = b'{"state": "failed", "problem": {"detail": "it was seen"}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        done = shell(samples()[1], tmp_path, HOST=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert done.stderr.splitlines()[-1] == "it was seen"
    assert asked[2:] == ["/v1/jobs/abc"]  # the first answer is no part of the id


@pytest.mark.usefixtures("aws")
def test_a_form_takes_the_file_to_the_bucket(drop: Drop, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    buckets: Mapping[str, Any] = {
        "CUSTOMER_CLUSTERS_INPUT": str(drop.settings.input),
        "CUSTOMER_CLUSTERS_OUTPUT": str(drop.settings.output),
    }
    with serve({**KEYS, **buckets}) as address:
        done = shell(samples()[2] + '\necho "$job"', folder, HOST=address, key="nightly")
        assert done.returncode == 0, done.stderr
    assert drop.deliver(drop.told(key_of_file(drop))) == {}
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["explaining"] == {"why": 3}


def key_of_file(drop: Drop) -> str:
    entries = drop.s3.list_objects_v2(Bucket=drop.settings.input.bucket)["Contents"]
    (key,) = (each["Key"] for each in entries if each["Key"].endswith("/customers.csv"))
    return key
