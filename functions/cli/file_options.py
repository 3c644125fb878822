"""The options of commands that read files of customers: how files are written, and of a run."""

import functools
from collections.abc import Callable
from typing import Any

import click

from functions.cli import options
from pipeline.model.numbers import DECIMAL_MARKS, THOUSANDS
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.documents import OUTPUT_FORMATS
from pipeline.scoring.spec import Explaining


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


def of_run(command: Callable[..., None]) -> Callable[..., None]:
    """What a user may choose about a run."""
    for decorate in (
        options.as_json_flag,
        options.store,
        click.option(
            "--challenger",
            metavar="REF",
            help="Assign with a second model as well, and show where both disagree.",
        ),
        options.model,
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
