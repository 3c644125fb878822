"""What Lambda would bill: durations in the image, on the processor share that the memory buys.

.venv/bin/python -m benchmarks.billed           builds the image over its stand-in base, if needed

Prices are assumptions, stated in docs/operate.md together with what this printed.
"""

import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.container import EVENT
from benchmarks.files import write_invented
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model
from tests.support import containers as helpers
from tests.support.containers import IMAGE, LOCKED, Containers

MEGABYTES_OF_A_PROCESSOR = 1769
"""So much memory comes with one processor; less with less of it."""
API_MEGABYTES, BATCH_MEGABYTES = 512, 2048
"""As in serverless.yml."""
LOOK_UPS, ROWS = 300, 1_000_000
GB_SECOND, REQUESTS, HTTP_API = 0.0000166667, 0.20, 1.00
"""Dollars: a second of a gigabyte; a million invocations; a million requests to an HTTP API."""
DISK_GB_SECOND, DISK_GB = 0.0000000309, 8192 / 1024 - 0.5


def limits(megabytes: int) -> list[str]:
    """Options of podman that give a container the memory, and its share of a processor."""
    return [f"--cpus={megabytes / MEGABYTES_OF_A_PROCESSOR:.3f}", f"--memory={megabytes}m"]


STARTS = 5
_START = """
import json, time
wall, processor = time.perf_counter(), time.process_time()
import functions.{function} as module
module.handler
print(json.dumps([time.perf_counter() - wall, time.process_time() - processor]))
"""


def start(containers: Containers, function: str, megabytes: int) -> tuple[float, float]:
    """Seconds, and those of a processor, from nothing loaded to a function's handler."""
    variables = {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "CUSTOMER_CLUSTERS_INPUT": "s3://bucket-one/incoming",
        "CUSTOMER_CLUSTERS_OUTPUT": "s3://bucket-two",
    }
    named = [f"--env={name}={value}" for name, value in variables.items()]
    locked = [option for option in LOCKED if not option.startswith("--memory")]
    taken = []
    for _ in range(STARTS):
        printed = containers(
            "podman", "run", "--rm", *locked, *limits(megabytes), *named, IMAGE,
            "python", "-c", _START.format(function=function),
        )  # fmt: skip
        taken.append(json.loads(printed.splitlines()[-1]))
    wall, processor = (statistics.median(values) for values in zip(*taken, strict=True))
    return wall, processor


def look_up(containers: Containers, emulator: Path) -> float:
    """Seconds of a look-up by a function that is warm, the emulator's own time included."""
    taken = []
    options = limits(API_MEGABYTES)
    with helpers.emulated(containers, emulator, "functions.api.handler", 10, *options) as invoke:
        for _ in range(LOOK_UPS):
            begun = time.perf_counter()
            answer = json.loads(invoke(EVENT))
            taken.append(time.perf_counter() - begun)
            if answer["statusCode"] != 200:
                raise RuntimeError(f"the answer is {answer}")
    return statistics.mean(taken[LOOK_UPS // 10 :])


def score(containers: Containers, folder: Path) -> float:
    """Seconds for a million rows of CSV, from start to end of the process, without S3."""
    artifact = open_store(BUNDLED).open(CHAMPION)
    model = load_model(artifact)
    write_invented(folder / "customers.csv", "csv", model, ROWS)
    folder.chmod(0o755)
    locked = [option for option in LOCKED if not option.startswith("--memory")]
    mount = f"--volume={folder}:/data:ro"
    command = ["customer-clusters", "score", "/data/customers.csv", "--out", "/tmp/out", "--json"]
    begun = time.perf_counter()
    manifest = containers(
        "podman", "run", "--rm", *locked, *limits(BATCH_MEGABYTES), mount, IMAGE, *command,
        seconds=300,
    )  # fmt: skip
    taken = time.perf_counter() - begun
    if json.loads(manifest)["rows_in"] != ROWS:
        raise RuntimeError(f"scored {manifest}")
    return taken


def main() -> None:
    """Print the durations, and what they cost."""
    if lacking := helpers.missing():
        print(f"needs {', '.join(lacking)}: no containers", file=sys.stderr)
        return
    containers = Containers.over(helpers.FOLDER)
    helpers.make_base(containers)
    with TemporaryDirectory() as folder:
        helpers.make_image(containers, Path(folder) / "pushed")
        for function, megabytes in (("api", API_MEGABYTES), ("s3", BATCH_MEGABYTES)):
            wall, processor = start(containers, function, megabytes)
            print(
                f"functions.{function} at {megabytes} MB: handler after {wall:.2f} s, "
                f"{processor:.2f} s of a processor"
            )
        one = look_up(containers, helpers.fetch_emulator())
        million = score(containers, Path(folder))
    billed = one * 1e6 * API_MEGABYTES / 1024 * GB_SECOND
    print(f"a warm look-up at {API_MEGABYTES} MB: {one * 1000:.1f} ms")
    print(f"a million look-ups: ${billed:.2f} + ${REQUESTS:.2f} + ${HTTP_API:.2f}")
    disk = million * DISK_GB * DISK_GB_SECOND
    billed = million * BATCH_MEGABYTES / 1024 * GB_SECOND
    print(f"a million rows at {BATCH_MEGABYTES} MB: {million:.1f} s, ${billed:.5f} + ${disk:.6f}")


if __name__ == "__main__":
    main()
