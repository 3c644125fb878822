"""Files that are dropped into a folder, scored until somebody ends it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from functions.cli import options
from functions.cli.output.runs import show_run
from functions.cli.output.text import print_json, print_note
from functions.live_model import LiveModel
from functions.settings import DEFAULT
from model_store import CustomerClustersError

if TYPE_CHECKING:
    from pipeline.scoring.documents import Manifest


@click.command(epilog="Example: customer-clusters watch inbox/ --out results/")
@click.argument("inbox", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--settle",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds for which a file must not have changed before it is scored.",
)
@click.option("--metrics-port", type=click.IntRange(1, 65535),
              help="Port at which Prometheus gets figures.  [default: none]")  # fmt: skip
@click.option("--metrics-host", default="127.0.0.1", show_default=True,
              help="Where it asks; 0.0.0.0 for every network.")  # fmt: skip
@options.of_run
def watch(
    inbox: Path,
    settle: float,
    metrics_port: int | None,
    metrics_host: str,
    out: str,
    reference: str,
    challenger: str | None,
    store: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score every file that is dropped into a folder, until told to stop.

    Files that are there already count as dropped; one that was scored before is not scored again.
    Folders in it are not looked at, links not followed.
    """
    from functions.cli.drop_folder import DropFolder
    from functions.cli.serve import check_port
    from functions.notices import notices_from
    from functions.telemetry.files import observed
    from functions.telemetry.models import facts_of
    from functions.telemetry.start import worker_telemetry
    from pipeline.runs import WholeFile, open_runs, read_summary
    from pipeline.scoring.process.isolated import isolated
    from pipeline.scoring.spec import Options

    if metrics_port is not None:
        check_port(metrics_host, metrics_port, "--metrics-port")
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
    notices, known = notices_from(os.environ, print_note), options.settings()
    log = lambda line: print_note(str(line["message"]))  # noqa: E731
    with worker_telemetry(os.environ, metrics_host, metrics_port, log) as telemetry:
        telemetry.watch(lambda: [facts_of(DEFAULT, live_model)])
        engine = observed(WholeFile(isolated()), telemetry, "folder")
        folder = DropFolder(
            inbox, runs, live_model, given, settle, challenger, engine,
            known.as_of_pattern, print_note, known.index_key, notices=notices,
        )  # fmt: skip
        if not as_json:
            click.echo(f"watching {inbox} (Ctrl-C ends it)", err=True)
        folder.watch(report)
