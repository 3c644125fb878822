"""The command that holds what became of a run's customers against what was expected."""

from datetime import datetime

import click

from functions.cli import file_options, options
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.outcome_documents import ID_MATCHINGS, IdMatching

_EXAMPLES = """Examples:

\b
  customer-clusters outcomes results/customers.csv/RUN --labels later.csv --as-of 2027-01-31
  customer-clusters outcomes RUN --labels later.csv --as-of 2027-01-31 --audience list.xlsx
  customer-clusters outcomes RUN --labels cancelled.csv --others-stayed --as-of 2027-01-31 --json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("run", metavar="RUN")
@click.option(
    "--labels",
    metavar="FILE|S3",
    required=True,
    help="Who has churned by then: the id and the label by the contract's names.",
)
@click.option(
    "--as-of",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="The day on which the labels were true.",
)
@click.option(
    "--audience",
    metavar="FILE|S3",
    help="A list of this run with a control group, as audience --control writes it.",
)
@click.option(
    "--others-stayed",
    is_flag=True,
    help="The labels list those who churned; customers who are not in it have stayed.",
)
@click.option(
    "--ids",
    type=click.Choice(ID_MATCHINGS),
    default="text",
    show_default=True,
    help="As number, zeros before an id do not count: 001 and 1 are one customer.",
)
@click.option(
    "--out",
    metavar="DIR|S3",
    help="Folder for outcomes.json and outcomes.html.  [default: outcomes/… beside the run]",
)
@file_options.reading
@options.store
@options.as_json_flag
def outcomes(
    run: str,
    labels: str,
    as_of: datetime,
    audience: str | None,
    others_stayed: bool,
    ids: IdMatching,
    out: str | None,
    reading: ReadingOptions,
    store: str,
    as_json: bool,
) -> None:
    """Hold what became of a run's customers against what training led to expect.

    RUN is the folder of a run, with manifest.json in it, or its address in S3. Customers are joined
    by their id as text. Who had churned already when the file was scored is not counted. Options
    about how a file is written are those of the labels.
    """
    from functions.cli.outcomes.report import make_outcomes
    from pipeline.runs.outcomes.spec import OutcomesSpec

    listed = options.address_of(audience) if audience else None
    spec = OutcomesSpec(
        options.address_of(labels), as_of.date(), listed, others_stayed, ids, reading
    )
    make_outcomes(run, spec, out, store, as_json=as_json)
