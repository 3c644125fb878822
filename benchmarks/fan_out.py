"""A file scored in parts, a call of the batch function each, in a stand-in for S3 (needs moto).

.venv/bin/python -m benchmarks.fan_out                    2,000,000 rows of 21 columns
.venv/bin/python -m benchmarks.fan_out --rows 20000000

The calls are made one after the other, in this process; the stand-in has another one. What a
part takes is told in seconds and in those of a processor, which say more on a busy machine.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.files import write_invented
from benchmarks.http import free_port
from functions.aws.parts.fan_out import FanOut
from functions.aws.parts.queue import PartOrder
from functions.live_model import LiveModel
from functions.s3 import Batch
from functions.settings import BatchSettings
from model_store import BUNDLED, S3Address, open_store
from model_store.storage.s3 import S3Storage
from pipeline.runs.parts.work import InThisProcess
from pipeline.runs.s3 import S3Runs

_BUCKET, _KEY = "figures", "incoming/customers.csv"
_FIRST = {"ApproximateReceiveCount": "1"}
_MESSAGE = {"eventSource": "aws:sqs", "messageId": "1", "attributes": _FIRST}


@dataclass
class Post:
    """The messages of parts."""

    messages: list[str] = field(default_factory=list)

    def send(self, orders: Sequence[PartOrder]) -> None:
        """Keep them."""
        self.messages += [order.to_message() for order in orders]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what planning, the parts and the end take, and what one call takes for all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args(arguments).rows
    live_model = LiveModel(open_store(BUNDLED), "champion", log=lambda line: None)
    live_model.refresh()
    with tempfile.TemporaryDirectory() as folder, stand_in():
        path, files = Path(folder, "customers.csv"), S3Storage.at(S3Address(_BUCKET))
        write_invented(path, "csv", live_model.current().model, rows)
        files.client.create_bucket(Bucket=_BUCKET)
        files.upload(path, _KEY)
        size = path.stat().st_size
        path.unlink()
        print(f"{rows:,} rows, {size / 1e6:,.0f} MB of CSV; {os.cpu_count()} cores")
        event: Any = {"detail-type": "Object Created", "source": "aws.s3"}
        event |= {"detail": {"bucket": {"name": _BUCKET}, "object": {"key": _KEY, "size": size}}}
        post = Post()
        apart = batch(live_model, "apart", FanOut(post, 1, str(BUNDLED), InThisProcess()))
        took("plan", apart, event)
        messages = [{"Records": [{**_MESSAGE, "body": text}]} for text in post.messages]
        *others, last = messages
        for number, message in enumerate(others):
            took(f"part {number}", apart, message)
        took("the last part, and the end", apart, last)
        took("all in one call", batch(live_model, "whole", None), event)
        apart_files, whole_files = digests(files, "apart"), digests(files, "whole")
        print("the same bytes" if apart_files == whole_files else "OTHER BYTES")


def digests(files: S3Storage, output: str) -> dict[str, str]:
    """The SHA-256 of every file of a run, by its name below the output."""
    names = files.times(f"{output}/results/{_KEY.rpartition('/')[2]}")
    return {name.removeprefix(output): sha256(files.read(name)).hexdigest() for name in names}


def batch(live_model: LiveModel, output: str, in_parts: FanOut | None) -> Batch:
    """The function, whose results go below a prefix of their own."""
    settings = BatchSettings(S3Address(_BUCKET, "incoming"), S3Address(_BUCKET, output))
    runs = S3Runs.at(settings.output.below("results"))
    return Batch(
        settings, runs, live_model, in_parts=in_parts,
        log=lambda line: None, measure=lambda figures: None,
    )  # fmt: skip


def took(what: str, function: Batch, event: Any) -> None:
    """Print how long a call takes; it fails where that has to come again."""
    begun, processor = time.perf_counter(), time.process_time()
    answer = function(event, None)
    seconds, of_processor = time.perf_counter() - begun, time.process_time() - processor
    if answer.get("batchItemFailures"):
        raise SystemExit(f"{what} failed")
    print(f"{what:28} {seconds:6.2f} s {of_processor:6.2f} s of a processor", flush=True)


@contextmanager
def stand_in() -> Iterator[None]:
    """A stand-in for S3 in a process of its own, to which this one is led."""
    port = free_port()
    code = f"from moto.server import main; main(['-p', '{port}'])"
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.environ |= {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        yield
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
