"""What a file is scored with, and scoring where file and results are on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.listing import LocalFile
from pipeline.scoring import (
    Engine,
    Options,
    Progress,
    local_input,
    score_input,
    score_into,
    summary_of,
)


@dataclass(frozen=True, slots=True)
class Job:
    """What a file is scored with."""

    model: ClusterModel
    version: str
    options: Options = field(default_factory=Options)


class LocalScoring:
    """Scores files into a folder."""

    def __init__(self, out: str, engine: Engine = score_into) -> None:
        self._out, self._engine = Path(out), engine

    def score(
        self, source: LocalFile, job: Job, progress: Progress = lambda rows: None
    ) -> dict[str, Any]:
        """The manifest of the run, which is done now or was already."""
        found = local_input(source.path, source.name)
        model, version, out = job.model, job.version, self._out
        return score_input(found, model, version, out, job.options, progress, self._engine)

    def summary(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """The summary that a run wrote."""
        return summary_of(manifest, self._out)
