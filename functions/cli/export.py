"""The command that writes a model for another tool."""

from pathlib import Path

import click

from functions.cli import options
from pipeline.exports.options import DIALECTS, TARGETS, Dialect, SqlOptions, Target

_EXAMPLES = """Examples:

\b
  customer-clusters models export champion --to sql --dialect postgres --table bank.customers
  customer-clusters models export champion --to onnx --out champion.onnx
  customer-clusters models export champion --to mlflow --out champion-mlflow
"""


@click.command(epilog=_EXAMPLES)
@click.argument("reference", metavar="REF")
@click.option(
    "--to",
    "target",
    type=click.Choice(TARGETS),
    required=True,
    help="A query, a graph, a pipeline of scikit-learn, or a pyfunc model.",
)
@click.option(
    "--out",
    metavar="PATH",
    type=options.path,
    help="The file, for mlflow the folder; must be new.  [default for sql: standard output]",
)
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="duckdb",
    show_default=True,
    help="sql: which database.",
)
@click.option(
    "--table",
    metavar="NAME",
    default="customers",
    show_default=True,
    help="sql: the table or view with the customers.",
)
@click.option(
    "--keep",
    metavar="COLUMN",
    multiple=True,
    help="sql: a column of it for the answer, repeatable.  [default: the id, else the features]",
)
@click.option(
    "--unquoted",
    is_flag=True,
    help="sql: leave the table's columns unquoted, as where it was made without quotes.",
)
@options.store
def export(
    reference: str,
    target: Target,
    out: Path | None,
    dialect: Dialect,
    table: str,
    keep: tuple[str, ...],
    unquoted: bool,
    store: str,
) -> None:
    """Write a model for another tool: SQL, ONNX, skops or MLflow.

    Every export finds columns by name, takes values in their own units, and answers with the
    cluster ids that people know. Each needs the extra with its name.
    """
    from pipeline.exports.export import content
    from pipeline.exports.export import export as write

    artifact = options.open_store(store).open(reference)
    chosen = SqlOptions(dialect, table, keep, quoted=not unquoted)
    if out is not None:
        write(artifact, target, out, chosen)
        click.echo(f"{artifact.version} as {target}: {out}")
    elif target == "sql":
        click.echo(content(artifact, target, chosen).decode(), nl=False)
    else:
        raise click.UsageError(f"expected --out PATH for {target}")
