"""What several commands take."""

import os
from pathlib import Path

import click

from functions.settings import Settings
from pipeline.contract import DEFAULT_CONTRACT


def settings() -> Settings:
    """The settings of this process's environment."""
    return Settings.from_environment(os.environ)


path = click.Path(path_type=Path)
store = click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: settings().store,
    show_default="the bundled store, or $CUSTOMER_CLUSTERS_STORE",
    help="Folder of the model store.",
)
model = click.option(
    "--model",
    "reference",
    metavar="REF",
    default=lambda: settings().model,
    show_default="champion, or $CUSTOMER_CLUSTERS_MODEL",
    help="Alias or version of the model.",
)
as_json_flag = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document for machines."
)
contract = click.option(
    "--contract",
    metavar="FILE",
    type=path,
    default=DEFAULT_CONTRACT,
    show_default="BankChurners",
    help="TOML file that declares the columns.",
)
