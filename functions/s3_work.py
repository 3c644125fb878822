"""What a call on Lambda works with: its time, and folders for its files, gone when it ends.

A function that is killed leaves its folder behind, and its successor may get the same disk: so
each folder has a lock that ends with its process, and what nobody locks is swept away.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

UNLIMITED = float("inf")
_PREFIX, _LOCK = "customer-clusters-", ".lock"


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """An empty folder of this run's own."""
    handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_LOCK)
    lock = Path(name)
    folder = lock.with_suffix("")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(handle)


def remaining(context: Any) -> Callable[[], float]:
    """What tells the seconds until Lambda stops this call."""
    millis = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: millis() / 1000) if millis else (lambda: UNLIMITED)


def sweep() -> None:
    """Remove the folders of processes that are dead."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*{_LOCK}"):
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
