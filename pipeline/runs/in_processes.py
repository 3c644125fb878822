"""The engine for a large file of this machine: its parts in processes. It brings numpy, pyarrow."""

from dataclasses import dataclass, field

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.reading.kinds import PARQUET
from pipeline.runs.inputs import RunInput
from pipeline.runs.score import Engine, WholeFile
from pipeline.runs.store import Checkpoint, Workspace
from pipeline.scoring.documents import Manifest, ScoredRows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.distributed import score_in_parts
from pipeline.scoring.parts.local import join_parts, local_task
from pipeline.scoring.parts.locations import LocalTarget
from pipeline.scoring.parts.part_plan import PART_BYTES, CannotSplit
from pipeline.scoring.parts.shared_input import shared_file
from pipeline.scoring.process.workers import Workers
from pipeline.scoring.results import conclude
from pipeline.scoring.spec import Progress, ScoringSpec

_PARTS = "parts"
"""The folder of the parts, until they are joined."""


@dataclass(frozen=True, slots=True)
class InProcesses:
    """Scores a text file in parts, and any other as a whole; the results are the same bytes."""

    jobs: int
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

        def count(rows: int) -> None:
            checkpoint()
            progress(rows)

        with source.on_disk(checkpoint) as file:
            try:
                if self._has_parts(file, spec):
                    return conclude(
                        workspace.folder, spec, self._rows(file, spec, workspace, count)
                    )
            except CannotSplit:
                pass
            except WrongFile as error:
                raise error.about(source.address) from error
        return self.whole(source, spec, workspace, progress, checkpoint)

    def _has_parts(self, file: InputFile, spec: ScoringSpec) -> bool:
        """Whether results can be joined, which Parquet's cannot, and there are parts at all."""
        with refuse_unreadable(file.path), file.path.open("rb") as stream:
            parquet = stream.read(len(PARQUET)) == PARQUET
        written = spec.options.format or ("parquet" if parquet else "csv")
        return written == "csv" and file.path.stat().st_size > self.part_bytes

    def _rows(
        self, file: InputFile, spec: ScoringSpec, workspace: Workspace, progress: Progress
    ) -> ScoredRows:
        folder = workspace.folder / _PARTS
        target, shared = LocalTarget(folder), shared_file(file)
        with Workers(self.jobs, folder, file, spec, progress, self.part_bytes) as workers:
            rows = score_in_parts(workers, shared, spec, target, workspace.folder, self.part_bytes)
        task = local_task(folder, file, spec, self.part_bytes)
        name = f"assigned.{rows['format']}"
        size = join_parts(target, task, list(rows["assigned"]), workspace.folder / name)
        folder.rmdir()
        return {**rows, "assigned": {name: size}}
