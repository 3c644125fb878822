"""The command that compares any two versions."""

from pathlib import Path

import click

from functions.cli import options
from functions.cli.output.comparisons import COMPARISON_FILES, show_comparison, write_comparison
from functions.cli.output.text import print_json


@click.command(epilog="Example: customer-clusters compare champion candidate --json")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@options.counted
@options.evidence
@click.option("--out", metavar="DIR", type=options.path, help=COMPARISON_FILES)
@options.store
@options.as_json_flag
def compare(
    old: str,
    new: str,
    data: Path | None,
    outcomes: tuple[str, ...],
    out: Path | None,
    store: str,
    as_json: bool,
) -> None:
    """Compare two versions: figures, who moves, and how far the training customers drifted."""
    from pipeline import comparing

    target = options.open_store(store)
    addresses = [options.address_of(text) for text in outcomes]
    comparison = comparing.compare(target.open(old), target.open(new), data, addresses)
    if out is not None:
        write_comparison(comparison, out)
    if as_json:
        print_json(comparison.to_dict())
    else:
        show_comparison(comparison)
