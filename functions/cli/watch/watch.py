"""Files that are dropped into a folder or a bucket, scored until somebody ends it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from functions import logs
from functions.cli import file_options, options
from functions.cli.output.runs import show_run
from functions.cli.output.text import print_json, print_note
from functions.live_model import LiveModel
from functions.settings import DEFAULT
from model_store import CustomerClustersError, S3Address

if TYPE_CHECKING:
    from functions.telemetry import Telemetry
    from pipeline.scoring.documents import Manifest

_OF_FOLDERS, _OF_BUCKETS = "settle", ("interval", "lease")


@click.command(
    epilog="Examples: customer-clusters watch inbox/ --out results/; "
    "customer-clusters watch s3://customers/incoming/ --out s3://scored/results"
)
@click.argument("inbox", metavar="FOLDER|S3")
@click.option(
    "--settle",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds for which a file of a folder must not have changed before it is scored.",
)
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    help="Seconds between looks at a bucket.",
)
@click.option(
    "--lease",
    type=click.FloatRange(1, 86400),
    default=60.0,
    show_default=True,
    help="Seconds after which another worker takes over the file of one that died; of a bucket.",
)
@click.option("--metrics-port", type=click.IntRange(1, 65535),
              help="Port at which Prometheus gets figures.  [default: none]")  # fmt: skip
@click.option("--metrics-host", default="127.0.0.1", show_default=True,
              help="Where it asks; 0.0.0.0 for every network.")  # fmt: skip
@file_options.of_run
def watch(
    inbox: str,
    settle: float,
    interval: float,
    lease: float,
    metrics_port: int | None,
    metrics_host: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score every file that is dropped into a folder or a bucket, until told to stop.

    Files that are there already count as dropped; one that was scored before is not scored again.
    Folders in a folder are not looked at, links not followed.

    A bucket (s3://bucket/prefix/) may be of any server that speaks S3: AWS_ENDPOINT_URL names it.
    Everything below the prefix is looked at. Several workers share one bucket. The variables of the
    batch function hold, and options over them; the log has one JSON document a line.
    """
    from functions.cli.serve import check_port
    from functions.telemetry.start import worker_telemetry

    inbox = options.address_of(inbox)
    chosen["out"] = options.address_of(chosen["out"])
    in_bucket = inbox.startswith(S3Address.SCHEME)
    _refuse(inbox, *((_OF_FOLDERS,) if in_bucket else _OF_BUCKETS))
    if metrics_port is not None:
        check_port(metrics_host, metrics_port, "--metrics-port")
    log = logs.write if in_bucket else lambda line: print_note(str(line["message"]))
    with worker_telemetry(os.environ, metrics_host, metrics_port, log) as telemetry:
        if in_bucket:
            _watch_bucket(inbox, interval, lease, telemetry, chosen)
        else:
            _watch_folder(Path(inbox), settle, telemetry, as_json, **chosen)


def _refuse(inbox: str, *names: str) -> None:
    """UsageError for an option that is for another kind of inbox."""
    given = click.get_current_context().get_parameter_source
    for name in names:
        if given(name) is ParameterSource.COMMANDLINE:
            kind = "folders" if name == _OF_FOLDERS else "buckets"
            raise click.UsageError(f"--{name} is for {kind}, and {inbox} is none")


def _watch_bucket(
    inbox: str, interval: float, lease: float, telemetry: "Telemetry", chosen: dict[str, Any]
) -> None:
    from pipeline.scoring.process.isolated import isolated

    isolated().start()
    from functions.cli.watch.bucket_worker import bucket_worker

    given = click.get_current_context().get_parameter_source
    stated = {
        name for name in click.get_current_context().params
        if given(name) is ParameterSource.COMMANDLINE
    }  # fmt: skip
    bucket_worker(inbox, interval, lease, stated, chosen, telemetry).watch()


def _watch_folder(
    inbox: Path,
    settle: float,
    telemetry: "Telemetry",
    as_json: bool,
    *,
    out: str,
    reference: str,
    challenger: str | None,
    store: str,
    **chosen: Any,
) -> None:
    from functions.cli.watch.drop_folder import DropFolder
    from functions.notices import notices_from
    from functions.telemetry.files import observed
    from functions.telemetry.models import facts_of
    from pipeline.runs import WholeFile, open_runs, read_summary
    from pipeline.scoring.process.isolated import isolated
    from pipeline.scoring.spec import Options

    isolated().start()
    runs = open_runs(out)

    def report(result: "Manifest | CustomerClustersError") -> None:
        if isinstance(result, CustomerClustersError):
            click.echo(f"Error: {result}", err=True)
        elif as_json:
            print_json(result)
        else:
            model = live_model.of_version(result["model_version"]).model
            show_run(model, result, read_summary(runs, result), out)

    live_model = LiveModel(options.open_store(store), reference, log=lambda line: None)
    given = Options(**chosen)
    telemetry.watch(lambda: [facts_of(DEFAULT, live_model)])
    engine = observed(WholeFile(isolated()), telemetry, "folder")
    notices, known = notices_from(os.environ, print_note), options.settings()
    folder = DropFolder(
        inbox, runs, live_model, given, settle, challenger, engine,
        known.as_of_pattern, print_note, known.index_key, notices=notices,
    )  # fmt: skip
    if not as_json:
        click.echo(f"watching {inbox} (Ctrl-C ends it)", err=True)
    folder.watch(report)
