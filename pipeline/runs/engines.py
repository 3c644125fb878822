"""How the results of a run come about; `pipeline.runs.in_parts` has the one for many workers."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import WrongFile
from pipeline.runs.inputs import RunInput
from pipeline.runs.store import Checkpoint, Workspace
from pipeline.scoring import FileEngine, Progress, ScoringSpec, score_into
from pipeline.scoring.documents import Manifest


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


@dataclass(frozen=True, slots=True)
class WholeFile:
    """Brings the input to this machine and scores it there."""

    score: FileEngine = score_into
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
                return self.score(workspace.folder, file, spec, count)
            except WrongFile as error:
                raise error.about(source.address) from error
