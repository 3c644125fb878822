"""The `customer-clusters` command and its sub-commands.

A command's module is imported when it runs, and imports what it needs: `--help` must not wait for
all of them, nor `assign` for scikit-learn or pyarrow.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from pipeline.release import RELEASE

COMMANDS = {
    "assign": (".assign", "Say which cluster one customer belongs to, and why."),
    "serve": (".serve", "Answer look-ups over HTTP, and show the pages."),
    "score": (".score.score", "Assign every customer of files; write results."),
    "audience": (".audience.audience", "List customers of a run for a campaign."),
    "customer": (".customers.customer", "Say which groups one customer was in."),
    "forget": (".customers.forget", "Remove people from scored files for good."),
    "outcomes": (".outcomes.outcomes", "Hold what became of a run against what was expected."),
    "notify": (".notify", "Test who is told of runs; send what waits."),
    "history": (".history.history", "Show scored files over time: groups, rejects, drift."),
    "moves": (".moves.moves", "Say who changed the group between two runs, and why."),
    "watch": (".watch.watch", "Score every file that is dropped into a folder or bucket."),
    "init": (".contracts.init", "Draft the contract of a customer file."),
    "contract": (".contracts.check", "Check a contract, alone or against a file."),
    "explore": (".explore", "Describe a customer file before training."),
    "train": (".train", "Train a model on customers and publish it."),
    "retrain": (".retrain", "Train the champion's recipe on new customers."),
    "compare": (".compare", "Compare two versions: figures, and who moves."),
    "keys": (".keys", "Make an API key, or list who has one."),
    "models": (".models", "List, show, export, promote and verify models."),
}
"""Command → its module, where it has the same name, and a line about it."""


class _UserError(click.ClickException):
    """An error that a user can cure: one line, no traceback."""

    exit_code = 2


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing of what is loaded is garbage: looking for some takes a tenth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


class _Commands(click.Group):
    """Turns every error that a user can cure into one line and exit code 2."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        with _no_collection():
            command: click.Command = getattr(import_module(COMMANDS[name][0], __package__), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        lines: Sequence[tuple[str, str]] = [(name, COMMANDS[name][1]) for name in sorted(COMMANDS)]
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from model_store import CustomerClustersError

            if isinstance(error, CustomerClustersError):
                raise _UserError(str(error)) from error
            raise
        finally:
            gc.freeze()  # nothing is worth the time of tidying up before the process ends


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(RELEASE)
def main() -> None:
    """Find the groups that customers form, and say which one a customer belongs to, and why."""
