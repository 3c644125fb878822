"""Scoring a file: read, check, assign, write, summarise; the manifest commits.

Importing it brings neither numpy nor pyarrow: these come with the first file, in this process or in
the one that `pipeline.scoring.process.isolated` starts.
"""

from pipeline.runs.folder import (
    Engine,
    failure,
    refuse_file,
    score_file,
    score_input,
    score_into,
    summary_of,
)
from pipeline.scoring.inputs import Input, local_input
from pipeline.scoring.outputs import FAILED, MANIFEST
from pipeline.scoring.spec import Challenger, Options, Progress, run_id

__all__ = [
    "FAILED",
    "MANIFEST",
    "Challenger",
    "Engine",
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
