"""Notices: whether they arrive, and those that wait."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from functions.cli import options
from functions.cli.output.text import print_json, print_note, print_text
from model_store import CustomerClustersError

if TYPE_CHECKING:
    from pipeline.runs.notices import Notices, Receiver

_ARRIVED = "delivered"
_EXAMPLES = """Examples:

\b
  customer-clusters notify --test
  customer-clusters notify --deliver
  customer-clusters notify --deliver --out s3://bucket/results
"""


class NoReceivers(CustomerClustersError):
    """Raised when nobody is to be told of anything."""

    code = "no_receivers"

    def __init__(self, variables: tuple[str, ...]) -> None:
        self.variables = tuple(variables)
        super().__init__(f"nobody is told of runs; set one of {', '.join(variables)}")


class Undelivered(CustomerClustersError):
    """Raised when receivers did not take a test."""

    code = "undelivered"

    def __init__(self, receivers: tuple[str, ...]) -> None:
        self.receivers = tuple(receivers)
        super().__init__(f"not delivered to {', '.join(receivers)}")


@click.command(epilog=_EXAMPLES)
@click.option("--test", "is_test", is_flag=True, help="Send a test to every receiver.")
@click.option("--deliver", is_flag=True, help="Send now what waits in the outbox of --out.")
@click.option(
    "--out",
    metavar="DIR|S3",
    default="results",
    show_default=True,
    help="Where the outbox is: in the results, or in the store of models.",
)
@options.as_json_flag
def notify(is_test: bool, deliver: bool, out: str, as_json: bool) -> None:
    """Try who is told, or send what could not be sent before.

    The environment says who is told: CUSTOMER_CLUSTERS_WEBHOOK, _NOTIFY_TOPIC and _NOTIFY_BUS.
    `score`, `watch` and the S3 function tell them of each run, `outcomes` of what became of its
    customers, `retrain` of a candidate. What a receiver does not take waits in the outbox, below
    the results or in the store; later calls send it again, and --deliver does at once.
    """
    if is_test == deliver:
        raise click.UsageError("give --test or --deliver")
    from functions.notices import notices_from
    from functions.settings.notices import receiver_variables

    notices = notices_from(os.environ, print_note)
    if not notices.receivers:
        raise NoReceivers(receiver_variables())
    if deliver:
        _deliver(notices, out, as_json=as_json)
    else:
        _try(notices.receivers, as_json=as_json)


def _deliver(notices: "Notices", out: str, *, as_json: bool) -> None:
    from pipeline.runs import open_runs

    delivered = notices.deliver(open_runs(out), at_once=True)
    if as_json:
        print_json({"sent": delivered.sent, "waiting": delivered.waiting})
    else:
        print_text(f"{delivered.sent:,} sent; {delivered.waiting:,} waiting")


def _try(receivers: "Sequence[Receiver]", *, as_json: bool) -> None:
    """Send a test to each, and say what came of it; Undelivered where one did not take it."""
    from pipeline.runs.notices import NotDelivered, trial_notice

    notice, results = trial_notice(datetime.now(UTC)), {}
    for receiver in receivers:
        try:
            receiver.send(notice)
            results[receiver.name] = _ARRIVED
        except NotDelivered as error:
            results[receiver.name] = error.reason
    if as_json:
        print_json({"notice": notice["id"], "receivers": results})
    else:
        width = max(map(len, results))
        for name, result in results.items():
            print_text(f"{name.ljust(width)}  {result}")
    if failed := tuple(name for name, result in results.items() if result != _ARRIVED):
        raise Undelivered(failed)
