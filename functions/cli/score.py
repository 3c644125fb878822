"""Whole files: score them now, or as they are dropped into a folder."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from functions.cli import console, options
from functions.cli.run_tables import show_run
from model_store import CustomerClustersError, S3Address, Store
from model_store.extras import needs_extra
from pipeline.errors import WrongFile
from pipeline.model.loading import load_model
from pipeline.reading.listing import files_at

if TYPE_CHECKING:
    from pipeline.runs.jobs import Job
    from pipeline.scoring import Engine


def _choices(command: Callable[..., None]) -> Callable[..., None]:
    """What a user may choose about a run."""
    for decorate in (
        options.as_json_flag,
        options.store,
        click.option(
            "--challenger",
            metavar="REF",
            help="Assign with a second model as well, and show where both disagree.",
        ),
        options.model,
        click.option(
            "--max-rejected-share",
            type=click.FloatRange(0, 1),
            default=0.5,
            show_default=True,
            help="Refuse a file of which a larger share cannot be scored.",
        ),
        click.option(
            "--safe-csv",
            is_flag=True,
            help="Put an apostrophe before cells that a spreadsheet would run as a formula.",
        ),
        options.reading,
        click.option(
            "--format",
            type=click.Choice(["csv", "parquet"]),
            help="Of the assigned file; by default that of the input.",
        ),
        click.option("--out", metavar="DIR|S3", default="results", show_default=True),
    ):
        command = decorate(command)
    return command


@click.command(
    epilog="Example: customer-clusters score customers.csv inbox/ 'exports/*.xlsx' --out results"
)
@click.argument("inputs", metavar="FILE|FOLDER|GLOB|S3...", nargs=-1, required=True)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Spark cuts large files into parts that many machines score.",
)
@click.option(
    "--master",
    metavar="URL",
    help="Of Spark: spark://host:port, or local[4] for four cores here.  [default: local[*]]",
)
@click.option("--as-one", is_flag=True, help="Of Spark: the files of a folder are one data set.")
@_choices
def score(
    inputs: tuple[str, ...],
    out: str,
    reference: str,
    challenger: str | None,
    store: str,
    as_json: bool,
    engine: str,
    master: str | None,
    as_one: bool,
    **chosen: Any,
) -> None:
    """Assign every customer of CSV, Parquet, Excel or OpenDocument files; write results.

    Text may be packed (.gz, .zst, .bz2, .xz, .zip) and written in any dialect. What can be read in
    two ways is refused, and the message names the option that decides. A folder stands for all
    files in it and below it, but hidden, empty and unfinished ones, symbolic links and results of
    earlier runs. s3://bucket/key and s3://bucket/prefix/ are taken too, and as --out.
    """
    from pipeline.runs.jobs import Job
    from pipeline.scoring import Options
    from pipeline.scoring.process.isolated import isolated

    if master is not None and engine != "spark":
        raise click.UsageError("--master is for --engine spark")
    if as_one and engine != "spark":
        raise click.UsageError("--as-one is for --engine spark")
    if engine == "local":
        isolated().start()  # it takes longer than what follows here
    target = options.open_store(store)
    artifact = target.open(reference)
    model = load_model(artifact)
    second = _challenger(target, challenger, artifact.version)
    job = Job(model, artifact.version, Options(**chosen, challenger=second))
    inputs, out = tuple(map(_address, inputs)), _address(out)
    with _on_spark(out, master) if engine == "spark" else _here(out, inputs, isolated()) as scoring:
        if as_one:
            sources = [scoring.data_set(text, _note) for text in inputs]
        else:
            sources = [source for text in inputs for source in _sources(scoring, text)]
        _score_all(scoring, sources, job, out, as_json=as_json)


def _score_all(
    scoring: Any, sources: Sequence[Any], job: "Job", out: str, *, as_json: bool
) -> None:
    from pipeline.scoring.report.highlights import repeated_in_words

    manifests, refusals = [], []
    for source in sources:
        try:
            with console.row_counter(source.name) as progress:
                manifest = scoring.score(source, job, progress)
        except CustomerClustersError as error:
            if len(sources) == 1:
                raise
            refusals.append(str(error))
            click.echo(f"Error: {error}", err=True)
            continue
        manifests.append(manifest)
        summary = scoring.summary(manifest)
        for line in repeated_in_words(summary):
            click.echo(f"Note: {source.name}: {line}", err=True)
        if not as_json:
            show_run(manifest, summary, out)
    if as_json:
        console.print_json(manifests[0] if len(sources) == 1 else manifests)
    if refusals:
        raise WrongFile(
            f"{len(refusals)} of {len(sources)} files", "were refused, the others scored"
        )


@click.command(epilog="Example: customer-clusters watch inbox/ --out results/")
@click.argument("inbox", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--settle",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds for which a file must not have changed before it is scored.",
)
@_choices
def watch(
    inbox: Path,
    settle: float,
    out: str,
    reference: str,
    challenger: str | None,
    store: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score every file that is dropped into a folder, until told to stop.

    Files that are there already count as dropped; one that was scored before is not scored again.
    Folders in it are not looked at, links not followed.
    """
    from functions.cli.drop_folder import DropFolder
    from pipeline.scoring import Options, summary_of
    from pipeline.scoring.process.isolated import isolated

    isolated().start()

    def tell(result: dict[str, Any] | CustomerClustersError) -> None:
        if isinstance(result, CustomerClustersError):
            click.echo(f"Error: {result}", err=True)
        elif as_json:
            console.print_json(result)
        else:
            show_run(result, summary_of(result, Path(out)), out)

    target, given = options.open_store(store), Options(**chosen)
    folder = DropFolder(inbox, Path(out), target, reference, given, settle, challenger, isolated())
    if not as_json:
        click.echo(f"watching {inbox} (Ctrl-C ends it)", err=True)
    folder.watch(tell)


def _challenger(store: Store, reference: str | None, version: str) -> Any:
    """The second model; none where it is the first one, as after its promotion."""
    from pipeline.runs.challengers import load_challenger

    if reference is None:
        return None
    found = load_challenger(store, reference, version)
    if found is None:
        _note(f"{reference} is the model itself; scored without a challenger")
    return found


@contextmanager
def _here(out: str, inputs: Sequence[str], engine: "Engine") -> Iterator[Any]:
    """What scores; that for S3 only where an address asks for it, for it is an extra."""
    from pipeline.runs.jobs import LocalScoring

    if not any(text.startswith(S3Address.SCHEME) for text in (out, *inputs)):
        yield LocalScoring(out, engine)
        return
    with needs_extra(f"an address {S3Address.SCHEME}…", "aws"):
        from functions.aws.scoring import Scoring
    yield Scoring(out, engine)


@contextmanager
def _on_spark(out: str, master: str | None) -> Iterator[Any]:
    """What scores on Spark, which ends with it."""
    with needs_extra("--engine spark", "spark"):
        from pipeline.scoring.parts.spark import OnSpark, spark
    from functions.cli.spark_scoring import SparkScoring

    with spark(master or "local[*]", os.environ) as session:
        yield SparkScoring(out, partial(OnSpark, session))


def _address(text: str) -> str:
    """As Hadoop writes it, or as everybody else."""
    return S3Address.SCHEME + text[6:] if text.startswith("s3a://") else text


def _sources(scoring: Any, text: str) -> Sequence[Any]:
    """What an address, a file, a folder or a pattern stands for; WrongFile when for nothing."""
    if text.startswith(S3Address.SCHEME):
        addressed: Sequence[Any] = scoring.sources(text, _note)
        return addressed
    return files_at(text, _note)


def _note(text: str) -> None:
    click.echo(f"Note: {text}", err=True)
