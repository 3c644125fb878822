"""The terminal: tables and progress for people."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from functions.cli.output.text import without_controls

_WIDTH = 140
"""Width of tables that go to a file or a pipe."""
_UNBOUNDED = 10_000
"""Width in which every table has room."""
_LEFT = frozenset(
    {"Alias", "Aliases", "Feature", "Figure", "From", "Name", "Recipe", "To", "Version", "What",
     "When", "Who", "Why", "Became", "Verdict", "Period", "Unlike training"}
)  # fmt: skip


_WHOLE = frozenset({"Alias", "Aliases", "Version"})
"""What people copy, and must not be cut."""


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Show the steps of long work on standard error; the function that it gives begins a step."""
    console = _PlainConsole(stderr=True, markup=False)
    if not console.is_terminal:  # a log wants a line when a step begins, not a picture
        yield lambda text: console.print(text, soft_wrap=True)
        return
    columns = (SpinnerColumn(), _description(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks: list[Any] = []

        def step(text: str) -> None:
            if tasks:
                progress.update(tasks[-1], total=1, completed=1)
            tasks.append(progress.add_task(text, total=None))

        yield step
        if tasks:
            progress.update(tasks[-1], total=1, completed=1)


@contextmanager
def row_counter(name: str) -> Iterator[Callable[[int], None]]:
    """Show on standard error how many rows were read, as the function that it gives is told."""
    columns = (SpinnerColumn(), _description(), BarColumn(), TimeElapsedColumn())
    console = _PlainConsole(stderr=True, markup=False)
    off = not console.is_terminal  # where it would leave an empty line
    with Progress(*columns, console=console, transient=True, disable=off) as progress:
        task = progress.add_task(f"scoring {name}", total=None)
        started = time.monotonic()

        def read(rows: int) -> None:
            rate = rows / max(time.monotonic() - started, 1e-3)
            text = f"scoring {name}: {rows:,} rows, {rate:,.0f} rows/s"
            progress.update(task, description=text)

        yield read


def terminal() -> Console:
    """Where to print: as wide as the terminal, or wide enough for a table in a file.

    No text is markup here, for it may come from a model, a contract or a file; see `bold`.
    """
    console = partial(_PlainConsole, highlight=False, emoji=False, markup=False)
    wide = console()
    return wide if wide.is_terminal else console(width=_WIDTH)


def bold(text: str, style: str = "bold") -> Text:
    """Text with a style, whatever it says."""
    return Text(without_controls(text), style)


class _PlainConsole(Console):
    """Shows text as it is, but for what would tell the terminal to do something."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(without_controls(text), **how)


def _description() -> TextColumn:
    """What a task is about, among the columns of its progress."""
    return TextColumn("{task.description}", markup=False)


def print_table(console: Console, table: Table) -> None:
    """Print a table; where it is too wide, it is narrower, and names stand below it: none is cut.

    Args:
        console: Where to print.
        table: Its first column says which row a name belongs to.
    """
    unbounded = console.options.update(max_width=_UNBOUNDED)
    if console.measure(table, options=unbounded).maximum <= console.width:
        console.print(table)
        return
    columns = [column for column in table.columns if column.header != "Name"]
    narrow = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in columns:
        narrow.add_column(column.header, justify=column.justify, no_wrap=column.no_wrap)
    for cells in zip(*(column.cells for column in columns), strict=True):
        narrow.add_row(*cells)
    console.print(narrow)
    keys = [str(cell) for cell in columns[0].cells]
    for named in (column for column in table.columns if column.header == "Name"):
        for key, name in zip(keys, named.cells, strict=True):
            console.print(f"{key.rjust(max(map(len, keys)))}  {name}", soft_wrap=True)
        console.print()


def new_table(*headings: str) -> Table:
    """Text columns to the left, everything else to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        side: Literal["left", "right"] = "left" if heading in _LEFT else "right"
        table.add_column(heading, justify=side, no_wrap=heading in _WHOLE)
    return table
