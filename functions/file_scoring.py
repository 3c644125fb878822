"""Scoring an uploaded file by the batch code.

It brings numpy and pyarrow: import it with the first file, in the thread that scores.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from functions.results import size_of
from functions.serving import Loaded
from functions.web.run import run_view
from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.scoring import Options, local_input, score_into, summary_of


def score_upload(
    path: Path, name: str, folder: Path, loaded: Loaded, seconds: float, most_bytes: int
) -> dict[str, Any]:
    """Score a file into an empty folder; what the page of the results names.

    WrongFile when it is refused; also when it takes longer or unpacks to more than it may.
    """
    until = time.monotonic() + seconds

    def watch(rows: int) -> None:
        if time.monotonic() > until:
            raise WrongFile(path, f"is not scored within {seconds:g} seconds; cut it into parts")
        if size_of(folder) > most_bytes:
            raise WrongFile(path, f"has results of more than {most_bytes:,} bytes; cut it in parts")

    try:
        found = replace(local_input(path), name=name)
        model, version = loaded.model, loaded.version
        manifest = score_into(folder, found, model, version, Options(), watch)
        return run_view(model, manifest, summary_of(_here(manifest), folder))
    except WrongFile as error:
        raise WrongFile(name, str(error).removeprefix(f"{path}: ")) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Temporary("write", "the folder for results", reason) from error


def _here(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with outputs where they lie: in one folder, whatever the upload is called."""
    outputs = {role: str(at).rpartition("/")[2] for role, at in manifest["outputs"].items()}
    return {**manifest, "outputs": outputs}
