"""Scoring a file: read, check, assign, write, summarise; the manifest commits."""

from pipeline.scoring.run import (
    Input,
    Options,
    failure,
    local_input,
    refuse_file,
    run_id,
    score_file,
    score_into,
)

__all__ = [
    "Input",
    "Options",
    "failure",
    "local_input",
    "refuse_file",
    "run_id",
    "score_file",
    "score_into",
]
