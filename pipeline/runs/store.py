"""What a run is, what becomes of it, and what a store of runs can do."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NotRequired, Protocol, TypedDict, cast

from model_store import CustomerClustersError
from model_store.storage.base import Storage
from pipeline.errors import WrongFile
from pipeline.release import RELEASE
from pipeline.scoring.documents import Failure, Manifest, Summary
from pipeline.scoring.parts.locations import Target

Checkpoint = Callable[[], None]
"""Called between the steps of a run; what it raises ends the run, which is left uncommitted."""
MANIFEST = "manifest.json"
"""Written last: it is the commit, and readers trust only runs that have it."""
FAILED = "failed.json"
State = Literal["committed", "failed", "pending"]


class PendingInput(TypedDict):
    """The input of a job."""

    name: str
    identity: str
    bytes: int


class PendingJob(TypedDict):
    """`pending.json`: a job elsewhere makes the run, or many calls make its parts."""

    state: str
    input: PendingInput
    model_version: str
    time: str
    token: NotRequired[str]
    """Of a job: it makes every start the same start."""
    job_run: NotRequired[str]
    """Of a job, once it was started."""
    parts: NotRequired[int]
    """How many parts there are, where there is no job."""
    part_bytes: NotRequired[int]
    arguments: NotRequired[list[str]]
    """What the parts are scored with, as `functions.aws.job_arguments` writes it."""


class RunKey:
    """Which run it is: the input's name, and the id that follows from input, model and options."""

    def __init__(self, name: str, make_id: Callable[[], str]) -> None:
        """The id is asked for when it is needed: it may take reading the whole input."""
        self.name, self._make_id = name, make_id
        self.failed_before = False
        """Whether a run that failed was found there, and is tried again."""

    @cached_property
    def id(self) -> str:
        """The run's id."""
        return self._make_id()

    def contradicts(self, run_id: str) -> bool:
        """Whether the id is known, and is not this one: the input changed since it was asked."""
        return "id" in vars(self) and self.id != run_id

    @property
    def folder(self) -> str:
        """Where the run lies, below all results."""
        return f"{self.name}/{self.id}"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of a run."""

    run: str
    """Its folder, below all results; empty where it never had one."""
    document: Manifest | Failure | PendingJob
    """Its manifest; of a run that failed for good its failure, of a pending one its job."""
    new: bool
    """Whether that came of this call, and was not there before."""
    state: State = "committed"

    @property
    def manifest(self) -> Manifest:
        """Of a committed run."""
        assert self.state == "committed"
        return cast(Manifest, self.document)

    @property
    def failure(self) -> Failure:
        """Of a run that failed for good."""
        assert self.state == "failed"
        return cast(Failure, self.document)

    @property
    def job(self) -> PendingJob:
        """Of a run that a job elsewhere makes."""
        assert self.state == "pending"
        return cast(PendingJob, self.document)


def failure(name: str, identity: str, version: str, error: CustomerClustersError) -> Failure:
    """What failed.json says.

    Args:
        name: What the input is called.
        identity: What tells it from all others, or its address where nothing does.
        version: The model's version.
        error: Why it can never be scored.
    """
    document: Failure = {
        "input": {"name": name, "identity": identity},
        "model_version": version,
        "error": type(error).__name__,
        "code": error.code,
        "reason": error.message,
    }
    if isinstance(error, WrongFile):
        document["problem"] = error.problem
    document["release"] = RELEASE
    return document


def as_json(document: Mapping[str, Any]) -> bytes:
    """A document as the results have it; the same document gives the same bytes."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where an engine writes the results of a run that has begun."""

    folder: Path
    """An empty folder on this machine."""
    shared: Callable[[], Target]
    """Where workers of other machines write: the same folder, or the run's place in S3."""


class RunStore(Protocol):
    """Finds, begins, commits and fails runs; `FolderRuns` and `S3Runs` do.

    There is no lease. Two workers at the same run write the same rows, and the manifest, which
    is written last and under the condition that there is none, commits one of them; the other one
    finds it, and removes what it wrote beside it.
    """

    @property
    def files(self) -> Storage:
        """Everything that lies below all results."""
        ...

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

    def yield_to(self, key: RunKey, workspace: Workspace) -> RunResult | None:
        """The run that another worker committed meanwhile; what this one wrote beside it goes.

        None when nobody has committed it.
        """
        ...

    def fail(self, key: RunKey, document: Failure, *, replace: bool = False) -> RunResult:
        """Write down for good why an input cannot be scored; a committed run stays what it is.

        Args:
            key: Which run.
            document: Why.
            replace: Whether what was written down before is written anew.
        """
        ...

    def read(self, name: str) -> bytes:
        """A file of the results, by its name below all of them."""
        ...


def read_summary(runs: RunStore, manifest: Manifest) -> Summary:
    """The summary that a committed run wrote."""
    summary: Summary = json.loads(runs.read(manifest["outputs"]["summary"]))
    return summary
