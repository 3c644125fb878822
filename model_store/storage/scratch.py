"""Folders for what is unfinished, which no process leaves behind for ever.

Whoever works in such a folder holds a lock on it, which the system ends with the process. The next
one to work beside it removes the folders that nobody holds.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_PREFIX = ".customer-clusters-unfinished-"


def is_scratch(name: str) -> bool:
    """Whether an entry of a folder is one of these."""
    return name.startswith(_PREFIX)


@contextlib.contextmanager
def unfinished(root: Path | None = None) -> Iterator[Path]:
    """An empty folder to work in, gone at the end unless it was moved: then it is finished.

    What dead processes left goes first.

    Args:
        root: The folder to make it in; by default that for temporary files.

    Yields:
        The folder.

    Raises:
        OSError: No folder can be made there.
    """
    import shutil  # not for readers
    import tempfile

    root = Path(tempfile.gettempdir()) if root is None else root
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    folder, lock = _new_folder(root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _new_folder(root: Path) -> tuple[Path, int]:
    """A new folder and the descriptor that holds it."""
    import tempfile

    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        try:
            lock = _descriptor(folder)
        except FileNotFoundError:  # swept before it was held
            continue
        if _try_lock(lock) is not False and folder.exists():
            return folder, lock
        os.close(lock)


def _sweep(root: Path) -> None:
    """Remove the folders that nobody holds; where the disk knows no locks, none."""
    import shutil

    with contextlib.suppress(OSError), os.scandir(root) as entries:
        for name in [entry.name for entry in entries if is_scratch(entry.name)]:
            with contextlib.suppress(OSError):
                lock = _descriptor(root / name)
                try:
                    if _try_lock(lock):
                        shutil.rmtree(root / name, ignore_errors=True)
                finally:
                    os.close(lock)


def _descriptor(folder: Path) -> int:
    """A descriptor of a folder; OSError for a link in its place."""
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _try_lock(descriptor: int) -> bool | None:
    """Whether this process holds a folder from now on; None where the disk knows no locks."""
    import fcntl  # not on every system, and not for readers

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
