"""Runs: one input, scored once. Found, begun, committed or failed in one place, for all doors.

`score` is the way in; `find_inputs` and `open_runs` make its arguments of what people write.
"""

from pipeline.runs.folder import FolderRuns
from pipeline.runs.inputs import DataSetInput, LocalInput, RunInput
from pipeline.runs.open import InputRef, find_data_set, find_inputs, open_runs
from pipeline.runs.score import Engine, WholeFile, key_of, record_failure, score
from pipeline.runs.store import (
    FAILED,
    MANIFEST,
    Checkpoint,
    RunKey,
    RunResult,
    RunStore,
    Workspace,
    read_summary,
)

__all__ = [
    "FAILED",
    "MANIFEST",
    "Checkpoint",
    "DataSetInput",
    "Engine",
    "FolderRuns",
    "InputRef",
    "LocalInput",
    "RunInput",
    "RunKey",
    "RunResult",
    "RunStore",
    "WholeFile",
    "Workspace",
    "find_data_set",
    "find_inputs",
    "key_of",
    "open_runs",
    "read_summary",
    "record_failure",
    "score",
]
