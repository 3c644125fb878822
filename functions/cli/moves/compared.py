"""What `customer-clusters moves` does, once its options are read."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import click

from functions.cli import options
from functions.cli.moves.shown import show_moves
from functions.cli.output.text import print_json
from model_store import NotFound, Store, open_storage
from model_store.storage.scratch import unfinished
from pipeline.comparing.crosswalks import known_crosswalk
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import Crosswalk
from pipeline.model.published.loading import load_model
from pipeline.runs.audience.write import as_target
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.page import render
from pipeline.runs.moves.result import Moves
from pipeline.runs.moves.spec import KnownModels, MovesSpec
from pipeline.runs.store import MANIFEST


@dataclass(frozen=True, slots=True)
class MovesFiles:
    """What is written besides what is printed."""

    out: str | None = None
    """The list of customers."""
    report: Path | None = None
    """The page."""
    replace: bool = False
    """Whether files that are there are replaced."""


def compare_and_show(
    old: str,
    new: str,
    spec: MovesSpec,
    files: MovesFiles,
    store: str,
    *,
    as_json: bool,
) -> None:
    """Compare two runs, write what was asked for, and print what came of it.

    Args:
        old: The address of the older run, or of a file that is scored for this alone.
        new: The newer one.
        spec: What is asked.
        files: What is written.
        store: Of the models.
        as_json: Print JSON and not words.
    """
    with opened(store) as open_either:
        moves = compare_addresses(open_either(old), open_either(new), spec, files, store)
    if as_json:
        print_json(moves.to_dict())
    else:
        show_moves(moves)
        for path in filter(None, (files.out, files.report)):
            click.echo(f"Written to {path}")


def compare_addresses(
    old: CommittedRun, new: CommittedRun, spec: MovesSpec, files: MovesFiles, store: str
) -> Moves:
    """Compare two runs, and write what was asked for; arguments as for `compare_and_show`."""
    target = None if files.out is None else as_target(options.address_of(files.out))
    for path in (target, files.report):
        if isinstance(path, Path) and path.exists() and not files.replace:
            raise click.UsageError(f"{path} is there already; choose another name, or --force")
    moves = compare_runs(old, new, spec, known_models(lambda: options.open_store(store)), target)
    if files.report is not None:
        _write(files.report, render(moves))
    return moves


@contextmanager
def opened(store: str) -> Iterator[Callable[[str], CommittedRun]]:
    """Opens runs by their address, and files, which are scored by the model of the environment.

    Args:
        store: Of the models.
    """
    with unfinished() as folder:
        numbers = count(1)

        def open_either(text: str) -> CommittedRun:
            address = options.address_of(text)
            if not _is_file(address):
                return open_run(address)
            return _score(address, str(folder / str(next(numbers))), store)

        yield open_either


def _is_file(address: str) -> bool:
    """Whether an address is that of one file, and of no run's manifest."""
    if address.endswith(f"/{MANIFEST}"):
        return False
    folder, slash, name = address.rpartition("/")
    return bool(name) and open_storage(folder or slash or ".").exists(name)


def _score(address: str, results: str, store: str) -> CommittedRun:
    from pipeline.runs import FolderRuns, WholeFile, find_inputs, score
    from pipeline.scoring.process.isolated import isolated
    from pipeline.scoring.spec import ScoringSpec

    known = options.settings()
    artifact = options.open_store(store).open(known.model)
    spec = ScoringSpec(load_model(artifact), artifact.version, periods=known.as_of_pattern)
    (source,) = find_inputs(address)
    with source.open() as file:
        run = score(file, spec, FolderRuns(Path(results)), WholeFile(isolated())).run
    return open_run(f"{results}/{run}")


def known_models(open_store: Callable[[], Store]) -> KnownModels:
    """What a store knows of models; it is opened when it is asked."""

    def load(version: str) -> ClusterModel | None:
        with contextlib.suppress(NotFound):
            return load_model(open_store().open(version))
        return None

    def crosswalk(old: str, new: str) -> Crosswalk | None:
        models = open_store()
        with contextlib.suppress(NotFound):
            return known_crosswalk(models.open(old), models.open(new))
        return None

    return KnownModels(load, crosswalk)


def _write(path: Path, page: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise WrongFile(path, f"cannot be written ({error.strerror})") from error
