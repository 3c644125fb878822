"""The options that several commands take."""

import functools
import getpass
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from functions.settings import Settings
from functions.settings.variables import variables_of
from model_store import S3Address, Store
from model_store import open_store as open_at
from pipeline.model.contract import DEFAULT_CONTRACT
from pipeline.model.numbers import DECIMAL_MARKS, THOUSANDS
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.documents import OUTPUT_FORMATS


def settings() -> Settings:
    """The settings of this process's environment."""
    return Settings.from_environment(os.environ)


def default_of(setting: str) -> str:
    """What an option has that a setting decides, in words."""
    variable = variables_of(Settings)[setting]
    return f"{variable.default}, or ${variable.name}"


def _user() -> str:
    """Who is logged in; empty where the system does not know."""
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
    return open_at(address, settings().trusted_keys)


def address_of(text: str) -> str:
    """An address as everybody writes it; Hadoop has s3a:// in place of s3://."""
    return S3Address.SCHEME + text[6:] if text.startswith("s3a://") else text


def reading(command: Callable[..., None]) -> Callable[..., None]:
    """How files are written, as one argument `reading`; for what a file does not show itself."""

    @functools.wraps(command)
    def with_reading(*arguments: Any, **values: Any) -> None:
        reading = ReadingOptions(**{name: values.pop(name) for name in _READING})
        command(*arguments, reading=reading, **values)

    for decorate in _READING.values():
        with_reading = decorate(with_reading)
    return with_reading


def explaining(command: Callable[..., None]) -> Callable[..., None]:
    """What rows say of why they are where they are, as one argument `explaining`."""

    @functools.wraps(command)
    def with_explaining(
        *arguments: Any, why: int, sentences: bool, what_if: bool, **values: Any
    ) -> None:
        if sentences and not why:
            raise click.UsageError("--sentences are those of reasons: give --why N as well")
        from pipeline.scoring.spec import Explaining

        command(*arguments, explaining=Explaining(why, sentences, what_if), **values)

    for decorate in _EXPLAINING:
        with_explaining = decorate(with_explaining)
    return with_explaining


_EXPLAINING = (
    click.option(
        "--what-if",
        is_flag=True,
        help="Add the smallest change of one value that leads to another cluster.",
    ),
    click.option("--sentences", is_flag=True, help="Add each reason in words too."),
    click.option(
        "--why",
        metavar="N",
        type=click.IntRange(0, 20),
        default=0,
        help="Add the N weightiest reasons of each row: feature, part, and where another cluster "
        "begins.",
    ),
)
_READING = {
    "map": click.option(
        "--map",
        metavar='"THEIRS=OURS"',
        multiple=True,
        help="Read a column by another name; may be repeated.  [default: by the model's names]",
    ),
    "header_row": click.option(
        "--header-row",
        metavar="N",
        type=click.IntRange(1),
        help="Line or sheet row with the names.  [default: the first that has them]",
    ),
    "sheet": click.option(
        "--sheet", metavar="NAME", help="Of a workbook.  [default: the visible one with the names]"
    ),
    "encoding": click.option(
        "--encoding", metavar="NAME", help="Of a text, such as cp1250.  [default: as it shows]"
    ),
    "thousands": click.option(
        "--thousands",
        type=click.Choice([*THOUSANDS]),
        help="What groups digits in a text.  [default: as the values show]",
    ),
    "decimal": click.option(
        "--decimal",
        type=click.Choice([*DECIMAL_MARKS]),
        help="The decimal mark in a text.  [default: as the values show]",
    ),
    "delimiter": click.option(
        "--delimiter",
        metavar="CHAR",
        help="Between the fields of a text: ';', tab, pipe …  [default: as the header shows]",
    ),
}
path = click.Path(path_type=Path)
store = click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: settings().store,
    show_default=default_of("store"),
    help="Folder or s3:// address of the model store.",
)
model = click.option(
    "--model",
    "reference",
    metavar="REF",
    default=lambda: settings().model,
    show_default=default_of("model"),
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
    default=lambda: settings().sign_key,
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


def of_run(command: Callable[..., None]) -> Callable[..., None]:
    """What a user may choose about a run."""
    for decorate in (
        as_json_flag,
        store,
        click.option(
            "--challenger",
            metavar="REF",
            help="Assign with a second model as well, and show where both disagree.",
        ),
        model,
        click.option(
            "--max-rejected-share",
            type=click.FloatRange(0, 1),
            default=0.5,
            show_default=True,
            help="Refuse a file of which a larger share cannot be scored.",
        ),
        click.option(
            "--safe-csv",
            is_flag=True,
            help="Put an apostrophe before cells that a spreadsheet would run as a formula.",
        ),
        explaining,
        reading,
        click.option(
            "--format",
            type=click.Choice(OUTPUT_FORMATS),
            help="Of the assigned file; xlsx is for people.  [default: that of the input]",
        ),
        click.option("--out", metavar="DIR|S3", default="results", show_default=True),
    ):
        command = decorate(command)
    return command
