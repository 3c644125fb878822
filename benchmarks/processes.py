"""A command as its user starts it: from a new process to its end, with all that it starts."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """One run."""

    seconds: float
    peak_mb: float
    """The sum of what each of its processes had resident at its most, as far as that was seen."""


def run(command: Sequence[str], cores: int | None = None) -> Figure:
    """Run a command to its end; CalledProcessError where it fails.

    Its modules are compiled once and kept, whatever this environment says. It may be given less
    than all cores.
    """
    peaks: dict[int, float] = {}
    ended = threading.Event()
    begun = time.perf_counter()
    variables = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}
    bound = [] if cores is None else ["taskset", "--cpu-list", f"0-{cores - 1}"]
    process = subprocess.Popen([*bound, *command], stdout=subprocess.DEVNULL, env=variables)

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            for one in _family(process.pid):
                with suppress(OSError, IndexError):  # one that ended
                    status = Path(f"/proc/{one}/status").read_text(encoding="ascii")
                    peaks[one] = int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    looking = threading.Thread(target=look)
    looking.start()
    try:
        process.wait()
        seconds = time.perf_counter() - begun
    finally:
        ended.set()
        looking.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Figure(seconds, sum(peaks.values()))


def _family(process: int) -> Iterator[int]:
    """A process and all that it started."""
    yield process
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in (thread / "children").read_text(encoding="ascii").split():
                yield from _family(int(child))
