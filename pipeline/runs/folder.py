"""One run: one input file, one model, one folder of results.

What reads files is an engine, given as a parameter: this module imports neither numpy nor pyarrow.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from model_store import CustomerClustersError, Temporary
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.inputs import Input, local_input
from pipeline.scoring.outputs import FAILED, MANIFEST, write_json
from pipeline.scoring.spec import Options, Progress, run_id


class Engine(Protocol):
    """Scores an input into an empty folder, the manifest last; returns the manifest."""

    def __call__(
        self,
        folder: Path,
        found: Input,
        model: ClusterModel,
        version: str,
        options: Options,
        progress: Progress = ...,
        /,
    ) -> dict[str, Any]: ...


def score_into(
    folder: Path,
    found: Input,
    model: ClusterModel,
    version: str,
    options: Options,
    progress: Progress = lambda rows: None,
) -> dict[str, Any]:
    """The engine in this process, which imports numpy and pyarrow with the first file."""
    from pipeline.scoring import engine

    return engine.score_into(folder, found, model, version, options, progress)


def score_file(
    path: Path,
    model: ClusterModel,
    version: str,
    out: Path,
    options: Options,
    progress: Progress = lambda rows: None,
    engine: Engine = score_into,
) -> dict[str, Any]:
    """Score a file into `<out>/<input name>/<run id>/` and return the run's manifest.

    A run that is already there is returned as it is. WrongFile when the file is refused; then
    nothing is written. `progress` is told the number of rows read so far. The `engine` is this
    process, or another one: `pipeline.scoring.process.isolated`.
    """
    return score_input(local_input(path), model, version, out, options, progress, engine)


def score_input(
    found: Input,
    model: ClusterModel,
    version: str,
    out: Path,
    options: Options,
    progress: Progress = lambda rows: None,
    engine: Engine = score_into,
) -> dict[str, Any]:
    """`score_file` for a file that came from elsewhere and has another name than here."""
    return score_once(
        out,
        found.name,
        lambda: run_id(found.identity, version, options),
        lambda aside: engine(aside, found, model, version, options, progress),
    )


def score_once(
    out: Path, name: str, run: Callable[[], str], score: Callable[[Path], dict[str, Any]]
) -> dict[str, Any]:
    """Let `score` write a run into an empty folder, unless it is there; return its manifest.

    The run's id is asked for when the file has runs already: it may take reading the file.
    """
    runs = out / name
    for folder in (runs, *(out / parent for parent in Path(name).parents)):
        if folder.is_file():
            raise WrongFile(folder, "is a file; results go into a folder of that name")
    if runs.exists():
        committed = runs / run() / MANIFEST
        if committed.exists():
            manifest: dict[str, Any] = json.loads(committed.read_text(encoding="utf-8"))
            return manifest
    with _prepared(out) as aside:
        manifest = score(aside)
        _commit(aside, runs / manifest["run"])
        return manifest


def summary_of(manifest: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """The summary that a run wrote into a folder."""
    path = out / manifest["outputs"]["summary"]
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def refuse_file(
    path: Path, version: str, out: Path, options: Options, error: CustomerClustersError
) -> Path:
    """Write down in `failed.json` of the run's folder why a file was refused."""
    found = local_input(path)
    folder = out / found.name / run_id(found.identity, version, options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / FAILED, failure(found.name, found.identity, version, error))
    except OSError as trouble:
        raise Temporary("write", str(folder), trouble.strerror or str(trouble)) from trouble
    return folder / FAILED


def failure(name: str, identity: str, version: str, error: CustomerClustersError) -> dict[str, Any]:
    """What `failed.json` says."""
    return {
        "input": {"name": name, "identity": identity},
        "model_version": version,
        "error": type(error).__name__,
        "reason": str(error),
    }


@contextmanager
def _prepared(out: Path) -> Iterator[Path]:
    """A folder to write in, on the disk of the results; it goes unless it was moved at the end."""
    try:
        with unfinished(out) as aside:
            aside.chmod(0o755)
            yield aside
    except CustomerClustersError:  # which may be an OSError as well, and says more
        raise
    except OSError as error:
        raise Temporary("write", str(out), error.strerror or str(error)) from error


def _commit(aside: Path, folder: Path) -> None:
    if not (folder / MANIFEST).exists():
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was refused
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(folder)
