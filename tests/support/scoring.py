"""Scoring a file into a folder of results, in this process."""

from pathlib import Path
from typing import Any, cast

from pipeline.model.cluster_model import ClusterModel
from pipeline.runs import FolderRuns, LocalInput, WholeFile, score
from pipeline.scoring.engine import score_rows
from pipeline.scoring.spec import FileEngine, Options, Progress, ScoringSpec


def score_file(
    path: Path,
    model: ClusterModel,
    version: str,
    out: Path,
    options: Options,
    progress: Progress = lambda rows: None,
    engine: FileEngine = score_rows,
) -> dict[str, Any]:
    """The manifest of a file that is scored now, or was."""
    spec = ScoringSpec(model, version, options)
    source, runs = LocalInput.at(path), FolderRuns(out)
    result = score(source, spec, runs, WholeFile(engine), progress=progress, retry_failed=True)
    return cast(dict[str, Any], result.manifest)
