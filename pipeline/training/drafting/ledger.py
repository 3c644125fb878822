"""From a ledger of purchases to a row for each customer: recency, frequency, money and tenure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from pipeline.errors import MAX_REJECTED_SHARE, WrongFile, shortened
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.training.drafting.columns import Column, Kind, read_columns
from pipeline.training.drafting.dates import Order, parse_dates
from pipeline.training.drafting.draft import Draft, names_of
from pipeline.training.drafting.features import FeatureDraft, draft_feature
from pipeline.training.drafting.guesses import IdGuess, LabelGuess, named
from pipeline.training.drafting.words import (
    names_a_date,
    names_a_price,
    names_a_quantity,
    names_an_id,
    names_an_order,
    names_money,
)

_DAY = np.timedelta64(1, "D")
_ABOUT = {
    "recency": ("Days since the last purchase", "days", "bought lately", "bought long ago"),
    "frequency": ("Purchases", "", "few purchases", "many purchases"),
    "money": ("Money spent", "", "little spent", "much spent"),
    "tenure": ("Days since the first purchase", "days", "recent customers", "old customers"),
}
"""Column → its label, its unit where that is known, and the words for low and high."""


@dataclass(frozen=True, slots=True)
class LedgerColumns:
    """What the columns of a ledger are; None where it is to be guessed."""

    customer: str | None = None
    date: str | None = None
    amount: str | None = None
    order: str | None = None
    """Where several rows are one purchase, the column that says which."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was read from a ledger."""

    file: str
    columns: LedgerColumns
    as_of: date
    """The day up to which purchases count, and from which days are counted back."""
    rows: int
    left_out: dict[str, int]
    """Why rows were left out → how many."""
    customers: pa.Table
    """A row for each customer: the id, recency, frequency, money, tenure."""

    def write(self, path: Path) -> None:
        """Write the customers as CSV; OSError where that cannot be."""
        with path.open("wb") as target:
            csv.write_csv(self.customers, target)

    def to_dict(self) -> dict[str, Any]:
        """What was read, as JSON can hold it."""
        return {
            "file": self.file,
            "columns": asdict(self.columns),
            "as_of": self.as_of.isoformat(),
            "rows": self.rows,
            "left_out": self.left_out,
            "customers": len(self.customers),
        }


def read_ledger(
    path: Path,
    reading: ReadingOptions = AUTODETECT,
    said: LedgerColumns = LedgerColumns(),
    as_of: date | None = None,
    date_order: Order | None = None,
) -> Ledger:
    """Sum up the purchases of each customer.

    A row is a purchase; where a column says which rows are one order, an order is. Rows of which
    the amount is not above zero, such as returns, count as money and not as purchases.

    Args:
        path: The ledger, of any kind that can be read.
        reading: What somebody said about how it is written.
        said: What somebody said of its columns.
        as_of: The day up to which purchases count; None: that of the last one.
        date_order: How day, month and year follow one another.

    Raises:
        WrongFile: It is no ledger, or its dates can be read in two ways.
    """
    found = read_columns(path, reading)
    columns = _roles(path, found, said)
    customer, amount, when = (
        named(found, str(name), str(path))
        for name in (columns.customer, columns.amount, columns.date)
    )
    days = np.append(parse_dates(when.texts, when.name, path, date_order), np.datetime64("NaT"))
    day = days[when.codes]
    left_out = {
        "without a customer": customer.codes < 0,
        "without a date": np.isnat(day),
        "without an amount": np.isnan(amount.numbers),
    }
    usable = ~np.logical_or.reduce(list(left_out.values()))
    if usable.sum() < (1 - MAX_REJECTED_SHARE) * len(usable) or not usable.any():
        reasons = ", ".join(f"{rows.sum():,} {why}" for why, rows in left_out.items() if rows.any())
        problem = f"of {len(usable):,} rows more than half are of no use: {reasons}"
        raise WrongFile(path, f"{problem}; name the columns with --id, --date and --amount")
    last = np.datetime64(as_of) if as_of else day[usable].max()
    left_out[f"after {last}"] = usable & (day > last)
    usable &= ~left_out[f"after {last}"]
    if not usable.any():
        raise WrongFile(path, f"has no purchase up to {last}; expected --as-of a later day")
    order = named(found, columns.order, str(path)).codes if columns.order else None
    table = _summed(customer, day, amount.numbers, order, usable, last)
    counts = {why: int(rows.sum()) for why, rows in left_out.items() if rows.any()}
    return Ledger(path.name, columns, last.item(), len(usable), counts, table)


def _summed(
    customer: Column,
    day: NDArray[np.datetime64],
    amounts: NDArray[np.float64],
    orders: NDArray[np.int64] | None,
    usable: NDArray[np.bool_],
    last: np.datetime64,
) -> pa.Table:
    """A row for each customer who has bought something, in the order of the ledger."""
    bought = usable & (amounts > 0)
    codes, when = customer.codes[bought], ((last - day[bought]) / _DAY).astype(np.int64)
    size = len(customer.texts)
    recency, tenure = np.full(size, np.iinfo(np.int64).max), np.full(size, -1, np.int64)
    np.minimum.at(recency, codes, when)
    np.maximum.at(tenure, codes, when)
    if orders is not None:  # an order without a number is one of its own
        own = np.where(orders < 0, -1 - np.arange(len(orders)), orders)[bought]
        codes = np.unique(np.column_stack([codes, own]), axis=0)[:, 0]
    frequency = np.bincount(codes, minlength=size)
    money = np.bincount(customer.codes[usable], amounts[usable], size)
    firsts = customer.codes[bought]
    kept = firsts[np.sort(np.unique(firsts, return_index=True)[1])]
    return pa.table(
        {
            customer.name: pa.array([customer.texts[code] for code in kept.tolist()]),
            "recency": recency[kept],
            "frequency": frequency[kept],
            "money": np.round(money[kept], 6),
            "tenure": tenure[kept],
        }
    )


def _roles(path: Path, found: Sequence[Column], said: LedgerColumns) -> LedgerColumns:
    """Which column is what, as somebody said or as names and values show."""
    spoken = [name for name in asdict(said).values() if name is not None]
    for name in spoken:
        named(found, name, str(path))
    rest = [column for column in found if column.name not in spoken]
    repeated = [it for it in rest if len(it.texts) < it.present]
    ids = [it for it in repeated if names_an_id(it.name) and not names_an_order(it.name)]
    likely = max(ids, key=lambda it: names_an_id(it.name), default=None)
    customer = said.customer or (likely.name if likely else None)
    dates = [it for it in rest if it.kind == "date" or names_a_date(it.name)]
    when = said.date or next((it.name for it in dates if it.name != customer), None)
    taken = (customer, when)
    by_piece = any(names_a_quantity(column.name) for column in found)
    amounts = [
        it
        for it in rest
        if it.numeric and it.name not in taken and names_money(it.name)
        if not (by_piece and names_a_price(it.name))
    ]
    amount = said.amount or next((it.name for it in amounts), None)
    for name, what, option in (
        (customer, "says who bought", "--id"),
        (when, "says when", "--date"),
        (amount, "says for how much", "--amount"),
    ):
        if name is None:
            listed = ", ".join(shortened(column.name) for column in found[:12])
            raise WrongFile(path, f"no column {what}; name one with {option}: {listed}")
    orders = [it.name for it in repeated if names_an_order(it.name)]
    order = said.order or next((name for name in orders if name not in (*taken, amount)), None)
    return LedgerColumns(customer, when, amount, order)


def draft_of_ledger(ledger: Ledger, file: Path) -> Draft:
    """The draft of the contract of the customers that were found in a ledger.

    Args:
        ledger: What was read.
        file: Where its customers are.
    """
    numbers = {name: ledger.customers.column(name).to_numpy() for name in _ABOUT}
    reason = f"the column {ledger.columns.customer} of {ledger.file}"
    name, title = names_of(Path(ledger.file))
    return Draft(
        file=file.name,
        name=name,
        title=title,
        rows=len(ledger.customers),
        id=IdGuess(ledger.columns.customer, reason),
        label=LabelGuess(None, (), (), "a ledger does not say who left"),
        features=tuple(_feature(name, numbers[name]) for name in _ABOUT),
        left_out=(),
    )


def _feature(name: str, numbers: NDArray[Any]) -> FeatureDraft:
    label, unit, low, high = _ABOUT[name]
    values = numbers.astype(float)
    kind: Kind = "number" if name == "money" else "integer"
    column = Column(name, kind, (), np.zeros(len(values), np.int64), values)
    drafted = draft_feature(column)
    return replace(
        drafted,
        label=label,
        unit=unit or ("EUR" if name == "money" else ""),
        unit_known=bool(unit),
        valid=None if name == "money" else (0.0, float("inf")),  # more may go back than was bought
        low=low,
        high=high,
        sensitive=None,
        actionable="no" if name == "tenure" else None,
        remarks=(),
    )
