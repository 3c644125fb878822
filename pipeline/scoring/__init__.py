"""Scoring a file: read, check, assign, write, summarise; the manifest commits."""

from pipeline.scoring.challenging import Challenger
from pipeline.scoring.inputs import Input, local_input
from pipeline.scoring.run import (
    Options,
    Progress,
    failure,
    refuse_file,
    run_id,
    score_file,
    score_input,
    score_into,
    summary_of,
)
from pipeline.scoring.writing import FAILED, MANIFEST

__all__ = [
    "FAILED",
    "MANIFEST",
    "Challenger",
    "Input",
    "Options",
    "Progress",
    "failure",
    "local_input",
    "refuse_file",
    "run_id",
    "score_file",
    "score_input",
    "score_into",
    "summary_of",
]
