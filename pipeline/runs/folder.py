"""Runs in a folder: each is a folder of its own, which appears whole."""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model_store import CustomerClustersError, FolderStorage, Temporary
from model_store.errors import reason_of
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.runs.store import FAILED, MANIFEST, Checkpoint, RunKey, RunResult, Workspace, as_json
from pipeline.scoring.documents import Failure, Manifest
from pipeline.scoring.parts.locations import LocalTarget


class FolderRuns:
    """A run store in a folder. A run is written aside, on the same disk, and renamed at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    @property
    def files(self) -> FolderStorage:
        """Everything that lies in the folder."""
        return FolderStorage(self.root)

    def find(self, key: RunKey, *, retry_failed: bool = False) -> RunResult | None:
        """As `RunStore.find`; the run's id is asked for only where the input has runs already.

        Raises:
            WrongFile: A file lies where the input's results should go.
        """
        runs = self.root / key.name
        for folder in (runs, *(self.root / parent for parent in Path(key.name).parents)):
            if folder.is_file():
                raise WrongFile(folder, "is a file; results go into a folder of that name")
        if not runs.exists():
            return None
        committed, failed = runs / key.id / MANIFEST, runs / key.id / FAILED
        if committed.exists():
            return RunResult(key.folder, _document(committed), new=False)
        if failed.exists() and not retry_failed:
            return RunResult(key.folder, _document(failed), new=False, state="failed")
        return None

    @contextmanager
    def begin(self, key: RunKey) -> Iterator[Workspace]:
        """As `RunStore.begin`; Temporary when the disk does not take it."""
        with self._writable(), unfinished(self.root) as folder:
            folder.chmod(0o755)
            yield Workspace(folder, lambda: LocalTarget(folder))

    def commit(
        self, key: RunKey, workspace: Workspace, manifest: Manifest, checkpoint: Checkpoint
    ) -> RunResult:
        """As `RunStore.commit`: one rename, which takes no folder that has files."""
        checkpoint()
        run = f"{key.name}/{manifest['run']}"
        folder = self.root / run
        folder.parent.mkdir(parents=True, exist_ok=True)
        while not (folder / MANIFEST).exists():
            try:
                workspace.folder.rename(folder)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if (folder / MANIFEST).exists():
                    break
                with unfinished(self.root) as aside:  # a run that failed, and is tried again
                    folder.rename(aside / "failed")
            else:
                return RunResult(run, manifest, new=True)
        return RunResult(run, _document(folder / MANIFEST), new=False)

    def yield_to(self, key: RunKey, workspace: Workspace) -> RunResult | None:
        """As `RunStore.yield_to`; a workspace goes by itself."""
        return self.find(key, retry_failed=True)

    def fail(self, key: RunKey, document: Failure, *, replace: bool = False) -> RunResult:
        """As `RunStore.fail`."""
        if ended := self.find(key, retry_failed=replace):
            return ended
        with self._writable():
            self.files.replace(f"{key.folder}/{FAILED}", as_json(document))
        return RunResult(key.folder, document, new=True, state="failed")

    def read(self, name: str) -> bytes:
        """As `RunStore.read`; NotFound when there is no such file."""
        return self.files.read(name)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except CustomerClustersError:  # which may be an OSError as well, and says more
            raise
        except OSError as error:
            raise Temporary("write", str(self), reason_of(error)) from error


def _document(path: Path) -> Any:
    return json.loads(path.read_bytes())
