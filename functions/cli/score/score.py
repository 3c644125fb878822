"""Whole files, scored now: here, in S3, on Spark."""

from datetime import datetime
from typing import Any

import click

from functions.cli import file_options, options


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
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that share a large text file; one uses up to four cores.",
)
@click.option(
    "--as-of",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The period that the file belongs to.  [default: as its name says, else today]",
)
@click.option(
    "--since",
    metavar="RUN",
    help="An earlier run: say who changed the group since, as the command moves does.",
)
@click.option("--as-one", is_flag=True, help="Of Spark: the files of a folder are one data set.")
@file_options.of_run
def score(
    inputs: tuple[str, ...],
    out: str,
    reference: str,
    challenger: str | None,
    store: str,
    as_json: bool,
    engine: str,
    master: str | None,
    jobs: int,
    as_one: bool,
    as_of: datetime | None,
    since: str | None,
    **chosen: Any,
) -> None:
    """Assign every customer of CSV, Parquet, Excel or OpenDocument files; write results.

    Text may be packed (.gz, .zst, .bz2, .xz, .zip) and written in any dialect. What can be read in
    two ways is refused, and the message names the option that decides. A folder stands for all
    files in it and below it, but hidden, empty and unfinished ones, symbolic links and results of
    earlier runs. s3://bucket/key and s3://bucket/prefix/ are taken too, and as --out.
    """
    from pipeline.scoring.process.isolated import isolated

    if master is not None and engine != "spark":
        raise click.UsageError("--master is for --engine spark")
    if as_one and engine != "spark":
        raise click.UsageError("--as-one is for --engine spark")
    if jobs > 1 and engine == "spark":
        raise click.UsageError("--jobs is for --engine local; see --master")
    if engine == "local" and jobs == 1:
        isolated().start()  # it takes longer than what is imported here meanwhile
    from functions.cli.score.files import score_files

    score_files(
        inputs,
        out,
        options.open_store(store),
        reference,
        challenger,
        spark=(master or "local[*]") if engine == "spark" else None,
        jobs=jobs,
        as_one=as_one,
        as_json=as_json,
        since=since,
        as_of=as_of.date() if as_of else None,
        **chosen,
    )
