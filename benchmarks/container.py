"""Start to first answer: the source tree, the container, and the container on Lambda's emulator.

.venv/bin/python -m benchmarks.container        builds the image over its stand-in base, if needed

The time that podman takes to run a command that does nothing is printed too: it is not ours.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.http import CUSTOMER, free_port, server, wait_for_answer
from tests.support import containers as helpers
from tests.support.containers import IMAGE, LOCKED, Containers

STARTS = 7
EVENT = {
    "version": "2.0",
    "rawPath": "/v1/assign",
    "rawQueryString": "",
    "headers": {"content-type": "application/json"},
    "requestContext": {"http": {"method": "POST", "path": "/v1/assign", "sourceIp": "127.0.0.1"}},
    "body": json.dumps(CUSTOMER),
    "isBase64Encoded": False,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the median of several starts of each."""
    if lacking := helpers.missing():
        print(f"needs {', '.join(lacking)}: no containers", file=sys.stderr)
        return
    containers = Containers.over(helpers.FOLDER)
    helpers.make_base(containers)
    with TemporaryDirectory() as folder:
        helpers.make_image(containers, Path(folder) / "pushed")
    emulator = helpers.fetch_emulator()
    ways: dict[str, Callable[[], float]] = {
        "source tree": source_tree,
        "container": lambda: in_container(containers),
        "container on the emulator": lambda: on_emulator(containers, emulator),
        "podman alone": lambda: podman_alone(containers),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(STARTS):
        for name, measure in ways.items():
            taken[name].append(measure())
    for name, seconds in taken.items():
        print(f"start to first answer, {name:<26} {statistics.median(seconds):>7.3f} s")


def source_tree() -> float:
    """Seconds of uvicorn over the source tree."""
    with server("functions.api:app") as started:
        return started.seconds_to_first_answer


def in_container(containers: Containers) -> float:
    """Seconds of the container, asked on its port."""
    port = free_port()
    begun = time.perf_counter()
    with containers.running(f"plain-{port}", [*LOCKED, f"--env=PORT={port}"]):
        wait_for_answer(port)
        return time.perf_counter() - begun


def on_emulator(containers: Containers, emulator: Path) -> float:
    """Seconds of the container on Lambda's emulator."""
    begun = time.perf_counter()
    with helpers.emulated(containers, emulator, "functions.api.handler") as invoke:
        answer = json.loads(invoke(EVENT))
        taken = time.perf_counter() - begun
    if answer["statusCode"] != 200:
        raise RuntimeError(f"the answer is {answer}")
    return taken


def podman_alone(containers: Containers) -> float:
    """Seconds of a container that does nothing."""
    begun = time.perf_counter()
    containers("podman", "run", "--rm", *LOCKED, "--entrypoint=true", IMAGE)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
