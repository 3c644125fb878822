"""Scoring an uploaded file by the batch code, in a process of its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.http.problems import ProblemError
from functions.live_model import LoadedModel
from functions.uploads.multipart import Upload
from functions.uploads.results import size_of
from functions.web.run import run_view
from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.runs import FolderRuns, read_summary
from pipeline.scoring.documents import Manifest
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.results import score_into
from pipeline.scoring.spec import FileEngine, Options, ScoringSpec


@dataclass(frozen=True, slots=True)
class Bounds:
    """What scoring an upload may take."""

    seconds: float
    bytes: int
    """Of its results."""
    gone: Callable[[], bool]
    """Whether the client that waits for it has gone away."""


def score_upload(
    path: Path,
    upload: Upload,
    folder: Path,
    loaded: LoadedModel,
    engine: FileEngine,
    bounds: Bounds,
) -> dict[str, Any]:
    """Score a file into an empty folder; what the page of the results names.

    WrongFile when it is refused; also when it takes longer or unpacks to more than it may.
    WrongOption when a choice about reading cannot be meant, ProblemError when the client left.
    """
    until = time.monotonic() + bounds.seconds

    def watch(rows: int) -> None:
        if bounds.gone():
            raise ProblemError(400, "the client went away before the file was scored")
        if time.monotonic() > until:
            limit = f"{bounds.seconds:g} seconds"
            raise WrongFile(path, f"is not scored within {limit}; cut it into parts")
        if size_of(folder) > bounds.bytes:
            limit = f"{bounds.bytes:,} bytes"
            raise WrongFile(path, f"has results of more than {limit}; cut it into parts")

    try:
        options = Options(upload.format, reading=upload.reading, safe_csv=upload.safe_csv)
        spec = ScoringSpec(loaded.model, loaded.version, options)
        source = InputFile.at(path, upload.name)
        manifest = score_into(folder, source, spec, engine, watch)
        summary = read_summary(FolderRuns(folder), _here(manifest))
        return run_view(loaded.model, manifest, summary)
    except WrongFile as error:
        raise error.about(upload.name) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Temporary("write", "the folder for results", reason) from error


def _here(manifest: Manifest) -> Manifest:
    """The manifest with outputs where they lie: in one folder, whatever the upload is called."""
    outputs = {role: str(at).rpartition("/")[2] for role, at in manifest["outputs"].items()}
    return {**manifest, "outputs": outputs}
