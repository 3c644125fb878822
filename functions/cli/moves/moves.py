"""The command that says who changed the group between two runs."""

from pathlib import Path

import click

from functions.cli import options
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

_EXAMPLES = """Examples:

\b
  customer-clusters moves results/january.csv/RUN results/february.csv/RUN
  customer-clusters moves january.csv february.csv
  customer-clusters moves OLD NEW --report moves.html --out movers.xlsx
  customer-clusters moves OLD NEW --who came --who went --out new-and-gone.csv
  customer-clusters moves s3://bucket/results/jan.csv/RUN s3://bucket/results/feb.csv/RUN --json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--report", metavar="FILE", type=options.path, help="A page for people, such as moves.html."
)
@click.option(
    "--out",
    metavar="FILE|S3",
    help="A list of customers, each with what moved it; must be new.",
)
@click.option(
    "--who",
    type=click.Choice(["moved", "came", "went"]),
    multiple=True,
    help="Who is on the list; repeatable.  [default: moved]",
)
@click.option(
    "--format",
    "list_format",
    type=click.Choice(OUTPUT_FORMATS),
    help="Of the list.  [default: as --out ends, else csv]",
)
@click.option("--force", is_flag=True, help="Replace the files that are there.")
@click.option(
    "--ids",
    type=click.Choice(["text", "number"]),
    default="text",
    show_default=True,
    help="As number, zeros before an id do not count: 001 and 1 are one customer.",
)
@click.option("--id", "id_column", metavar="COLUMN", help="Of the ids.  [default: the contract's]")
@click.option(
    "--reassign",
    is_flag=True,
    help="Of runs of two models: let that of NEW assign the customers of OLD again.",
)
@options.store
@options.as_json_flag
def moves(
    old: str,
    new: str,
    report: Path | None,
    out: str | None,
    who: tuple[str, ...],
    list_format: OutputFormat | None,
    force: bool,
    ids: str,
    id_column: str | None,
    reassign: bool,
    store: str,
    as_json: bool,
) -> None:
    """Say who changed the group between two runs, who came and who went, and why.

    OLD and NEW are folders of runs, with manifest.json in them, or their addresses in S3; or files,
    which the model of the settings scores for this alone. Customers are matched by their ids, as
    text. What moved a customer is exact: the feature that changed the difference of the distances
    to both groups most.
    """
    from functions.cli.audience.lists import format_for
    from functions.cli.moves.compared import MovesFiles, compare_and_show
    from pipeline.runs.moves.spec import MovesSpec

    if out is None and (who or list_format):
        raise click.UsageError("--who and --format are of the list: name it with --out")
    spec = MovesSpec(
        ids,  # type: ignore[arg-type]  # which click has checked
        id_column,
        reassign,
        tuple(dict.fromkeys(who)) or ("moved",),  # type: ignore[arg-type]
        format_for(list_format, out),
    )
    compare_and_show(old, new, spec, MovesFiles(out, report, force), store, as_json=as_json)
