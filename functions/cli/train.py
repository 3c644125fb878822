"""The command that trains a model and publishes it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.cli import console, options
from functions.cli.tables import models as model_tables
from model_store import CANDIDATE, CHAMPION, Store, load_signer
from model_store.extras import needs_extra
from pipeline.model.contract import load_contract
from pipeline.reading.options import ReadingOptions

if TYPE_CHECKING:
    from model_store.signing import Signer


@click.command(epilog="Example: customer-clusters train --data BankChurners.csv --recipe original")
@click.option("--data", metavar="FILE", type=options.path, required=True, help="CSV or Parquet.")
@click.option("--recipe", default="search", show_default=True, help="What to train, and how.")
@options.contract
@click.option(
    "--names",
    metavar="FILE",
    type=options.path,
    help="TOML file with names that people gave to clusters.",
)
@click.option(
    "--bars",
    metavar="FILE",
    type=options.path,
    help="TOML file with other thresholds for the search, such as churn_auc = 0.75.",
)
@click.option(
    "--alias", default=CANDIDATE, show_default=True, help="Alias that the new version gets."
)
@click.option(
    "--fresh-ids",
    is_flag=True,
    help="Number the clusters from 1, whatever the champion's are called.",
)
@options.who
@options.sign_key
@options.reading
@options.store
@options.as_json_flag
def train(
    data: Path,
    recipe: str,
    contract: Path,
    names: Path | None,
    bars: Path | None,
    alias: str,
    fresh_ids: bool,
    who: str,
    sign_key: Path | None,
    store: str,
    as_json: bool,
    reading: ReadingOptions,
) -> None:
    """Train a model on customers and publish it.

    The first model of a store becomes its champion as well. Clusters that are the champion's
    again keep its ids and names.
    """
    with needs_extra("train", "train"):
        from pipeline import training

    known = (training.SEARCH, *training.RECIPES)
    if recipe not in known:
        raise click.BadParameter(f"no recipe {recipe!r}; there are: {', '.join(known)}")
    signer = load_signer(sign_key) if sign_key else None
    target = _store_for(store, alias, signer)  # before minutes of work, not after
    thresholds = training.load_thresholds(bars) if bars else training.Thresholds()
    with console.steps() as progress:
        declared = load_contract(contract)
        reference_model = None if fresh_ids else training.find_reference(target, declared)
        if recipe == training.SEARCH:
            trained = training.train_by_search(
                data, declared, progress, thresholds, reference_model, reading
            )
        else:
            given, budget = training.RECIPES[recipe], training.Budget()
            trained = training.train(
                data, declared, given, progress, budget, thresholds, reference_model, reading
            )
        if names is not None:
            trained = training.rename_clusters(trained, names)
        artifact = training.publish(trained, target, alias, who, signer)
    if as_json:
        console.print_json(model_tables.model_document(artifact, trained.model))
    else:
        model_tables.show_model(artifact, trained.model)


def _store_for(address: str, alias: str, signer: "Signer | None") -> Store:
    """A store that will take a version of this signer under this alias."""
    target = options.open_store(address)
    target.check_alias(alias)
    if alias == CHAMPION:
        raise click.BadParameter("a champion is made by: customer-clusters models promote")
    target.check_signer(signer)
    return target
