"""What the command line shows of the life of models: who moved what, and what was removed."""

from collections.abc import Sequence

import click

from model_store import Event


def show_history(events: Sequence[tuple[Event, bool]]) -> None:
    """Moves of aliases, the latest first."""
    for event, done in reversed(events):
        click.echo(
            f"{event.when:%Y-%m-%d %H:%M:%S}Z  {event.reason.action} by {event.reason.who or '?'}: "
            f"{event.alias} from {event.old or 'nothing'} to {event.new}"
            + ("" if done else " (never took effect)")
        )
        if event.reason.why:
            click.echo(f"    {event.reason.why}")
    if not events:
        click.echo("No alias was moved yet")
