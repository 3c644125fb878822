"""Whole files: score them now, or as they are dropped into a folder."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from functions import console
from functions.commands import options
from model_store import CustomerClustersError
from pipeline.errors import WrongFile
from pipeline.model import ClusterModel


def _choices(command: Callable[..., None]) -> Callable[..., None]:
    """What a user may choose about a run."""
    for decorate in (
        options.as_json_flag,
        options.store,
        options.model,
        click.option(
            "--max-rejected-share",
            type=click.FloatRange(0, 1),
            default=0.5,
            show_default=True,
            help="Refuse a file of which a larger share cannot be scored.",
        ),
        click.option(
            "--safe-csv",
            is_flag=True,
            help="Put an apostrophe before cells that a spreadsheet would run as a formula.",
        ),
        click.option("--sheet", metavar="NAME", help="Of Excel workbooks; by default the first."),
        click.option(
            "--format",
            type=click.Choice(["csv", "parquet"]),
            help="Of the assigned file; by default that of the input.",
        ),
        click.option("--out", metavar="DIR", default="results", show_default=True),
    ):
        command = decorate(command)
    return command


@click.command(
    epilog="Example: customer-clusters score customers.csv inbox/ 'exports/*.xlsx' --out results"
)
@click.argument("inputs", metavar="FILE|FOLDER|GLOB...", nargs=-1, required=True)
@_choices
def score(
    inputs: tuple[str, ...], out: str, reference: str, store: str, as_json: bool, **chosen: Any
) -> None:
    """Assign every customer of CSV, Parquet or Excel files; write results and summaries.

    Files may be packed (.gz, .zst) and written in any dialect; a folder stands for its files.
    """
    from pipeline.scoring import Options, score_file

    artifact = options.open_store(store).open(reference)
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    manifests, refusals = [], []
    paths = list(_expanded(inputs))
    for path in paths:
        try:
            with console.row_counter(path.name) as progress:
                manifest = score_file(
                    path, model, artifact.version, Path(out), Options(**chosen), progress
                )
        except CustomerClustersError as error:
            if len(paths) == 1:
                raise
            refusals.append(str(error))
            click.echo(f"Error: {error}", err=True)
            continue
        manifests.append(manifest)
        if not as_json:
            console.show_run(manifest, Path(out))
    if as_json:
        console.print_json(manifests[0] if len(paths) == 1 else manifests)
    if refusals:
        raise WrongFile(f"{len(refusals)} of {len(paths)} files", "were refused, the others scored")


@click.command(epilog="Example: customer-clusters watch inbox/ --out results/")
@click.argument("inbox", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--settle",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds for which a file must not have changed before it is scored.",
)
@_choices
def watch(
    inbox: Path,
    settle: float,
    out: str,
    reference: str,
    store: str,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Score every file that is dropped into a folder, until told to stop.

    Files that are there already count as dropped; one that was scored before is not scored again.
    """
    from functions.folder import DropFolder
    from pipeline.scoring import Options

    def tell(result: dict[str, Any] | CustomerClustersError) -> None:
        if isinstance(result, CustomerClustersError):
            click.echo(f"Error: {result}", err=True)
        elif as_json:
            console.print_json(result)
        else:
            console.show_run(result, Path(out))

    folder = DropFolder(
        inbox, Path(out), options.open_store(store), reference, Options(**chosen), settle
    )
    if not as_json:
        click.echo(f"watching {inbox} (Ctrl-C ends it)", err=True)
    folder.watch(tell)


def _expanded(inputs: Sequence[str]) -> Iterable[Path]:
    """Files for files, folders and patterns; WrongFile when one stands for none."""
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        elif not path.exists() and set(text) & set("*?["):
            root = Path(path.anchor) if path.anchor else Path()
            pattern = str(path.relative_to(path.anchor))
            found = sorted(p for p in root.glob(pattern) if p.is_file())
        else:
            found = [path]
        if not found:
            raise WrongFile(text, "stands for no file")
        yield from found
