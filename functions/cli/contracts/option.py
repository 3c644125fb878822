"""The option that names a contract."""

import click

from functions.cli import options
from pipeline.model.contract import DEFAULT_CONTRACT

contract_option = click.option(
    "--contract",
    metavar="FILE",
    type=options.path,
    default=DEFAULT_CONTRACT,
    show_default="BankChurners",
    help="TOML file that declares the columns.",
)
