"""Plain text for people and JSON for machines: what must not wait for tables and progress bars."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

_CONTROLS = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {9, 10},
    "\ufffd",
)
"""Control characters, those that turn the direction of text among them, as a mark."""


def print_json(document: Any) -> None:
    """Print exactly one JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def without_controls(text: str) -> str:
    """Text that tells the terminal to do nothing; it may come from a model, contract or file."""
    return text.translate(_CONTROLS)


def print_text(text: str = "", *, bold: bool = False) -> None:
    """Print a line, whatever it says."""
    click.secho(without_controls(text), bold=bold)


def print_note(text: str) -> None:
    """Print a line on standard error, beside what was asked for."""
    click.echo(f"Note: {text}", err=True)


def print_details(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows whose last cell is a sentence: the others line up, the sentence is wrapped.

    The first cell stands to the left, what follows to the right.
    """
    cells = [[without_controls(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    formatter = click.HelpFormatter(width=_width())
    formatter.write_dl([(_lined_up(row[:-1], widths), row[-1]) for row in cells], col_max=60)
    click.echo(formatter.getvalue(), nl=False)


def _lined_up(cells: Iterable[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if position else cell.ljust(width)
        for position, (cell, width) in enumerate(zip(cells, widths, strict=False))
    )
    return "  ".join([first, *others])


def _width() -> int:
    """That of the terminal; wide enough where it goes to a file or a pipe."""
    if not sys.stdout.isatty():
        return 140
    import shutil  # brings every compression along

    return shutil.get_terminal_size().columns
