"""The engine for an object of which all parts were scored, by whoever it was."""

from dataclasses import dataclass

from pipeline.errors import WrongFile
from pipeline.runs.inputs import RunInput
from pipeline.runs.parts.work import ObjectParts, PartWork
from pipeline.runs.store import Checkpoint, Workspace
from pipeline.scoring.documents import Manifest
from pipeline.scoring.results import conclude
from pipeline.scoring.spec import Progress, ScoringSpec


@dataclass(frozen=True, slots=True)
class FromParts:
    """Concludes a run from what became of its parts."""

    work: PartWork
    parts: ObjectParts

    def __call__(
        self,
        source: RunInput,
        spec: ScoringSpec,
        workspace: Workspace,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Manifest:
        """As `pipeline.runs.score.Engine`."""

        def count(rows: int) -> None:
            checkpoint()

        try:
            rows = self.work.conclude(self.parts, workspace.folder, count)
        except WrongFile as error:
            raise error.about(source.address) from error
        progress(rows["summary"]["rows_in"])
        return conclude(workspace.folder, spec, rows)
