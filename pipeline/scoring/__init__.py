"""Scoring a file: read, check, assign, write, summarise; the manifest commits."""

from pipeline.scoring.run import (
    Input,
    Options,
    Progress,
    local_input,
    run_id,
    score_file,
    score_input,
    score_into,
)
from pipeline.scoring.writing import MANIFEST

__all__ = [
    "MANIFEST",
    "Input",
    "Options",
    "Progress",
    "local_input",
    "run_id",
    "score_file",
    "score_input",
    "score_into",
]
