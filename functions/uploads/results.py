"""Results of uploaded files: kept for minutes, in a folder that all processes of a host share.

Whoever knows the unguessable id of a run may read its files. A process that is killed leaves its
runs behind, and any other sweeps them away when their time is over.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from functions.uploads.disk import most_bytes
from model_store import Temporary
from model_store.errors import reason_of
from pipeline.runs.notices.outbox import OUTBOX
from pipeline.scoring.documents import Manifest

KEPT_SECONDS = 900.0
"""How long a run is kept."""
RUN_BYTES = 128 << 20
"""How many bytes the files of one run may have: a packed file may unpack to anything."""
KEPT_BYTES = 256 << 20
"""How many bytes all runs may have together; the oldest go first, and the newest stays."""
KEPT_RUNS = 500
"""How many there may be: each upload looks at the size of all."""
JOBS = "jobs"
"""The folder of jobs that have not ended. Those who run them tidy it up."""
RECORD = "job.json"
"""What is known of a job from its beginning; beside its results it stays."""
_APART = (JOBS, OUTBOX)
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run that is kept."""

    folder: Path
    manifest: Manifest
    """With outputs where they lie: in the folder, whatever the upload is called."""
    scored: datetime
    model_name: str = ""
    """Of the model that scored it, where models have names and this was asked for by its own."""

    def file(self, name: str) -> Path | None:
        """A file that the manifest names, or the manifest; None where there is no such file."""
        path = self.folder / name
        return path if name in self.names and path.is_file() else None

    @property
    def names(self) -> tuple[str, ...]:
        """What the files of the run are called."""
        return (*self.manifest["outputs"].values(), _MANIFEST)


class Results:
    """The runs that are kept, each a folder named by its id."""

    def __init__(
        self, root: Path | None = None, seconds: float = KEPT_SECONDS, max_bytes: int = KEPT_BYTES
    ) -> None:
        """Without a `root` it is a folder of this user's under that for temporary files."""
        self._root, self.seconds, self._max_bytes = root, seconds, max_bytes
        self._own: list[str] = []

    @contextlib.contextmanager
    def aside(self) -> Iterator[Path]:
        """An empty folder to prepare a run in, gone at the end but for what was kept."""
        with _writable():
            folder = Path(tempfile.mkdtemp(prefix=".", dir=self._made()))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, folder: Path, run: str | None = None) -> str:
        """Keep a folder made in one that is aside.

        Args:
            folder: The folder.
            run: The id under which its files are found; by default a new one.

        Returns:
            The id.
        """
        run = run or secrets.token_urlsafe(24)
        with _writable():
            os.utime(folder)
            folder.rename(self._made() / run)
        self._own.append(run)
        self.sweep()
        return run

    def shared(self, name: str) -> Path:
        """A folder beside the runs, made if need be; Temporary when the disk does not take it."""
        with _writable():
            folder = self._made() / name
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def root(self) -> Path | None:
        """Where the runs are; None while there is no folder that is ours alone."""
        return self._folder() if self._is_ours() else None

    @staticmethod
    def is_id(text: str) -> bool:
        """Whether a text has the form of an id."""
        return _ID.fullmatch(text) is not None

    def find(self, run: str) -> KeptRun | None:
        """A run, if its time is not over."""
        folder = self.folder_of(run)
        if folder is None:
            return None
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        except OSError:
            return None
        scored = datetime.fromtimestamp(_changed(folder), UTC)
        return KeptRun(folder, outputs_here(manifest), scored, _model_name(folder))

    def folder_of(self, run: str) -> Path | None:
        """What is kept under an id, be it a run or a file that waits; None if there is none."""
        if not _ID.fullmatch(run) or not self._is_ours():
            return None
        folder = self._folder() / run
        return None if self._is_old(folder) else folder

    def remove(self, run: str) -> None:
        """Remove what is kept under an id."""
        if (folder := self.folder_of(run)) is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what is too old, then the oldest until the rest is not too much."""
        if not self._is_ours():
            return
        ages: list[tuple[float, Path]] = []
        with contextlib.suppress(OSError):
            for folder in self._folder().iterdir():
                if folder.name in _APART:
                    continue
                if self._is_old(folder):
                    shutil.rmtree(folder, ignore_errors=True)
                elif _ID.fullmatch(folder.name):
                    ages.append((_changed(folder), folder))
        total, most = 0, most_bytes(self._max_bytes)
        for kept, (_, folder) in enumerate(sorted(ages, reverse=True)):
            total += size_of(folder) if kept < KEPT_RUNS else 0
            if kept >= KEPT_RUNS or (kept and total > most):
                shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """Remove what this process has kept: maybe nobody comes after it who would."""
        for run in self._own if self._is_ours() else ():
            shutil.rmtree(self._folder() / run, ignore_errors=True)
        self.sweep()

    def _is_old(self, folder: Path) -> bool:
        return time.time() - _changed(folder) > self.seconds

    def _folder(self) -> Path:
        if self._root is None:
            return Path(tempfile.gettempdir()) / f"customer-clusters-{os.getuid()}"
        return self._root

    def _made(self) -> Path:
        """The folder, made if need be; OSError when it is not ours alone."""
        folder = self._folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        if not self._is_ours():
            raise PermissionError(None, "it is open to others")
        return folder

    def _is_ours(self) -> bool:
        """Whether the folder is there, is no link, and is ours alone: asked before every use.

        Its name is known beforehand, and on a shared machine anybody may have taken it.
        """
        try:
            status = self._folder().lstat()
        except OSError:
            return False
        ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
        return ours and not status.st_mode & 0o077


def _model_name(folder: Path) -> str:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except OSError:  # it is of the page
        return ""
    return str(record["model_name"])


def outputs_here(manifest: Manifest) -> Manifest:
    """A manifest with its outputs as they are called in the folder of the run."""
    outputs = {role: str(at).rpartition("/")[2] for role, at in manifest["outputs"].items()}
    return {**manifest, "outputs": outputs}


@contextlib.contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = reason_of(error)
        raise Temporary("write", "the folder for results", reason) from error


def size_of(folder: Path) -> int:
    """The bytes of the files in a folder and below it, as far as it is read before it disappears.

    A workbook's rows lie below it until it is finished.
    """
    size = 0
    with contextlib.suppress(OSError):
        for path in folder.rglob("*"):
            size += path.stat().st_size
    return size


def _changed(folder: Path) -> float:
    """When a folder was changed; long ago when it is gone."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
