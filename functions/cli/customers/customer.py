"""The command that says which groups one customer was in."""

from typing import TYPE_CHECKING

import click

from functions.cli import options
from functions.cli.output.text import print_json, print_text

if TYPE_CHECKING:
    from pipeline.runs.customers.timeline import Place, Timeline

_EXAMPLES = """Examples:

\b
  customer-clusters customer 708082083 --results results
  customer-clusters customer --index --results s3://bucket/results
"""


@click.command(epilog=_EXAMPLES)
@click.argument("customer_id", metavar="[ID]", required=False)
@options.results
@click.option(
    "--index", is_flag=True, help="Write the indexes that runs lack; then no ID is needed."
)
@options.as_json_flag
def customer(customer_id: str | None, results: str, index: bool, as_json: bool) -> None:
    """Show which group one customer was in, in each scored file.

    It is found by an index that each run gets where CUSTOMER_CLUSTERS_INDEX_KEY is set: sorted by a
    hash of the id under that key, with no id in it. Runs of before get one by --index.
    """
    from functions.cli.customers.indexes import index_key, write_missing
    from model_store import open_storage
    from pipeline.runs.customers.timeline import timeline
    from pipeline.runs.history.ledger import read_ledger

    if customer_id is None and not index:
        raise click.UsageError("name the customer's id, or give --index")
    key = index_key()
    if index:
        write_missing(results, key, tell=lambda text: click.echo(text, err=True))
    if customer_id is None:
        return
    files = open_storage(results)
    found = timeline(files, read_ledger(files).entries, key, customer_id)
    if as_json:
        print_json({
            "id": customer_id,
            "places": [place.to_dict() for place in found.places],
            "runs_searched": found.searched,
            "runs_without_index": list(found.without_index),
        })  # fmt: skip
    else:
        _show(customer_id, found)
    if not found.places:
        raise click.exceptions.Exit(1)


def _show(customer_id: str, found: "Timeline") -> None:
    from functions.cli.output import console
    from pipeline.runs.committed import another_unit

    if found.places:
        now = found.places[0]
        print_text(
            f"{customer_id}: group {now.found.cluster}, {now.cluster['cluster_name']}, "
            f"as of {now.entry['as_of']}",
            bold=True,
        )
        table = console.new_table("As of", "Group", "Name", "Churn rate", "Risk", "Outlier", "From")
        for place in found.places:
            table.add_row(*_cells(place))
        console.print_table(console.terminal(), table)
        for place in found.places:
            if features := place.entry["drift"]["implausible"]:
                print_text(f"Note: {place.entry['as_of']}: {another_unit(features)}")
    else:
        print_text(f"No customer {customer_id} in {_runs(found.searched)} with an index")
    if found.without_index:
        print_text(
            f"{_runs(len(found.without_index))} without an index under this key, the first "
            f"{found.without_index[0]}; --index writes what is missing"
        )


def _cells(place: "Place") -> tuple[str, ...]:
    rate, risk = place.cluster["training_churn_rate"], place.found.risk
    return (
        place.entry["as_of"],
        str(place.found.cluster),
        place.cluster["cluster_name"],
        "" if rate is None else f"{rate:.1%}",
        "" if risk is None else f"{risk:.1%}",
        "yes" if place.found.outlier else "no",
        place.entry["input"],
    )


def _runs(count: int) -> str:
    return f"{count:,} run" if count == 1 else f"{count:,} runs"
