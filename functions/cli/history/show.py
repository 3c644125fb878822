"""What `customer-clusters history` does, once its options are read."""

import os
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import click

from functions.cli.history.tables import show
from functions.cli.options import address_of, settings
from functions.cli.output.text import print_json, print_text, without_controls
from model_store import S3Address, open_storage
from pipeline.errors import WrongFile
from pipeline.runs import open_runs
from pipeline.runs.history.history import History, make_history
from pipeline.runs.history.ledger import committed_runs, read_ledger
from pipeline.runs.history.ledger import rebuild as rebuild_ledger
from pipeline.runs.history.points import Point


def show_history(
    results: str,
    series: str | None,
    last: int | None,
    out: str | None,
    *,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Print a history, and write its report where one is asked for.

    Args:
        results: Where the runs are.
        series: Which files; None takes those with most runs.
        last: So many periods at most, the latest.
        out: A path or an address in S3 for the report; None writes none.
        rebuild: Whether missing entries are written first.
        as_json: Print JSON and not tables.
    """
    results, out = address_of(results), address_of(out) if out else None
    files, periods = open_runs(results).files, settings().as_of_pattern
    runs = committed_runs(files)
    if rebuild:
        rebuilt = rebuild_ledger(files, periods, runs)
        count = len(rebuilt.added) + len(rebuilt.replaced)
        click.echo(f"Note: {count:,} {'run' if count == 1 else 'runs'} added", err=True)
        for run in rebuilt.no_runs:
            shown = without_controls(run)
            click.echo(f"Note: {shown} is left out: its manifest or summary is damaged", err=True)
    history = make_history(
        read_ledger(files), results,
        series=series, runs=runs.keys(), periods=periods, last=last,
    )  # fmt: skip
    if out is not None:
        _write(history, out)
    if as_json:
        print_json(history.to_dict())
        return
    show(history)
    if out is not None:
        print_text(f"Report: {out}")


def _write(history: History, out: str) -> None:
    from pipeline.runs.history.page import render_history

    content = render_history(history, lambda point: _link(point, history.results, out)).encode()
    if out.startswith(S3Address.SCHEME):
        folder, _, name = out.rpartition("/")
        open_storage(folder).replace(name, content)
        return
    try:
        Path(out).write_bytes(content)
    except OSError as error:
        raise WrongFile(out, f"cannot be written: {error.strerror}") from error


def _link(point: Point, results: str, out: str) -> str | None:
    """A report as seen from the page: both in a folder, or both in one bucket; else None."""
    report = point.entry.get("report")
    if report is None or not point.has_run:
        return None
    here = results.startswith(S3Address.SCHEME), out.startswith(S3Address.SCHEME)
    if here == (True, True):
        place, page = S3Address.from_string(results), S3Address.from_string(out)
        if place.bucket != page.bucket:
            return None
        start = f"/{PurePosixPath(page.key).parent}"
        return quote(os.path.relpath(f"/{place.folder}{report}", start))
    if any(here):
        return None
    page_folder = Path(out).resolve().parent
    return quote(Path(os.path.relpath(Path(results).resolve() / report, page_folder)).as_posix())
