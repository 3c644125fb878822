"""The steps of a file as spans, and what is counted of it: the same wherever it is scored."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from functions.telemetry.telemetry import SILENT, Span, Telemetry
from model_store import Temporary
from pipeline.errors import WrongFile

if TYPE_CHECKING:
    from pipeline.runs import WholeFile
    from pipeline.runs.inputs import RunInput
    from pipeline.runs.store import Checkpoint, Workspace
    from pipeline.scoring.documents import Manifest, ScoredRows, Summary
    from pipeline.scoring.inputs import InputFile
    from pipeline.scoring.spec import FileEngine, Progress, ScoringSpec

READ, SCORE, WRITE = "read file", "score rows", "write results"
"""What comes before its rows are scored; that, row by row from file to results; what comes after:
summary, report and manifest."""


class FileSteps:
    """One file that is being scored."""

    def __init__(self, telemetry: Telemetry, span: Span) -> None:
        self._telemetry, self._span = telemetry, span
        self._started = time.monotonic()
        self._step = ExitStack()

    def begin(self, step: str) -> None:
        """The step before is done, and this one begins."""
        self.end()
        self._step.enter_context(self._telemetry.span(step))

    def end(self) -> None:
        """The last step is done."""
        self._step.close()

    def around(self, engine: "FileEngine") -> "FileEngine":
        """An engine that says when it begins and ends."""
        if self._telemetry.tracer is None:
            return engine

        def scored(
            folder: Path,
            source: "InputFile",
            spec: "ScoringSpec",
            progress: "Progress" = lambda rows: None,
        ) -> "ScoredRows":
            self.begin(SCORE)
            rows = engine(folder, source, spec, progress)
            self.begin(WRITE)
            return rows

        return scored

    def tell(self, manifest: "Manifest") -> None:
        """Say how many rows there were, and which model scored them."""
        self._span.tell(
            {
                "customer_clusters.rows_in": manifest["rows_in"],
                "customer_clusters.rows_assigned": manifest["rows_assigned"],
                "customer_clusters.rows_rejected": manifest["rows_rejected"],
                "customer_clusters.model.version": manifest["model_version"],
            }
        )

    def count(self, manifest: "Manifest", folder: Path) -> None:
        """Count the file, by what lies in the folder of its results."""
        self._telemetry.measure(
            {
                "FilesScored": 1,
                "RowsIn": manifest["rows_in"],
                "RowsAssigned": manifest["rows_assigned"],
                "RowsRejected": manifest["rows_rejected"],
                "ScoringSeconds": time.monotonic() - self._started,
                "DriftVerdict": _drift(manifest, folder),
            }
        )


@dataclass(frozen=True, slots=True)
class ObservedEngine:
    """Scores whole files as an engine of runs does, and tells of each."""

    engine: "WholeFile"
    telemetry: Telemetry
    door: str
    """As of `file_steps`."""
    counts: bool = True
    """Whether files are counted here, and not by who calls it."""

    def __call__(
        self,
        source: "RunInput",
        spec: "ScoringSpec",
        workspace: "Workspace",
        progress: "Progress",
        checkpoint: "Checkpoint",
    ) -> "Manifest":
        """As the engine."""
        counted = self.telemetry if self.counts else SILENT
        with failures_counted(counted), file_steps(self.telemetry, self.door) as steps:
            engine = replace(self.engine, file_engine=steps.around(self.engine.file_engine))
            manifest = engine(source, spec, workspace, progress, checkpoint)
            steps.tell(manifest)
        if self.counts:
            steps.count(manifest, workspace.folder)
        return manifest


def observed(
    engine: "WholeFile", telemetry: Telemetry, door: str, *, counts: bool = True
) -> "WholeFile | ObservedEngine":
    """An engine that tells of each file, where somebody hears it.

    Args:
        engine: What scores files.
        telemetry: Takes figures and spans.
        door: As of `file_steps`.
        counts: Whether files are counted, or only traced.
    """
    return ObservedEngine(engine, telemetry, door, counts) if telemetry.active else engine


@contextmanager
def file_steps(
    telemetry: Telemetry, door: str, parent: Mapping[str, str] | None = None
) -> Iterator[FileSteps]:
    """What is told of one file.

    Args:
        telemetry: Takes figures and spans.
        door: By which way the file came: `page`, `job`, `folder` or `s3`.
        parent: As of `Telemetry.span`.
    """
    known = {"customer_clusters.door": door}
    with telemetry.span("score file", known, parent=parent) as span:
        steps = FileSteps(telemetry, span)
        try:
            steps.begin(READ)
            yield steps
        finally:
            steps.end()


@contextmanager
def failures_counted(telemetry: Telemetry) -> Iterator[None]:
    """Count a file that is refused inside, or has to be tried again."""
    try:
        yield
    except WrongFile:
        telemetry.measure({"FilesFailed": 1, "FilesRefused": 1})
        raise
    except Temporary:
        telemetry.measure({"FilesGivenBack": 1})
        raise


def _drift(manifest: "Manifest", folder: Path) -> float:
    """1 where the customers of a file are not as in training, else 0."""
    from pipeline.runs.notices import Rule, verdicts_on

    name = manifest["outputs"]["summary"].rpartition("/")[2]
    with suppress(OSError, ValueError):  # nothing fails for want of a figure
        summary: Summary = json.loads((folder / name).read_bytes())
        return float(any(True for _ in verdicts_on(manifest, summary, Rule(most_rejected=1.0))))
    return 0.0
