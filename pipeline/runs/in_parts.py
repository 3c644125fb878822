"""The engine for inputs that many workers score at once. It brings numpy and pyarrow."""

from dataclasses import dataclass, field

from pipeline.errors import WrongFile
from pipeline.runs.inputs import DataSetInput, RunInput
from pipeline.runs.score import Engine, WholeFile
from pipeline.runs.store import Checkpoint, Workspace
from pipeline.scoring.documents import Manifest
from pipeline.scoring.parts.distributed import Runner, score_in_parts
from pipeline.scoring.parts.part_plan import PART_BYTES, CannotSplit
from pipeline.scoring.results import conclude
from pipeline.scoring.spec import Progress, ScoringSpec


@dataclass(frozen=True, slots=True)
class InParts:
    """Has workers score the parts of an input; what has no parts is scored whole, here."""

    run: Runner
    part_bytes: int = PART_BYTES
    whole: Engine = field(default_factory=WholeFile)

    def __call__(
        self,
        source: RunInput,
        spec: ScoringSpec,
        workspace: Workspace,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Manifest:
        """As `Engine`."""
        if spec.options.format == "xlsx":
            return self._workbook(source, spec, workspace, progress, checkpoint)
        shared, target = source.shared(), workspace.shared()
        try:
            rows = score_in_parts(self.run, shared, spec, target, workspace.folder, self.part_bytes)
        except CannotSplit as error:
            if isinstance(source, DataSetInput):
                problem = f"{error.problem}; a data set is plain CSV or Parquet"
                raise WrongFile(error.file, problem) from error
            return self.whole(source, spec, workspace, progress, checkpoint)
        except WrongFile as error:
            if isinstance(source, DataSetInput):
                raise  # about the one of its files that is to blame
            raise error.about(source.address) from error
        progress(rows["summary"]["rows_in"])
        return conclude(workspace.folder, spec, rows)

    def _workbook(
        self,
        source: RunInput,
        spec: ScoringSpec,
        workspace: Workspace,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Manifest:
        """A workbook is one file and holds a million rows: it is written whole, here."""
        if isinstance(source, DataSetInput):
            problem = "is a data set, which no workbook holds; choose csv or parquet as the format"
            raise WrongFile(source.address, problem)
        return self.whole(source, spec, workspace, progress, checkpoint)
