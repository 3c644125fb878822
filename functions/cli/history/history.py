"""The command that shows what became of the files of many periods."""

import click

from functions.cli import options

_EXAMPLES = """Examples:

\b
  customer-clusters history results --out history.html
  customer-clusters history s3://bucket/results --files 'customers-*.csv'
  customer-clusters history results --rebuild
"""


@click.command(epilog=_EXAMPLES)
@click.argument("results", metavar="[RESULTS]", default="results")
@click.option(
    "--files",
    "series",
    metavar="NAME",
    help="Which files, with * for their dates: 'customers-*.csv'.  [default: those with most runs]",
)
@click.option("--out", metavar="FILE|S3", help="Write a report with charts, in place of one there.")
@click.option("--last", metavar="N", type=click.IntRange(1), help="The latest N periods only.")
@click.option("--rebuild", is_flag=True, help="First add runs that are not in the ledger.")
@options.as_json_flag
def history(
    results: str,
    series: str | None,
    last: int | None,
    out: str | None,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Show groups, rejected rows and drift of scored files over time, and who left.

    RESULTS is the folder that files were scored into, or its address in S3. For each period the
    run counts that was committed last. What differs from the file before, or from the first of the
    same model, by more than chance and a tenth is marked.
    """
    from functions.cli.history.show import show_history

    show_history(results, series, last, out, rebuild=rebuild, as_json=as_json)
