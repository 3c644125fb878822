"""The `customer-clusters` command and its sub-commands.

A command imports what it needs when it runs: `assign` must not wait for scikit-learn or pyarrow.
"""

from typing import Any

import click

from functions.cli.assign import assign
from functions.cli.compare import compare
from functions.cli.contracts.check import contract
from functions.cli.contracts.init import init
from functions.cli.explore import explore
from functions.cli.models import models
from functions.cli.retrain import retrain
from functions.cli.score import score
from functions.cli.serve import serve
from functions.cli.train import train
from functions.cli.watch import watch
from model_store import CustomerClustersError


class _UserError(click.ClickException):
    """An error that a user can cure: one line, no traceback."""

    exit_code = 2


class _Commands(click.Group):
    """Turns every error that a user can cure into one line and exit code 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except CustomerClustersError as error:
            raise _UserError(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="customer-clusters")
def main() -> None:
    """Find the groups that customers form, and say which one a customer belongs to, and why."""


for command in (
    assign, serve, score, watch, init, contract, explore, train, retrain, compare, models
):  # fmt: skip
    main.add_command(command)
