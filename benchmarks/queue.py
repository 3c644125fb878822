"""A thousand files at once: how long they wait, and what they cost, by how many are scored at once.

.venv/bin/python -m benchmarks.queue             prints the table from the times below
.venv/bin/python -m benchmarks.queue --measure   measures these times anew, by the handler over moto

The table is a simulation: the same times give the same figures. Nothing of it was run on AWS.
"""

import argparse
import heapq
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.billed import BATCH_MEGABYTES, DISK_GB, DISK_GB_SECOND, GB_SECOND
from benchmarks.billed import MEGABYTES_OF_A_PROCESSOR as OF_A_PROCESSOR
from benchmarks.files import write_invented
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model

FILES = 1_000
ROWS = (1_000, 100_000, 1_000_000)
AT_ONCE = (2, 5, 10, 50)
ROW_BYTES, RESULT_BYTES = 130, 216
"""Of a row of 21 columns, as it comes and as it goes."""
TRANSFER = 50e6
"""Bytes a second to and from S3; assumed."""
CALLS, CALL_SECONDS = 15, 0.025
"""Requests of S3 for a file, one after the other, and how long each is under way; assumed."""
FIRST_AT_ONCE, MORE_A_SECOND = 5, 5
"""How Lambda begins with a queue, and how many more it takes on: 300 a minute."""
WAITING_SECONDS = 3_600
"""What WaitingAlarm allows, in infra/alarms.yml."""
A_REQUEST, A_WRITE, WRITES = 0.0000002, 0.000005, 9
"""Dollars for a call, and for a write to S3; so many of these a file."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one processor."""

    start: float
    """From nothing loaded to the end of the first file, less what a later one takes."""
    file: float
    """What a file takes whatever its size: S3, the report, the ledger."""
    row: float

    def of_file(self, rows: int) -> float:
        """Seconds by the clock on the share of a processor that the memory buys."""
        share = BATCH_MEGABYTES / OF_A_PROCESSOR
        bytes_of_row = ROW_BYTES + RESULT_BYTES
        under_way = CALLS * CALL_SECONDS + rows * bytes_of_row / TRANSFER
        return (self.file + rows * self.row) / share + under_way


MEASURED = Times(start=0.54, file=0.06, row=1.9e-6)
"""By --measure, on a machine that others used at the same time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of files that were dropped at once."""

    seconds: float
    """Until the last one is done; so old is the oldest message before."""
    median_wait: float
    dollars: float

    @property
    def alarm(self) -> bool:
        """Whether WaitingAlarm rings."""
        return self.seconds > WAITING_SECONDS


def simulate(files: Sequence[int], at_once: int, times: Times = MEASURED) -> Figures:
    """Score files that all arrive at once, in their order.

    Args:
        files: The rows of each.
        at_once: How many are scored at once.
        times: What they take.
    """
    # a message waits in the queue until a function is free: none is received in vain
    free = [(max(0, n - FIRST_AT_ONCE + 1) / MORE_A_SECOND, True) for n in range(at_once)]
    heapq.heapify(free)
    waits, billed, ended = [], 0.0, 0.0
    for rows in files:
        begun, cold = heapq.heappop(free)
        taken = times.of_file(rows)
        if cold:
            taken += times.start / (BATCH_MEGABYTES / OF_A_PROCESSOR)
        heapq.heappush(free, (begun + taken, False))
        waits.append(begun)
        billed, ended = billed + taken, max(ended, begun + taken)
    second = BATCH_MEGABYTES / 1024 * GB_SECOND + DISK_GB * DISK_GB_SECOND
    dollars = billed * second + len(files) * (A_REQUEST + WRITES * A_WRITE)
    return Figures(ended, statistics.median(waits), dollars)


@contextmanager
def _stand_in() -> Iterator[dict[str, str]]:
    """The environment that leads to an S3 in a process of its own, whose time does not count."""
    code = (
        "import time\nfrom moto.server import ThreadedMotoServer\n"
        "server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\n"
        "server.start()\nprint(server.get_host_and_port()[1], flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(server.stdout.readline())}",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "eu-central-1",
                "CUSTOMER_CLUSTERS_INPUT": "s3://customers/incoming",
                "CUSTOMER_CLUSTERS_OUTPUT": "s3://results",
            }
        finally:
            server.kill()


def _processor_seconds(rows: Sequence[int]) -> float:
    """What the handler takes for files, from nothing loaded, with the process that reads them."""
    import functions.s3
    from model_store.storage.s3 import connect
    from pipeline.scoring.process.isolated import isolated

    client = connect()
    events = []
    for number, count in enumerate(rows):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "customers.csv"
            model = load_model(open_store(BUNDLED).open(CHAMPION))
            write_invented(path, "csv", model, count)
            key = f"incoming/{number}.csv"
            client.put_object(Bucket="customers", Key=key, Body=path.read_bytes())
        told = {"key": key}
        s3 = {"bucket": {"name": "customers"}, "object": told}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}
        events.append({"Records": [record]})
    begun = time.process_time()
    for event in events:
        functions.s3.handler(event, None)
    isolated().close()  # so that its time counts
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() - begun + ended.ru_utime + ended.ru_stime


def _in_new_process(rows: Sequence[int]) -> float:
    listed = ",".join(map(str, rows))
    command = [sys.executable, "-m", "benchmarks.queue", "--rows", listed]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(ran.stdout.splitlines()[-1])


def measure() -> Times:
    """The times on this machine; the least of three each, for others use it too."""
    with _stand_in() as environment:
        os.environ.update(environment)
        from model_store.storage.s3 import connect

        for bucket in ("customers", "results"):
            place = {"LocationConstraint": "eu-central-1"}
            connect().create_bucket(Bucket=bucket, CreateBucketConfiguration=place)  # type: ignore[arg-type]
        few, large = ROWS[0], ROWS[-1]
        one, eleven, with_large = (
            min(_in_new_process(files) for _ in range(3))
            for files in ([few], [few] * 11, [few, large])
        )
    file = (eleven - one) / 10
    row = (with_large - one - file) / (large - few)
    return Times(start=one - file, file=file - few * row, row=row)


def main() -> None:
    """Print the times, and what follows from them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--measure", action="store_true", help="measure the times anew")
    parser.add_argument("--rows", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.rows:
        print(_processor_seconds([int(count) for count in chosen.rows.split(",")]))
        return
    times = measure() if chosen.measure else MEASURED
    print(times)
    print(f"{FILES:,} files at once, batchConcurrency:")
    for rows in ROWS:
        for at_once in AT_ONCE:
            figures = simulate([rows] * FILES, at_once, times)
            alarm = "rings" if figures.alarm else "is silent"
            print(
                f"{rows:>9,} rows each, {at_once:>2} at once: done in {figures.seconds / 60:5.1f} "
                f"min, half began after {figures.median_wait / 60:5.1f} min, WaitingAlarm {alarm}, "
                f"${figures.dollars:.2f}"
            )


if __name__ == "__main__":
    main()
