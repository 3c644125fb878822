"""The command that retrains the champion on new customers."""

import os
from pathlib import Path

import click

from functions.cli import options
from functions.cli.output import console
from functions.cli.output.comparisons import COMPARISON_FILES, show_comparison, write_comparison
from functions.cli.output.text import print_json, print_note
from model_store import load_signer
from model_store.extras import needs_extra


@click.command(epilog="Example: customer-clusters retrain --data customers-2027.csv --store models")
@click.option("--data", metavar="FILE", type=options.path, required=True, help="The new customers.")
@click.option(
    "--contract",
    metavar="FILE",
    type=options.path,
    help="TOML file that declares the columns; by default the champion's own.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=options.path,
    default=Path("comparison"),
    show_default=True,
    help=COMPARISON_FILES,
)
@options.who
@options.sign_key
@options.store
@options.as_json_flag
def retrain(
    data: Path,
    contract: Path | None,
    out: Path,
    who: str,
    sign_key: Path | None,
    store: str,
    as_json: bool,
) -> None:
    """Train the champion's recipe on new customers and compare the result with the champion.

    Clusters that are the champion's again keep its ids and names. The new version becomes the
    candidate; nothing that answers changes before somebody promotes it. Who is told of runs is told
    that it waits (see notify). Customers that were trained on before, over the same champion, give
    the version that they gave then.
    """
    with needs_extra("retrain", "train"):
        from pipeline.training import retrain_champion
    from functions.notices import keep_candidate, notices_from
    from pipeline import comparing

    notices = notices_from(os.environ, print_note)
    signer = load_signer(sign_key) if sign_key else None
    target = options.open_store(store)
    with console.steps() as progress:
        retrained = retrain_champion(
            data, target, contract=contract, who=who, signer=signer, progress=progress
        )
        progress("comparing with the champion")
        comparison = comparing.compare(retrained.champion, retrained.artifact)
        place = keep_candidate(notices, target, retrained, comparison)
    if retrained.status != "candidate":
        same = retrained.status == "champion"
        version = "the champion" if same else retrained.artifact.version
        print_note(f"{data.name} was trained on before; that gave {version}")
    write_comparison(comparison, out)
    if as_json:
        print_json(comparison.to_dict())
    else:
        show_comparison(comparison)
    notices.deliver_quietly(place)
