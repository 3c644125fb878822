"""Scoring an uploaded file by the batch code, in a process of its own."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from functions.http.problems import ProblemError
from functions.live_model import LoadedModel
from functions.telemetry import SILENT, Telemetry
from functions.telemetry.files import failures_counted, file_steps
from functions.uploads.results import outputs_here, size_of
from functions.uploads.upload import Upload
from functions.web.run import CallList
from model_store import CustomerClustersError, Temporary
from model_store.errors import reason_of
from pipeline.errors import TooLarge, WrongFile
from pipeline.runs.audience.calls import first_calls
from pipeline.runs.committed import open_run
from pipeline.scoring.documents import Manifest, Summary
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.report.headline import headline
from pipeline.scoring.results import score_into
from pipeline.scoring.spec import FileEngine, Progress, ScoringSpec
from pipeline.scoring.writing.outputs import write_json

CALLS = "calls.json"
"""The list beside the files of a run. No manifest names it, so that nobody downloads it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What scoring an upload may take."""

    seconds: float
    bytes: int
    """Of its results."""
    gone: Callable[[], bool]
    """Whether the client that waits for it has gone away."""
    progress: Progress = lambda rows: None
    """Called with the number of rows read so far; what it raises ends the scoring."""


def score_upload(
    path: Path,
    upload: Upload,
    folder: Path,
    loaded: LoadedModel,
    engine: FileEngine,
    bounds: Bounds,
    telemetry: Telemetry = SILENT,
    door: str = "page",
) -> None:
    """Score a file into an empty folder, and list there whom to turn to first.

    Somebody may be told of it, and that it came by a door: the page or a job.

    WrongFile when it is refused; TooLarge when it takes longer or unpacks to more than it may.
    WrongOption when a choice about reading cannot be meant, ProblemError when the client left.
    """
    until = time.monotonic() + bounds.seconds

    def watch(rows: int) -> None:
        bounds.progress(rows)
        if bounds.gone():
            raise ProblemError(400, "the client went away before the file was scored")
        if time.monotonic() > until:
            limit = f"{bounds.seconds:g} seconds"
            raise TooLarge(path, f"is not scored within {limit}; cut it into parts")
        if size_of(folder) > bounds.bytes:
            limit = f"{bounds.bytes:,} bytes"
            raise TooLarge(path, f"has results of more than {limit}; cut it into parts")

    try:
        spec = ScoringSpec(loaded.model, loaded.version, upload.options)
        source = InputFile.at(path, upload.name)
        with failures_counted(telemetry), file_steps(telemetry, door) as steps:
            manifest = score_into(folder, source, spec, steps.around(engine), watch)
            _list_calls(folder, loaded, outputs_here(manifest))
            steps.tell(manifest)
        if telemetry.active:
            steps.count(manifest, folder)
    except WrongFile as error:
        raise error.about(upload.name) from error
    except OSError as error:
        reason = reason_of(error)
        raise Temporary("write", "the folder for results", reason) from error


def summary_of(folder: Path, manifest: Manifest) -> Summary:
    """The summary of a run whose outputs lie in one folder."""
    summary: Summary = json.loads((folder / manifest["outputs"]["summary"]).read_bytes())
    return summary


def calls_of(folder: Path) -> CallList | None:
    """The list of a run; None where it has none."""
    try:
        calls: CallList = json.loads((folder / CALLS).read_bytes())
    except FileNotFoundError:
        return None
    return calls


def _list_calls(folder: Path, loaded: LoadedModel, manifest: Manifest) -> None:
    """Write the list where a group stands out; a file that it cannot be read from has none.

    Where customers have a risk of their own it is of all groups.
    """
    cluster = headline(loaded.model, summary_of(folder, manifest)).cluster
    if cluster is None:
        return
    if "risk" in manifest["columns"]:
        cluster = None
    try:
        calls = first_calls(open_run(str(folder)), loaded.model, cluster)
    except CustomerClustersError:
        return  # the results are there all the same
    document: CallList = {"cluster": cluster, "calls": calls}
    write_json(folder / CALLS, document)
