"""One run, once: find it, or begin it, score the input and commit.

How the results of a run come about is its engine's business: `WholeFile` is here, the one for many
workers is `pipeline.runs.in_parts.InParts`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from model_store import CustomerClustersError, Temporary
from pipeline.errors import WrongFile
from pipeline.runs.inputs import RunInput
from pipeline.runs.notices import SILENT, Notices
from pipeline.runs.store import Checkpoint, RunKey, RunResult, RunStore, Workspace, failure
from pipeline.scoring.documents import Manifest, ScoredRows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.results import score_into
from pipeline.scoring.spec import FileEngine, Progress, ScoringSpec


class Engine(Protocol):
    """Writes the results of a run into a workspace, the manifest last; returns the manifest."""

    def __call__(
        self,
        source: RunInput,
        spec: ScoringSpec,
        workspace: Workspace,
        progress: Progress,
        checkpoint: Checkpoint,
        /,
    ) -> Manifest:
        """Score the input.

        Args:
            source: The input.
            spec: What it is scored with.
            workspace: Where the results go.
            progress: Called with the number of rows read so far.
            checkpoint: Called now and then; what it raises ends the run.

        Raises:
            WrongFile: The input is refused, by its address.
            Temporary: The same call may succeed later.
        """
        ...


def score_here(
    folder: Path, source: InputFile, spec: ScoringSpec, progress: Progress = lambda rows: None
) -> ScoredRows:
    """`score_rows`, which brings numpy and pyarrow with the first call."""
    from pipeline.scoring.engine import score_rows

    return score_rows(folder, source, spec, progress)


@dataclass(frozen=True, slots=True)
class WholeFile:
    """Brings the input to this machine and scores it there."""

    file_engine: FileEngine = score_here
    """In this process, or in another one: `pipeline.scoring.process.isolated`."""

    def __call__(
        self,
        source: RunInput,
        spec: ScoringSpec,
        workspace: Workspace,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Manifest:
        """As `Engine`."""

        def count(rows: int) -> None:
            checkpoint()
            progress(rows)

        with source.on_disk(checkpoint) as file:
            try:
                return score_into(workspace.folder, file, spec, self.file_engine, count)
            except WrongFile as error:
                raise error.about(source.address) from error


def key_of(source: RunInput, spec: ScoringSpec) -> RunKey:
    """Which run it is to score an input."""
    return RunKey(source.name, lambda: spec.run_id(source.identity))


def score(
    source: RunInput,
    spec: ScoringSpec,
    runs: RunStore,
    engine: Engine,
    *,
    progress: Progress = lambda rows: None,
    checkpoint: Checkpoint = lambda: None,
    retry_failed: bool = False,
    notices: Notices = SILENT,
) -> RunResult:
    """Score an input, or find that it was.

    Args:
        source: The input.
        spec: The model, its version and the options.
        runs: Where results are and go.
        engine: What makes results of the input.
        progress: Called with the number of rows read so far.
        checkpoint: Called between steps; what it raises ends the run, and leaves nothing of it.
        retry_failed: Whether an input is tried again that failed for good before.
        notices: Who is told of the run once it is committed.

    Returns:
        The committed run; or, unless `retry_failed`, the one that failed before.

    Raises:
        WrongFile: The input is refused; `record_failure` writes that down.
        WrongArtifact: The model cannot score it.
        Temporary: The same call may succeed later.
    """
    checkpoint()
    key = key_of(source, spec)
    if ended := runs.find(key, retry_failed=retry_failed):
        return ended
    with runs.begin(key) as workspace:
        try:
            manifest = engine(source, spec, workspace, progress, checkpoint)
        except Temporary:  # maybe as another worker has tidied up what this one was to read
            if ended := runs.yield_to(key, workspace):
                return ended
            raise
        if key.contradicts(manifest["run"]):
            raise Temporary("read", source.address, "it changed while it was scored")
        with notices.of_commit(runs, key, manifest, workspace):
            return runs.commit(key, workspace, manifest, checkpoint)


def record_failure(
    name: str,
    identity: str | None,
    address: str,
    spec: ScoringSpec,
    runs: RunStore,
    error: CustomerClustersError,
    *,
    replace: bool = False,
    notices: Notices = SILENT,
) -> RunResult:
    """Write down why an input will never be scored, unless its run was done before.

    Without a word about which input it was there is no run: then only the result tells.

    Args:
        name: What the results are named after.
        identity: What tells the input from all others; None where that is not known.
        address: What people call it.
        spec: What it should have been scored with.
        runs: Where results are and go.
        error: Why it cannot be.
        replace: Whether what was written down before is written anew.
        notices: Who is told of it.
    """
    document = failure(name, identity or address, spec.version, error)
    if identity is None:
        with notices.of_failure(runs, None, document):
            return RunResult("", document, new=True, state="failed")
    key = RunKey(name, lambda: spec.run_id(identity))
    with notices.of_failure(runs, key, document):
        return runs.fail(key, document, replace=replace)
