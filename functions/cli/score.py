"""Whole files, scored now: here, in S3, on Spark."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from functions.cli import options
from functions.cli.output import console
from functions.cli.output.runs import show_run
from functions.cli.output.text import print_json
from model_store import CustomerClustersError, S3Address, Store
from model_store.extras import needs_extra
from pipeline.errors import WrongFile
from pipeline.model.loading import load_model

if TYPE_CHECKING:
    from pipeline.runs import Engine, InputRef
    from pipeline.scoring import Challenger, Progress, ScoringSpec

EngineFor = Callable[["Progress"], "Engine"]
"""Makes an engine, of what wants to be told the rows scored so far."""


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
@options.of_run
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
    from pipeline.runs import find_data_set, find_inputs
    from pipeline.scoring import Options, ScoringSpec
    from pipeline.scoring.process.isolated import isolated

    if master is not None and engine != "spark":
        raise click.UsageError("--master is for --engine spark")
    if as_one and engine != "spark":
        raise click.UsageError("--as-one is for --engine spark")
    if engine == "local":
        isolated().start()  # it takes longer than what follows here
    models = options.open_store(store)
    artifact = models.open(reference)
    model = load_model(artifact)
    challenger_model = _challenger(models, challenger, artifact.version)
    spec = ScoringSpec(model, artifact.version, Options(**chosen, challenger=challenger_model))
    addresses = tuple(map(_address, inputs))
    with _on_spark(master) if engine == "spark" else _here() as engine_for:
        if as_one:
            sources = [find_data_set(text, _note) for text in addresses]
        else:
            sources = [source for text in addresses for source in find_inputs(text, _note)]
        _score_all(sources, spec, _address(out), engine_for, as_json=as_json)


def _score_all(
    sources: "Sequence[InputRef]",
    spec: "ScoringSpec",
    out: str,
    engine_for: "EngineFor",
    *,
    as_json: bool,
) -> None:
    from pipeline.runs import open_runs, read_summary
    from pipeline.runs import score as score_once
    from pipeline.scoring.report.highlights import repeated_id_lines

    runs = open_runs(out)
    manifests, refusals = [], []
    for source in sources:
        try:
            with console.row_counter(source.name) as progress, source.open() as opened:
                engine = engine_for(progress)
                result = score_once(
                    opened, spec, runs, engine, progress=progress, retry_failed=True
                )
        except CustomerClustersError as error:
            if len(sources) == 1:
                raise
            refusals.append(str(error))
            click.echo(f"Error: {error}", err=True)
            continue
        manifests.append(result.manifest)
        summary = read_summary(runs, result.manifest)
        for line in repeated_id_lines(summary):
            click.echo(f"Note: {source.name}: {line}", err=True)
        if not as_json:
            show_run(result.manifest, summary, out)
    if as_json:
        print_json(manifests[0] if len(sources) == 1 else manifests)
    if refusals:
        raise WrongFile(
            f"{len(refusals)} of {len(sources)} files", "were refused, the others scored"
        )


def _challenger(models: Store, reference: str | None, version: str) -> "Challenger | None":
    """The second model; none where it is the first one, as after its promotion."""
    from pipeline.runs.challengers import load_challenger

    if reference is None:
        return None
    challenger = load_challenger(models, reference, version)
    if challenger is None:
        _note(f"{reference} is the model itself; scored without a challenger")
    return challenger


@contextmanager
def _here() -> Iterator[EngineFor]:
    """Files are read in a process of its own."""
    from pipeline.runs import WholeFile
    from pipeline.scoring.process.isolated import isolated

    engine = WholeFile(isolated())
    yield lambda progress: engine


@contextmanager
def _on_spark(master: str | None) -> Iterator[EngineFor]:
    """A session on Spark, which ends with it."""
    with needs_extra("--engine spark", "spark"):
        from pipeline.scoring.parts.spark import OnSpark, spark
    from pipeline.runs.in_parts import InParts

    with spark(master or "local[*]", os.environ) as session:
        yield lambda progress: InParts(OnSpark(session, progress))


def _address(text: str) -> str:
    """As Hadoop writes it, or as everybody else."""
    return S3Address.SCHEME + text[6:] if text.startswith("s3a://") else text


def _note(text: str) -> None:
    click.echo(f"Note: {text}", err=True)
