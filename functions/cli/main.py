"""The `customer-clusters` command and its sub-commands.

A command imports what it needs when it runs: `assign` must not wait for scikit-learn or pyarrow.
"""

from typing import Any

import click

from functions.cli import assign, models, serve, watch
from functions.cli import retrain as retraining
from functions.cli import score as scoring
from functions.cli import train as training
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
    """Which group a credit card customer belongs to, why, and how often that group leaves."""


for command in (
    assign.assign,
    serve.serve,
    scoring.score,
    watch.watch,
    training.explore,
    training.train,
    retraining.retrain,
    retraining.compare,
    models.models,
):
    main.add_command(command)
