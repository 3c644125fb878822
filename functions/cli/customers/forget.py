"""The command that removes people from scored files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.cli import options
from functions.cli.output.text import print_json, print_text
from pipeline.errors import WrongFile

if TYPE_CHECKING:
    from pipeline.runs.customers.removal import Removed

_EXAMPLES = """Examples:

\b
  customer-clusters forget --ids gone.txt --results results --dry-run
  customer-clusters forget --ids gone.txt --results s3://bucket/results --yes
"""
_MOST_BYTES = 64 << 20
_NOT_REACHED = (
    "Not reached: the files that were scored, what models were trained on, lists that were not "
    "named, and copies elsewhere"
)


@click.command(epilog=_EXAMPLES)
@click.option(
    "--ids",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="A text file with one id a line.",
)
@options.results
@click.option(
    "--list",
    "lists",
    metavar="FILE|S3",
    multiple=True,
    help="An audience or other list of customers to take them from as well; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Count their rows and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.as_json_flag
def forget(
    ids: Path, results: str, lists: tuple[str, ...], dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove people from every scored file: assigned and rejected rows, and indexes.

    Earlier versions that a bucket keeps of these runs' files go too. Counts stay: they name nobody.
    It can be ended and called again at any moment. At the end it searches everything once more, and
    fails where it still finds somebody.
    """
    from pipeline.runs.customers.index import IndexKey
    from pipeline.runs.customers.removal import Removal

    secret = options.settings().index_key
    removal = Removal(results, read_ids(ids), IndexKey(secret) if secret else None, lists)
    if not dry_run and not yes:
        runs = len(removal.runs())
        click.confirm(
            f"Remove {_of(len(removal.ids), 'customer')} from {_of(runs, 'run')} for good?",
            abort=True,
            err=True,
        )
    done = removal.count() if dry_run else removal.remove()
    if as_json:
        print_json(done.to_dict())
    else:
        _show(done, dry_run=dry_run)
    if done.failed or (done.left and not dry_run):
        raise click.exceptions.Exit(1)


def _show(done: "Removed", *, dry_run: bool) -> None:
    if dry_run:
        print_text(f"{_of(done.left, 'row')} of {_of(done.searched, 'run')} would go", bold=True)
    else:
        for run in done.runs:
            print_text(f"{run.run}: {_of(run.assigned + run.rejected, 'row')}")
        for name, rows in done.lists.items():
            print_text(f"{name}: {_of(rows, 'row')}")
        print_text(f"{_of(done.rows, 'row')} removed", bold=True)
        print_text(f"Searched {_of(done.searched, 'run')} again: {_of(done.left, 'row')} left")
    for problem in done.failed:
        click.echo(f"Error: {problem}", err=True)
    print_text(_NOT_REACHED)


def _of(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def read_ids(path: Path) -> frozenset[str]:
    """The ids of a file, one a line.

    Raises:
        WrongFile: It cannot be read, is too large, or names nobody.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise WrongFile(path, f"is larger than {_MOST_BYTES >> 20} MB; cut it into several")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise WrongFile(path, f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise WrongFile(path, "is not UTF-8; save it as such, one id a line") from error
    ids = frozenset(line.strip() for line in lines) - {""}
    if not ids:
        raise WrongFile(path, "names nobody; expected one id a line")
    return ids
