"""What a process that reads files may take of its machine, and when it has to end."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST_MEMORY = 2 << 30
"""Bytes, where the machine or the container has twice as much."""
LEAST_MEMORY = 768 << 20
"""With less, not every well-formed file can be read."""
_SMALLEST = 256 << 20
_OTHERS = 160 << 20
"""For the process that answers, and for the files in a /tmp that is memory."""
_SET_PARENT_DEATH_SIGNAL = 1
_CGROUPS = Path("/sys/fs/cgroup")


def most_memory() -> int:
    """The bytes that reading a file may take on this machine.

    Half of what there is; of a small container more, but so much that its end is ours to tell: the
    kernel's may be that of the whole container.
    """
    machine = machine_memory()
    small = min(LEAST_MEMORY, machine - _OTHERS)
    return max(_SMALLEST, small, min(MOST_MEMORY, machine // 2))


def machine_memory() -> int:
    """The bytes that this machine has, or this container may take."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_of_container()])


def bound_memory(limit: int) -> None:
    """Allocations that would take this process beyond so many bytes fail.

    Data and not addresses are counted: libraries take addresses that they never fill.
    """
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def be_expendable() -> None:
    """Let this process end before the one that started it.

    Where memory runs out, the kernel takes this one; where the other one ends, so does this one.
    Signals to a whole group are left to the one that started it.
    """
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _of_container() -> Iterator[int]:
    """The limits of the control groups that this process is in."""
    places = {_CGROUPS / "memory.max", _CGROUPS / "memory/memory.limit_in_bytes"}
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            places.add(_CGROUPS / line.split(":", 2)[-1].lstrip("/") / "memory.max")
    for place in places:
        with suppress(OSError, ValueError):  # "max" where there is none
            yield int(place.read_text(encoding="ascii"))
