"""The engine for a large file of this machine: its parts in processes. It brings numpy, pyarrow."""

import shutil
from dataclasses import dataclass

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.reading.kinds import OLE, PARQUET, ZIP
from pipeline.runs.inputs import RunInput
from pipeline.runs.score import score_here
from pipeline.runs.store import Checkpoint, Workspace
from pipeline.scoring.documents import Manifest, ScoredRows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.distributed import score_in_parts
from pipeline.scoring.parts.local import join_parts, local_task
from pipeline.scoring.parts.locations import LocalTarget
from pipeline.scoring.parts.part_plan import PART_BYTES, CannotSplit
from pipeline.scoring.parts.shared_input import shared_file
from pipeline.scoring.process.workers import Workers
from pipeline.scoring.results import conclude, score_into
from pipeline.scoring.spec import FileEngine, Progress, ScoringSpec

_PARTS = "parts"
"""The folder of the parts, until they are joined."""


@dataclass(frozen=True, slots=True)
class InProcesses:
    """Scores a text file in parts, and any other as a whole; the results are the same bytes."""

    jobs: int
    part_bytes: int = PART_BYTES
    file_engine: FileEngine = score_here
    """What scores a file as a whole: one without parts, or one that a part of it refuses. Only who
    reads it from its beginning can say where."""

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
                    try:
                        rows = self._rows(file, spec, workspace, count)
                    except CannotSplit:
                        shutil.rmtree(workspace.folder / _PARTS, ignore_errors=True)
                    else:
                        count(rows["summary"]["rows_in"])
                        return conclude(workspace.folder, spec, rows)
                return score_into(workspace.folder, file, spec, self.file_engine, count)
            except WrongFile as error:
                raise error.about(source.address) from error

    def _has_parts(self, file: InputFile, spec: ScoringSpec) -> bool:
        """Whether it is a text of several parts, and so is what comes of it."""
        with refuse_unreadable(file.path), file.path.open("rb") as stream:
            start = stream.read(len(PARQUET))
        text = not start.startswith((PARQUET, ZIP, OLE))
        large = file.path.stat().st_size > self.part_bytes
        return text and large and spec.options.format not in ("parquet", "xlsx")

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
