"""The options that several commands take."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.settings.models import ModelSettings
from functions.settings.variables import variables_of
from model_store import S3Address, Store
from model_store import open_store as open_at

if TYPE_CHECKING:
    from functions.settings.server import Settings


def settings() -> "Settings":
    """The settings of this process's environment."""
    from functions.settings.server import Settings  # those of all doors: a look-up reads few

    return Settings.from_environment(os.environ)


def model_settings() -> ModelSettings:
    """Those that say which model is meant, which are read in less time."""
    return ModelSettings.from_environment(os.environ)


def default_of(setting: str, settings: type = ModelSettings) -> str:
    """What an option has that a setting decides, in words."""
    variable = variables_of(settings)[setting]
    return f"{variable.default}, or ${variable.name}"


def _user() -> str:
    """Who is logged in; empty where the system does not know."""
    import getpass  # few commands ask

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def nonempty(context: click.Context, parameter: click.Parameter, text: str) -> str:
    """The text of a parameter that must say something."""
    if not text.strip():
        raise click.BadParameter("expected some words: they stay in the history")
    return text.strip()


def open_store(address: str) -> Store:
    """The store at an address, under the trusted keys of the environment."""
    return open_at(address, model_settings().trusted_keys)


def address_of(text: str) -> str:
    """An address as everybody writes it; Hadoop has s3a:// in place of s3://."""
    return S3Address.SCHEME + text[6:] if text.startswith("s3a://") else text


path = click.Path(path_type=Path)
store = click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: model_settings().store,
    show_default=default_of("store"),
    help="Folder or s3:// address of the model store.",
)
model = click.option(
    "--model",
    "reference",
    metavar="REF",
    default=lambda: model_settings().model,
    show_default=default_of("model"),
    help="Alias or version of the model.",
)
as_json_flag = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document for machines."
)
why = click.option(
    "--why", metavar="TEXT", required=True, callback=nonempty, help="The reason, for the history."
)
who = click.option(
    "--who",
    metavar="NAME",
    default=_user,
    show_default="who is logged in",
    callback=nonempty,
    help="Who decides, for the history.",
)
sign_key = click.option(
    "--sign-key",
    metavar="FILE",
    type=path,
    default=lambda: model_settings().sign_key,
    show_default=default_of("sign_key"),
    help="Ed25519 private key (PEM) that signs the model.",
)
results = click.option(
    "--results",
    metavar="DIR|S3",
    callback=lambda context, parameter, text: address_of(text),
    default="results",
    show_default=True,
    help="Folder or s3:// address of the results of scored files.",
)
counted = click.option(
    "--data",
    metavar="FILE",
    type=path,
    help="Customers to count on who moves, where training has not.",
)

evidence = click.option(
    "--outcomes",
    metavar="FILE|S3",
    multiple=True,
    help="An outcomes.json of either version, as evidence; repeatable.",
)
