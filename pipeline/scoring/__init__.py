"""Scoring a file: rows in, rows and counts out. It knows no run, no bucket and no store of results.

Importing it brings neither numpy nor pyarrow: these come with the first file, in this process or in
the one that `pipeline.scoring.process.isolated` starts.
"""

from pathlib import Path

from pipeline.scoring.documents import Manifest
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.spec import Challenger, FileEngine, Options, Progress, ScoringSpec


def score_into(
    folder: Path, source: InputFile, spec: ScoringSpec, progress: Progress = lambda rows: None
) -> Manifest:
    """`pipeline.scoring.engine.score_into`, which brings numpy and pyarrow with the first call."""
    from pipeline.scoring import engine

    return engine.score_into(folder, source, spec, progress)


__all__ = [
    "Challenger",
    "FileEngine",
    "InputFile",
    "Options",
    "Progress",
    "ScoringSpec",
    "score_into",
]
