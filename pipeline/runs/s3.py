"""Runs below a prefix of S3: outputs first, the manifest last and only where there is none."""

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from model_store import Conflict, CustomerClustersError, S3Address
from model_store.storage.s3 import S3Storage
from model_store.storage.scratch import unfinished
from pipeline.runs.objects import ObjectRef, S3Target, open_object
from pipeline.runs.store import FAILED, MANIFEST, Checkpoint, RunKey, RunResult, Workspace, as_json
from pipeline.scoring.documents import Failure, Manifest
from pipeline.scoring.parts.locations import WORKING

REMEDY = "to try again, delete this file and drop the input again"


class S3Runs:
    """A run store in S3. Whoever writes the manifest first has committed the run."""

    def __init__(
        self, files: S3Storage, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.files, self._clock = files, clock

    @classmethod
    def at(cls, address: S3Address) -> Self:
        """With a client of its own, whose connections end with these runs."""
        return cls(S3Storage.at(address))

    def __str__(self) -> str:
        return str(self.files)

    def find(self, key: RunKey, *, retry_failed: bool = False) -> RunResult | None:
        """As `RunStore.find`, by one listing and one read."""
        names = self.files.names(key.folder)
        if MANIFEST in names:
            return RunResult(key.folder, self._document(key, MANIFEST), new=False)
        if FAILED not in names:
            return None
        if not retry_failed:
            document = self._document(key, FAILED)
            return RunResult(key.folder, document, new=False, state="failed")
        key.failed_before = True
        return None

    @contextmanager
    def begin(self, key: RunKey) -> Iterator[Workspace]:
        """As `RunStore.begin`: a folder for temporary files."""
        with unfinished() as folder:
            target = S3Target(self.files.address.below(key.folder))
            yield Workspace(folder, lambda: target)

    def commit(
        self, key: RunKey, workspace: Workspace, manifest: Manifest, checkpoint: Checkpoint
    ) -> RunResult:
        """As `RunStore.commit`: uploads, and then a write that fails where there is a manifest."""
        if committed := self.yield_to(key, workspace):
            return committed
        for output in sorted(workspace.folder.iterdir()):
            if output.name != MANIFEST:
                checkpoint()
                self.files.upload(output, f"{key.folder}/{output.name}")
        checkpoint()
        try:
            content = (workspace.folder / MANIFEST).read_bytes()
            self.files.create(f"{key.folder}/{MANIFEST}", content)
        except Conflict:  # another worker was faster; or this one, whose answer was lost
            committed = self._document(key, MANIFEST)
            self._tidy(key, committed)
            result = RunResult(key.folder, committed, new=False)
        else:
            result = RunResult(key.folder, manifest, new=True)
        if key.failed_before:  # the manifest counts, whether this can be deleted or not
            with contextlib.suppress(CustomerClustersError):
                self.files.delete(f"{key.folder}/{FAILED}")
        return result

    def yield_to(self, key: RunKey, workspace: Workspace) -> RunResult | None:
        """As `RunStore.yield_to`."""
        committed = self.find(key, retry_failed=True)
        if committed is not None:
            self._tidy(key, committed.manifest)
        return committed

    def fail(self, key: RunKey, document: Failure, *, replace: bool = False) -> RunResult:
        """As `RunStore.fail`."""
        if ended := self.find(key, retry_failed=replace):
            return ended
        time = self._clock().isoformat(timespec="seconds")
        document = {**document, "time": time, "remedy": REMEDY}
        name = f"{key.folder}/{FAILED}"
        if replace:
            self.files.replace(name, as_json(document))
        else:
            with contextlib.suppress(Conflict):  # another delivery of the same event told it
                self.files.create(name, as_json(document))
        return RunResult(key.folder, document, new=True, state="failed")

    def _tidy(self, key: RunKey, manifest: Manifest) -> None:
        """Remove rows and working files that a committed run does not list, as far as allowed.

        They are of a worker that was slower, and wrote its rows in other files.
        """
        with contextlib.suppress(CustomerClustersError):
            for entry in self.files.names(key.folder):
                if entry == WORKING or entry.startswith("assigned."):
                    inner = self.files.names(f"{key.folder}/{entry}")
                    names = [f"{entry}/{name}" for name in inner] or [entry]
                    for name in names:
                        if name not in manifest["bytes"]:
                            self.files.delete(f"{key.folder}/{name}")

    def read(self, name: str) -> bytes:
        """As `RunStore.read`; NotFound when there is no such file."""
        return self.files.read(name)

    def _document(self, key: RunKey, name: str) -> Any:
        return json.loads(self.files.read(f"{key.folder}/{name}"))


@contextmanager
def fetched(files: S3Storage, name: str) -> Iterator[Path]:
    """A file below a prefix, brought to this machine for as long as it is used."""
    ref = ObjectRef(files.address.bucket, f"{files.address.folder}{name}")
    with unfinished() as folder, open_object(files.client, ref, name) as source:
        path = folder / "file"
        source.save(path)
        yield path
