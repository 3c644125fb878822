"""The command that describes a customer file before training."""

from collections.abc import Sequence
from pathlib import Path

import click

from functions.cli import file_options, options
from functions.cli.contracts.option import contract_option
from functions.cli.output import console
from functions.cli.output.text import print_json
from model_store.extras import needs_extra
from pipeline.model.contract import load_contract
from pipeline.reading.options import ReadingOptions


@click.command(
    epilog="Example: customer-clusters explore --data BankChurners.csv --out exploration"
)
@click.option("--data", metavar="FILE", type=options.path, required=True, help="CSV or Parquet.")
@click.option(
    "--out",
    metavar="DIR",
    type=options.path,
    default=Path("exploration"),
    show_default=True,
    help="Folder for explore.html and explore.json.",
)
@contract_option
@file_options.reading
@options.as_json_flag
def explore(data: Path, out: Path, contract: Path, as_json: bool, reading: ReadingOptions) -> None:
    """Describe a customer file before training: what is missing, odd, leaking, telling."""
    with needs_extra("explore", "train"):
        from pipeline.training import exploring

    with console.steps() as progress:
        declared = load_contract(contract)
        comparing = " and comparing stayed with churned customers" if declared.label else ""
        progress(f"reading {data.name}{comparing}")
        exploration = exploring.explore(data, declared, reading)
        progress("drawing the report")
        page = exploring.write(exploration, out)
    if as_json:
        print_json(exploration.to_dict())
    else:
        _show(exploring.highlights(exploration), page)


def _show(highlights: Sequence[str], page: Path) -> None:
    """Highlights of an exploration for people, and where the rest is."""
    out = console.terminal()
    for highlight in highlights:
        out.print(f"• {highlight}")
    out.print(f"Report in {page}", soft_wrap=True)
