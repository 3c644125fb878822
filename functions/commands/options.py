"""What several commands take."""

import getpass
import os
from pathlib import Path

import click

import model_store
from functions.settings import Settings
from model_store import Store
from pipeline.contract import DEFAULT_CONTRACT


def settings() -> Settings:
    """The settings of this process's environment."""
    return Settings.from_environment(os.environ)


def _user() -> str:
    """Who is logged in; empty where the system does not know."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _said(context: click.Context, parameter: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("expected some words: they stay in the history")
    return text.strip()


def open_store(address: str) -> Store:
    """The store at an address, under the trusted keys of the environment."""
    return model_store.open_store(address, settings().trusted_keys)


path = click.Path(path_type=Path)
store = click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: settings().store,
    show_default="the bundled store, or $CUSTOMER_CLUSTERS_STORE",
    help="Folder or s3:// address of the model store.",
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
why = click.option(
    "--why", metavar="TEXT", required=True, callback=_said, help="The reason, for the history."
)
who = click.option(
    "--who",
    metavar="NAME",
    default=_user,
    show_default="who is logged in",
    callback=_said,
    help="Who decides, for the history.",
)
sign_key = click.option(
    "--sign-key",
    metavar="FILE",
    type=path,
    default=lambda: settings().sign_key,
    show_default="none, or $CUSTOMER_CLUSTERS_SIGN_KEY",
    help="Ed25519 private key (PEM) that signs the model.",
)
counted = click.option(
    "--data",
    metavar="FILE",
    type=path,
    help="Customers to count on who moves, where training has not.",
)
