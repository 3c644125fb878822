"""The command that lists the customers of a run for a campaign."""

from datetime import datetime

import click

from functions.cli import options
from functions.settings import Settings
from pipeline.runs.audience.spec import ORDERS, AudienceSpec, Order, share_of, today
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

_EXAMPLES = """Examples:

\b
  customer-clusters audience results/customers.csv/RUN --cluster 5
  customer-clusters audience RUN --cluster 4 --cluster 5 --top 500 --control 10% --format xlsx
  customer-clusters audience RUN --top 1000 --by margin --min-margin 0.2 --columns id,email
  customer-clusters audience s3://bucket/results/customers.csv/RUN --cluster 5 --out list.parquet
"""


@click.command(epilog=_EXAMPLES)
@click.argument("run", metavar="RUN")
@click.option(
    "--cluster",
    "clusters",
    metavar="ID",
    type=int,
    multiple=True,
    help="Customers of this cluster; repeatable.  [default: of all]",
)
@click.option("--top", metavar="N", type=click.IntRange(1), help="The first N only.")
@click.option(
    "--by",
    type=click.Choice(ORDERS),
    help="What orders them: the highest first, of distances the smallest.  "
    "[default: risk, else churn_rate]",
)
@click.option(
    "--min-margin",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Leave out who is nearer to another cluster.",
)
@click.option(
    "--include-churned",
    is_flag=True,
    help="Keep those of whom the file says that they have churned; else they are left out.",
)
@click.option(
    "--exclude",
    type=click.Choice(["churned", "outliers"]),
    multiple=True,
    help="Leave these out too; churned is the default.",
)
@click.option(
    "--columns",
    metavar="A,B",
    help="Of the assigned file, in this order, and the id.  [default: all]",
)
@click.option(
    "--control",
    metavar="SHARE",
    default="0",
    help="Mark a control group, such as 10%, that is the same in each list and month.",
)
@click.option(
    "--control-key",
    metavar="TEXT",
    default=lambda: options.settings().control_key,
    show_default=options.default_of("control_key", Settings),
    help="Another text draws another control group.",
)
@click.option(
    "--date",
    "day",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="What the column date says.  [default: today in UTC]",
)
@click.option(
    "--format",
    "written",
    type=click.Choice(OUTPUT_FORMATS),
    help="Of the list.  [default: as --out ends, else csv]",
)
@click.option(
    "--out",
    metavar="FILE|S3",
    help="Where to write; must be new.  [default: audience-… in this folder]",
)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@click.option("--encoding", metavar="NAME", help="Of a run whose text is in an unknown one.")
@options.store
@options.as_json_flag
def audience(
    run: str,
    clusters: tuple[int, ...],
    top: int | None,
    by: Order | None,
    min_margin: float,
    include_churned: bool,
    exclude: tuple[str, ...],
    columns: str | None,
    control: str,
    control_key: str,
    day: datetime | None,
    written: OutputFormat | None,
    out: str | None,
    force: bool,
    encoding: str | None,
    store: str,
    as_json: bool,
) -> None:
    """List the customers of a committed run, to be handed to a campaign.

    RUN is the folder of a run, with manifest.json in it, or its address in S3. Whoever has churned
    already is left out and counted. The list has the columns of the assigned file, rank and control
    before them, and run, model_version, input and date behind. No cell of it runs as a formula.
    """
    from functions.cli.audience.lists import format_for, make_audience

    if include_churned and "churned" in exclude:
        raise click.UsageError("--exclude churned and --include-churned contradict each other")
    names = (name.strip() for name in (columns or "").split(","))
    spec = AudienceSpec(
        tuple(dict.fromkeys(clusters)),
        top,
        by,
        min_margin,
        include_churned,
        "outliers" in exclude,
        tuple(dict.fromkeys(name for name in names if name)),
        share_of(control),
        control_key,
        day.date() if day else today(),
        format_for(written, out),
        encoding,
    )
    make_audience(run, spec, out, store, replace=force, as_json=as_json)
