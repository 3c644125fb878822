"""The command that trains a model and publishes it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.cli import file_options, options
from functions.cli.contracts.option import contract_option
from functions.cli.output import console
from functions.cli.output import models as model_tables
from functions.cli.output.text import print_json
from model_store import CANDIDATE, CHAMPION, Store, load_signer
from model_store.extras import needs_extra
from pipeline.model.contract import load_contract
from pipeline.reading.options import ReadingOptions

if TYPE_CHECKING:
    from model_store.signing import Signer
    from pipeline.training import AskedRecipe


@click.command(
    epilog="Example: customer-clusters train --data mall.csv --contract mall.toml "
    "--features income,spending --k 5"
)
@click.option("--data", metavar="FILE", type=options.path, required=True, help="CSV or Parquet.")
@click.option(
    "--recipe",
    metavar="NAME|FILE",
    default="search",
    show_default=True,
    help="search, original, original-onehot, or a TOML file with a recipe of your own.",
)
@click.option(
    "--features",
    metavar="A,B",
    help="Train on these features, standardised, instead of searching.",
)
@click.option(
    "--k",
    metavar="K|LOW-HIGH",
    help="Number of clusters for --features; of a range evidence chooses. Default: 2-10.",
)
@contract_option
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
    "--no-risk",
    is_flag=True,
    help="Fit no risk score, which orders customers inside a group.",
)
@click.option(
    "--risk-features",
    metavar="A,B",
    help="Features of the model that the risk score reads, sensitive ones too; by default all "
    "that are not sensitive. Needs --features or a recipe.",
)
@click.option(
    "--fresh-ids",
    is_flag=True,
    help="Number the clusters from 1, whatever the champion's are called.",
)
@options.who
@options.sign_key
@file_options.reading
@options.store
@options.as_json_flag
def train(
    data: Path,
    recipe: str,
    features: str | None,
    k: str | None,
    contract: Path,
    names: Path | None,
    bars: Path | None,
    alias: str,
    no_risk: bool,
    risk_features: str | None,
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

    asked = _with_risk(_asked(recipe, features, k), risk_features, risk=not no_risk)
    if bars is not None and asked is not None and asked.thresholds != training.Thresholds():
        raise click.BadParameter(f"{recipe} has bars of its own; leave out --bars")
    signer = load_signer(sign_key) if sign_key else None
    target = _store_for(store, alias, signer)  # before minutes of work, not after
    thresholds = training.load_thresholds(bars) if bars else training.Thresholds()
    with console.steps() as progress:
        declared = load_contract(contract)
        reference_model = None if fresh_ids else training.find_reference(target, declared)
        if asked is None:
            trained = training.train_by_search(
                data, declared, progress, thresholds, reference_model, reading, not no_risk
            )
        else:
            trained = training.train(
                data,
                declared,
                asked.recipe,
                progress,
                thresholds=thresholds if bars else asked.thresholds,
                reference_model=reference_model,
                reading=reading,
                clusters=asked.clusters,
            )
        if names is not None:
            trained = training.rename_clusters(trained, names)
        artifact = training.publish(trained, target, alias, who, signer)
    if as_json:
        print_json(model_tables.model_document(artifact, trained.model))
    else:
        model_tables.show_model(artifact, trained.model)


def _asked(recipe: str, features: str | None, k: str | None) -> "AskedRecipe | None":
    """What to train; None where it is searched for."""
    from pipeline import training

    if features is not None:
        if recipe != training.SEARCH:
            raise click.BadParameter("--features and --recipe exclude each other; leave out one")
        names = _names(features, "--features")
        return training.quick_recipe(names, None if k is None else _clusters(k))
    if k is not None:
        raise click.BadParameter("--k needs --features; the search finds the number by itself")
    if recipe == training.SEARCH:
        return None
    if recipe in training.RECIPES:
        return training.AskedRecipe(training.RECIPES[recipe])
    if recipe.endswith(".toml"):
        return training.load_recipe(Path(recipe))
    known = ", ".join((training.SEARCH, *training.RECIPES))
    problem = f"no recipe {recipe!r}; there are: {known}, or a file that ends in .toml"
    raise click.BadParameter(problem)


def _with_risk(
    asked: "AskedRecipe | None", features: str | None, *, risk: bool
) -> "AskedRecipe | None":
    """What to train, with what is said of the risk score."""
    if features is None:
        if asked is None or risk:
            return asked
        return replace(asked, recipe=replace(asked.recipe, risk=False, risk_features=()))
    if not risk:
        raise click.BadParameter("--no-risk and --risk-features exclude each other; leave out one")
    if asked is None:
        problem = "--risk-features needs --features or a recipe; the search finds the features"
        raise click.BadParameter(problem)
    names = tuple(_names(features, "--risk-features"))
    return replace(asked, recipe=replace(asked.recipe, risk=True, risk_features=names))


def _names(text: str, option: str) -> list[str]:
    """Different names with commas between."""
    names = [name.strip() for name in text.split(",")]
    if "" in names or len(set(names)) < len(names):
        raise click.BadParameter(f"{option}: expected different names, found {text!r}")
    return names


def _clusters(text: str) -> tuple[int, int]:
    """The fewest and the most clusters, of a number or of two with a dash between."""
    from pipeline.training.recipe_file import MOST_CLUSTERS

    low, dash, high = text.partition("-")
    if low.isdecimal() and (high.isdecimal() or not dash):
        fewest, most = int(low), int(high or low)
        if 2 <= fewest <= most <= MOST_CLUSTERS:
            return fewest, most
    problem = f"--k: expected a number from 2 to {MOST_CLUSTERS}, or two as 2-8; found {text!r}"
    raise click.BadParameter(problem)


def _store_for(address: str, alias: str, signer: "Signer | None") -> Store:
    """A store that will take a version of this signer under this alias."""
    target = options.open_store(address)
    target.check_alias(alias)
    if alias == CHAMPION:
        raise click.BadParameter("a champion is made by: customer-clusters models promote")
    target.check_signer(signer)
    return target
