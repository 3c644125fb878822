"""The processes of compose.yml together, over a stand-in for its S3 server: real ones, killed."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from benchmarks.http import free_port
from model_store import S3Address
from model_store.storage.s3 import S3Storage
from pipeline.runs.inbox.leases import FOLDER
from tests.support.composed import LONGEST, Composed, Process, wait_until
from tests.support.dropping import customers
from tests.support.live import wait_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

QUICK = ("--interval", "0.2", "--lease", "1")
"""What these tests cannot wait for; the last one of an option counts."""
FILES = 8


def start_worker(composed: Composed, port: int | None = None) -> Process:
    """A worker, whose figures have a port of their own on this machine."""
    figures = f"--metrics-port={port or free_port()}", "--metrics-host=127.0.0.1"
    return composed.start("worker", *QUICK, *figures)


@pytest.fixture
def results(s3: "S3Client") -> Iterator[S3Storage]:
    """The results of compose.yml, empty."""
    yield S3Storage(s3, S3Address("scored", "results"))
    for bucket in ("customers", "scored"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])


@pytest.fixture
def composed(
    aws_environment: dict[str, str], aws_server: str, results: S3Storage, tmp_path: Path
) -> Iterator[Composed]:
    """The services, with their buckets made as compose.yml makes them."""
    base = {**aws_environment}
    del base["AWS_ENDPOINT_URL"]  # that of compose.yml is for S3 alone
    made = Composed(base, aws_server, tmp_path)
    try:
        buckets = made.start("buckets")  # which finds them there from the second test on
        assert buckets.process.wait(LONGEST) == 0, buckets
        yield made
    finally:
        made.end()


def manifests(results: S3Storage) -> list[str]:
    return [*results.times("", "/manifest.json")]


def drop(s3: "S3Client", *names: str, rows: int = 30) -> None:
    for name in names:
        s3.put_object(Bucket="customers", Key=f"incoming/{name}", Body=customers(rows))


def test_a_file_that_a_program_sends_is_scored_and_its_results_are_there(
    composed: Composed, s3: "S3Client", results: S3Storage
) -> None:
    """Through the API: the form leads to the S3 server, the worker scores, the answer has links."""
    port = free_port()
    drop(s3, "customers-2026-10.csv")
    api = composed.start("api", PORT=str(port))
    figures = free_port()
    worker = start_worker(composed, figures)
    address = f"http://127.0.0.1:{port}"
    wait_for(address, api.process)
    with httpx2.Client(base_url=address) as client:
        job = client.post("/v1/jobs").json()
        form = job["upload"]
        sent = httpx2.post(
            form["url"], data=form["fields"], files={"file": ("mine.csv", customers(30))}
        )
        assert sent.status_code == 204, sent.text

        def state() -> str:
            return str(client.get(f"/v1/jobs/{job['id']}").json()["state"])

        wait_until(lambda: state() == "succeeded", api, worker)
        ended = client.get(f"/v1/jobs/{job['id']}").json()
        (href,) = (each["href"] for each in ended["outputs"] if each["role"] == "assigned")
        rows = httpx2.get(client.get(href).headers["location"])
        assert len(rows.text.splitlines()) == 30
        wait_until(lambda: len(manifests(results)) == 2, worker)
        wait_until(lambda: client.get("/history").status_code == 200, worker)
        assert "customer_clusters_http_requests_total" in client.get("/metrics").text
        told = httpx2.get(f"http://127.0.0.1:{figures}/metrics").text
        assert "customer_clusters_files_scored_total 2.0" in told
        assert "customer_clusters_model_info" in told
        assert client.get("/", headers={"host": "rebound.example"}).status_code == 403
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(LONGEST) == 0
    assert [line["message"] for line in worker.lines][-1] == "stopped"


def test_two_workers_share_a_bucket_and_do_each_file_once(
    composed: Composed, s3: "S3Client", results: S3Storage
) -> None:
    workers = [start_worker(composed) for _ in range(2)]
    wait_until(lambda: all(worker.said("model loaded") for worker in workers), *workers)
    names = [f"{number}.csv" for number in range(FILES)]
    drop(s3, *names)
    wait_until(lambda: len(manifests(results)) == FILES, *workers)
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(LONGEST) == 0
    scored = [line["object"] for worker in workers for line in worker.said("scored")]
    assert sorted(scored) == sorted(f"s3://customers/incoming/{name}" for name in names)
    assert not any(worker.said("done before") for worker in workers)
    assert results.names(FOLDER) == []


def test_what_a_killed_worker_had_in_hand_is_done_by_the_next(
    composed: Composed, s3: "S3Client", results: S3Storage
) -> None:
    drop(s3, "large.csv", rows=20_000)
    killed = start_worker(composed)
    wait_until(lambda: results.names(FOLDER), killed)
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait(LONGEST)
    assert manifests(results) == []
    assert len(results.names(FOLDER)) == 1
    worker = start_worker(composed)
    wait_until(lambda: manifests(results), worker)
    (manifest,) = manifests(results)
    assert json.loads(results.read(manifest))["rows_in"] == 20_000
    assert set(files_beside(results, manifest)) == set(json.loads(results.read(manifest))["bytes"])
    wait_until(lambda: not results.names(FOLDER), worker)


def files_beside(results: S3Storage, manifest: str) -> list[str]:
    folder = manifest.rpartition("/")[0]
    return [name for name in results.names(folder) if name != "manifest.json"]
