"""The command that drafts a contract from a file."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.cli import file_options, options
from functions.cli.contracts.ledger import LedgerOptions, ledger_options, show_ledger
from functions.cli.output import console
from functions.cli.output.text import print_json
from model_store.extras import needs_extra
from pipeline.errors import WrongFile, shortened
from pipeline.model.contract import SCHEMA
from pipeline.reading.options import ReadingOptions

if TYPE_CHECKING:
    from pipeline.training.drafting import Draft, Ledger

_NONE = "none"


@click.command(epilog="Example: customer-clusters init telco.csv --contract telco.toml")
@click.argument("data", metavar="FILE", type=options.path)
@click.option(
    "--contract",
    "target",
    metavar="FILE",
    type=options.path,
    help="Where the draft goes.  [default: the name of the data, with .toml]",
)
@click.option("--id", "id_column", metavar="COLUMN", help="The customer's id, or none.")
@click.option("--label", metavar="COLUMN", help="The column that says who left, or none.")
@click.option("--churned", metavar="VALUE", help="The value of the label that means left.")
@click.option("--yes", is_flag=True, help="Ask nothing: take the guesses.")
@click.option("--force", is_flag=True, help="Overwrite a contract that is there.")
@ledger_options
@file_options.reading
@options.as_json_flag
def init(
    data: Path,
    target: Path | None,
    id_column: str | None,
    label: str | None,
    churned: str | None,
    yes: bool,
    force: bool,
    as_json: bool,
    ledger: LedgerOptions,
    reading: ReadingOptions,
) -> None:
    """Draft the contract of a customer file: what its columns are, as far as it shows.

    The draft is a TOML file whose comments give the reason of each guess. Read and correct it,
    then look with `contract check` what is left to do. On a terminal it asks for the id and the
    churn label; elsewhere, and with --yes, it takes the guesses.

    With --transactions the file is a ledger of purchases: a file of its customers is written, with
    recency, frequency, money and tenure, and the contract of that.
    """
    ledger.refuse_without_ledger()
    with needs_extra("init", "train"):
        from pipeline.training import drafting

    path = target or Path(f"{data.stem}.toml")
    if not ledger.no_contract:
        _refuse_to_overwrite(path, data, force)
    if ledger.transactions:
        if label or churned:
            raise click.UsageError("a ledger has no churn label")
        customers = ledger.target(data)
        _refuse_to_overwrite(customers, data, force)
        read = _summed(data, customers, ledger, id_column, reading)
        draft = drafting.draft_of_ledger(read, customers)
    else:
        read, customers = None, data
        answers = drafting.Answers(_said(id_column), _said(label), churned)
        ask = _ask if _on_a_terminal() and not (yes or as_json) else None
        draft = drafting.draft_contract(data, reading, answers, ask)
    if not ledger.no_contract:
        _write(path, drafting.to_toml(draft, SCHEMA.as_uri()))
    _show_all(draft, read, customers, None if ledger.no_contract else path, as_json)


def _summed(
    data: Path, target: Path, said: LedgerOptions, customer: str | None, reading: ReadingOptions
) -> "Ledger":
    """The customers of a ledger, written to a file."""
    from pipeline.training import drafting

    columns = drafting.LedgerColumns(customer, said.date, said.amount, said.order)
    ledger = drafting.read_ledger(data, reading, columns, said.day, said.date_order)
    with _refuse_unwritable(target):
        ledger.write(target)
    return ledger


def _show_all(
    draft: "Draft", ledger: "Ledger | None", data: Path, path: Path | None, as_json: bool
) -> None:
    if as_json:
        document = {"contract": path and str(path), **draft.to_dict()}
        print_json(document | ({"ledger": ledger.to_dict()} if ledger else {}))
        return
    if ledger:
        show_ledger(ledger, data)
    if path:
        _show(draft, data, path)


def _said(text: str | None) -> str | None:
    """What an option says; its word for none is empty."""
    return "" if text == _NONE else text


def _refuse_to_overwrite(path: Path, data: Path, force: bool) -> None:
    if path.resolve() == data.resolve():
        raise WrongFile(path, "holds the data; name another file to write to")
    if path.exists() and not force:
        raise WrongFile(path, "is there already; name another file to write to, or say --force")


@contextmanager
def _refuse_unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongFile(path, f"cannot be written ({error.strerror or error})") from error


def _write(path: Path, text: str) -> None:
    with _refuse_unwritable(path):
        path.write_text(text, encoding="utf-8")


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(question: str, choices: Sequence[str], guess: str) -> str:
    """Ask until one of the choices is said, or none."""
    shown = ", ".join(shortened(choice) for choice in choices[:30])
    click.echo(f"{question} ({shown}{', …' if len(choices) > 30 else ''}, or {_NONE})")
    while True:
        said = str(click.prompt(">", default=guess or _NONE, prompt_suffix=" ")).strip()
        if said in choices:
            return said
        if said == _NONE:
            return ""
        click.echo(f"There is no {said}.")


def _show(draft: "Draft", data: Path, path: Path) -> None:
    out = console.terminal()
    out.print(f"{path} is a draft for {draft.file} ({draft.rows:,} rows)", soft_wrap=True)
    out.print(f"• id: {draft.id.column or _NONE} ({draft.id.reason})", soft_wrap=True)
    label = draft.label
    if label.column is None:
        out.print(f"• churn label: none ({label.reason})", soft_wrap=True)
    else:
        meant = f"{', '.join(label.churned)} means left ({label.meaning})"
        out.print(f"• churn label: {label.column}: {meant}", soft_wrap=True)
    categories = sum(feature.type == "category" for feature in draft.features)
    numbers = len(draft.features) - categories
    out.print(f"• features: {numbers} of numbers, {categories} of categories")
    for item in draft.left_out:
        word = "never a feature" if item.never else "left out"
        out.print(f"• {word}: {item.column} ({item.reason})", soft_wrap=True)
    out.print("Read and correct it, then:")
    out.print(f"  customer-clusters contract check {path} --data {data}", soft_wrap=True)
    out.print(f"  customer-clusters train --data {data} --contract {path}", soft_wrap=True)
