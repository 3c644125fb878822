"""What `customer-clusters score` does, once its options are read."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from functions.cli.options import address_of, settings
from functions.cli.output import console
from functions.cli.output.text import print_json, print_note
from functions.notices import notices_from
from model_store import CustomerClustersError, Store
from model_store.extras import needs_extra
from pipeline.errors import WrongFile
from pipeline.model.published.loading import load_model
from pipeline.runs import (
    Engine,
    InputRef,
    WholeFile,
    find_data_set,
    find_inputs,
    open_runs,
    read_summary,
)
from pipeline.runs import score as score_once
from pipeline.scoring.process.isolated import isolated
from pipeline.scoring.report.highlights import repeated_id_lines
from pipeline.scoring.spec import Challenger, Options, Progress, ScoringSpec

Compare = Callable[..., Mapping[str, Any]]
"""Compares a new run with an earlier one: its manifest in, the same with the moves out."""
EngineFor = Callable[[Progress], Engine]
"""Makes an engine, of what wants to be told the rows scored so far."""


def score_files(
    inputs: Sequence[str],
    out: str,
    models: Store,
    reference: str,
    challenger: str | None,
    *,
    spark: str | None,
    jobs: int,
    as_one: bool,
    as_json: bool,
    since: str | None = None,
    **chosen: Any,
) -> None:
    """Score inputs one after the other, and print what came of them.

    Args:
        inputs: Files, folders, patterns and addresses in S3.
        out: The folder or address for results.
        models: The store of the models.
        reference: The alias or version of the model.
        challenger: That of a second model.
        spark: The address of Spark's master; None scores here.
        jobs: How many processes share a large file here.
        as_one: The files of a folder are one data set.
        as_json: Print manifests and not tables.
        since: The address of an earlier run, to be compared with that of the one input.
        chosen: The other fields of `Options`.
    """
    artifact = models.open(reference)
    model = load_model(artifact)
    second = _challenger(models, challenger, artifact.version)
    options = Options(**chosen, challenger=second)
    known = settings()
    spec = ScoringSpec(model, artifact.version, options, known.as_of_pattern, known.index_key)
    addresses = tuple(map(address_of, inputs))
    with _here(jobs) if spark is None else _on_spark(spark) as engine_for:
        if as_one:
            sources = [find_data_set(text, print_note) for text in addresses]
        else:
            sources = [source for text in addresses for source in find_inputs(text, print_note)]
        compare = None if since is None else _comparison(since, sources, models, address_of(out))
        _score_all(sources, spec, address_of(out), engine_for, compare, as_json=as_json)


def _score_all(
    sources: Sequence[InputRef],
    spec: ScoringSpec,
    out: str,
    engine_for: EngineFor,
    compare: Compare | None,
    *,
    as_json: bool,
) -> None:
    runs, notices = open_runs(out), notices_from(os.environ, print_note)
    manifests: list[Mapping[str, Any]] = []
    refusals = []
    for source in sources:
        try:
            with console.row_counter(source.name) as progress, source.open() as opened:
                engine = engine_for(progress)
                result = score_once(
                    opened, spec, runs, engine,
                    progress=progress, retry_failed=True, notices=notices, tell=print_note,
                )  # fmt: skip
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
            from functions.cli.output.runs import show_run

            show_run(spec.model, result.manifest, summary, out)
    notices.deliver_quietly(runs)
    if compare is not None and manifests:
        manifests = [compare(manifests[0], as_json=as_json)]
    if as_json:
        print_json(manifests[0] if len(sources) == 1 else manifests)
    if refusals:
        raise WrongFile(
            f"{len(refusals)} of {len(sources)} files", "were refused, the others scored"
        )


def _comparison(since: str, sources: Sequence[InputRef], models: Store, out: str) -> Compare:
    """What compares the run of the one input with an earlier one, which must be there."""
    from functions.cli.moves.since import Since

    if len(sources) != 1:
        raise click.UsageError(f"--since is for one file, and these are {len(sources):,}")
    return Since.of(address_of(since), models, out)


def _challenger(models: Store, reference: str | None, version: str) -> Challenger | None:
    """The second model; none where it is the first one, as after its promotion."""
    from pipeline.runs.challengers import load_challenger

    if reference is None:
        return None
    challenger = load_challenger(models, reference, version)
    if challenger is None:
        print_note(f"{reference} is the model itself; scored without a challenger")
    return challenger


@contextmanager
def _here(jobs: int) -> Iterator[EngineFor]:
    """Files are read in a process of its own, or large ones in several."""
    engine: Engine = WholeFile(isolated())
    if jobs > 1:
        from pipeline.runs.in_processes import InProcesses

        engine = InProcesses(jobs, file_engine=isolated())
    yield lambda progress: engine


@contextmanager
def _on_spark(master: str) -> Iterator[EngineFor]:
    """A session on Spark, which ends with it."""
    with needs_extra("--engine spark", "spark"):
        from pipeline.scoring.parts.spark import OnSpark, spark
    from pipeline.runs.in_parts import InParts

    with spark(master, os.environ) as session:
        yield lambda progress: InParts(OnSpark(session, progress))
