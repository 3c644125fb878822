"""Where runs live: `folder.FolderRuns` and `s3.S3Runs` behave alike."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.runs.results import RunKey, RunResult
from pipeline.scoring.documents import Failure, Manifest, Summary
from pipeline.scoring.parts.locations import Target

Checkpoint = Callable[[], None]
"""Called between the steps of a run; what it raises ends the run, which is left uncommitted."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where an engine writes the results of a run that has begun."""

    folder: Path
    """An empty folder on this machine."""
    shared: Callable[[], Target]
    """Where workers of other machines write: the same folder, or the run's place in S3."""


class RunStore(Protocol):
    """Finds, begins, commits and fails runs; `FolderRuns` and `S3Runs` do.

    There is no lease. Two workers at the same run write the same bytes, and the manifest, which
    is written last and under the condition that there is none, commits one of them.
    """

    def find(self, key: RunKey, *, retry_failed: bool = False) -> RunResult | None:
        """A run that was committed, or that failed for good; None when there is neither.

        Args:
            key: Which run.
            retry_failed: A run that failed counts as if it were not there.
        """
        ...

    def begin(self, key: RunKey) -> AbstractContextManager[Workspace]:
        """A place to work in; it goes at the end, and nothing of it is a result before `commit`."""
        ...

    def commit(
        self, key: RunKey, workspace: Workspace, manifest: Manifest, checkpoint: Checkpoint
    ) -> RunResult:
        """Make what an engine wrote the results of the run, unless another worker was first."""
        ...

    def fail(self, key: RunKey, document: Failure) -> RunResult:
        """Write down for good why an input cannot be scored; a committed run stays what it is."""
        ...

    def read(self, name: str) -> bytes:
        """A file of the results, by its name below all of them."""
        ...


def read_summary(runs: RunStore, manifest: Manifest) -> Summary:
    """The summary that a committed run wrote."""
    summary: Summary = json.loads(runs.read(manifest["outputs"]["summary"]))
    return summary
