"""The options about a ledger of purchases, and what is said of one that was read."""

import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from functions.cli import options
from functions.cli.output import console

if TYPE_CHECKING:
    from pipeline.training.drafting import Ledger


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """What somebody said of a ledger."""

    transactions: bool
    """Whether the file is one."""
    customers: Path | None
    date: str | None
    amount: str | None
    order: str | None
    as_of: datetime.datetime | None
    date_order: Literal["ymd", "dmy", "mdy"] | None
    no_contract: bool

    @property
    def day(self) -> datetime.date | None:
        """The day up to which purchases count."""
        return self.as_of.date() if self.as_of else None

    def target(self, data: Path) -> Path:
        """Where the customers go."""
        return self.customers or Path(f"{data.stem}-customers.csv")

    def refuse_without_ledger(self) -> None:
        """click.UsageError where something is said of a ledger, and the file is none."""
        for name in ("customers", "date", "amount", "order", "as_of", "date_order", "no_contract"):
            if getattr(self, name) and not self.transactions:
                raise click.UsageError(f"--{name.replace('_', '-')} goes with --transactions")


def ledger_options(command: Callable[..., None]) -> Callable[..., None]:
    """What somebody may say of a ledger, as one argument `ledger`."""

    @functools.wraps(command)
    def with_ledger(*arguments: Any, **values: Any) -> None:
        said = {name: values.pop(name) for name in LedgerOptions.__slots__}
        command(*arguments, ledger=LedgerOptions(**said), **values)

    for decorate in reversed(_OPTIONS):
        with_ledger = decorate(with_ledger)
    return with_ledger


_OPTIONS = (
    click.option(
        "--transactions",
        is_flag=True,
        help="The file is a ledger, a row for each purchase: sum it up by customer first.",
    ),
    click.option(
        "--customers",
        metavar="FILE",
        type=options.path,
        help="Where the customers of a ledger go.  [default: the name of the data, -customers.csv]",
    ),
    click.option("--date", metavar="COLUMN", help="Of a ledger: when it was bought."),
    click.option("--amount", metavar="COLUMN", help="Of a ledger: for how much."),
    click.option(
        "--order", metavar="COLUMN", help="Of a ledger: the order, where rows are parts of one."
    ),
    click.option(
        "--as-of",
        metavar="YYYY-MM-DD",
        type=click.DateTime(["%Y-%m-%d"]),
        help="Purchases up to this day count.  [default: the day of the last one]",
    ),
    click.option(
        "--date-order",
        type=click.Choice(["ymd", "dmy", "mdy"]),
        help="Of the dates of a ledger.  [default: as the values show]",
    ),
    click.option("--no-contract", is_flag=True, help="Of a ledger: write its customers alone."),
)


def show_ledger(ledger: "Ledger", target: Path) -> None:
    """Say what was taken for what, and what was left out."""
    out, columns = console.terminal(), ledger.columns
    count = f"{len(ledger.customers):,} customers of {ledger.rows:,} rows"
    out.print(f"{target} has the {count} of {ledger.file}", soft_wrap=True)
    purchases = f"each {columns.order} is a purchase" if columns.order else "each row is a purchase"
    out.print(
        f"• customer: {columns.customer}, day: {columns.date}, money: {columns.amount}; "
        f"{purchases}; days are counted back from {ledger.as_of}",
        soft_wrap=True,
    )
    for why, rows in ledger.left_out.items():
        out.print(f"• left out: {rows:,} rows {why}", soft_wrap=True)
