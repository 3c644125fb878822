"""What the command line shows: tables and sentences for people, JSON for machines."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from model_store import Artifact, Store, Version, WrongArtifact
from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.facts import facts_of

_WIDTH = 140
"""Of tables that go to a file or a pipe."""
_CONTROLS = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {9, 10},
    "\ufffd",
)
"""Control characters, those that turn the direction of text among them, as a mark."""
_LEFT = frozenset(
    {"Alias", "Aliases", "Feature", "Figure", "From", "Name", "Recipe", "To", "Version", "What",
     "When", "Who", "Why", "Became", "Verdict"}
)  # fmt: skip


def print_json(document: Any) -> None:
    """Exactly one JSON document on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def model_document(artifact: Artifact, model: ClusterModel) -> dict[str, Any]:
    """A model for machines: the manifest, the contract and the clusters."""
    return {
        **artifact.manifest.to_dict(),
        "contract": model.contract.to_dict(),
        "clusters": [asdict(cluster) for cluster in model.clusters],
    }


def show_assignment(found: Assignment, model: ClusterModel) -> None:
    """An assignment for people."""
    out, cluster = terminal(), found.cluster
    gaps = model.clusters[-1].id > len(model.clusters)  # some ids are retired
    which = f"{cluster.id}" if gaps else f"{cluster.id} of {len(model.clusters)}"
    out.print(f"Cluster {which}: {cluster.name}", style="bold")
    out.print(cluster.description)
    if cluster.churn:
        churn = cluster.churn
        counts = (
            f"({churn.churned:,} of {churn.customers:,} left; 95 % interval "
            f"{churn.low:.1%} to {churn.high:.1%})"
        )
        out.print("Churn rate of this group:", bold(f"{churn.rate:.1%}"), counts)
    out.print(
        f"Distance to the centre {found.distance:.3f} (outlier beyond "
        f"{cluster.outlier_distance:.3f}); margin {found.margin:.2f} to cluster "
        f"{found.runner_up.id}, {found.runner_up.name}"
    )
    if found.outlier:
        where = f" (unusual: {', '.join(found.unusual)})" if found.unusual else ""
        told = f": unlike the customers the model was trained on{where}"
        out.print(Text.assemble(bold("Outlier"), told))
    table = new_table("Feature", "Value", "Weight", "Why")
    labels = {feature.name: feature.label for feature in model.contract.features}
    for reason in found.reasons:
        value = reason.value if isinstance(reason.value, str) else f"{reason.value:,g}"
        weight = f"{reason.contribution:+.3f}"
        table.add_row(labels[reason.feature], value, weight, reason.sentence)
    out.print(table)


def show_model(artifact: Artifact, model: ClusterModel) -> None:
    """A model's metrics and clusters for people."""
    out, facts = terminal(), facts_of(artifact)
    metrics, training = facts["metrics"], facts["training"]
    out.print(bold(artifact.version), f" recipe {facts['recipe']['name']}")
    out.print(
        f"Trained on {training['rows_used']:,} customers of {training['file']} "
        f"({training['rejected_rows']:,} rejected, {training['duplicate_rows']:,} duplicates)"
    )
    out.print(
        f"Silhouette {metrics['silhouette_model_space']:.4f} in the model's space, "
        f"{metrics['silhouette_standardised_space']:.4f} in the full standardised space"
    )
    table = new_table("Cluster", "Name", "Customers", "Share", "Churn rate (95 % interval)")
    for c in model.clusters:
        churn = "–" if c.churn is None else str(c.churn)
        table.add_row(str(c.id), c.name, f"{c.size:,}", f"{c.share:.1%}", churn)
    out.print(table)
    for cluster in model.clusters:
        out.print(bold(str(cluster.id)), cluster.description)


def show_exploration(highlights: list[str], page: Path) -> None:
    """Highlights of an exploration for people, and where the rest is."""
    out = terminal()
    for highlight in highlights:
        out.print(f"• {highlight}")
    out.print(f"Report in {page}", soft_wrap=True)


def list_models(store: Store, as_json: bool) -> None:
    """The versions of a store, newest first, with aliases and headline metrics."""
    aliases = store.aliases()
    named = (Version.from_string(version) for version in aliases.values())  # there or not
    rows = [
        _listed(store, version, aliases)
        for version in sorted({*store.versions(), *named}, reverse=True)
    ]
    if as_json:
        return print_json(rows)
    table = new_table("Version", "Aliases", "Recipe", "Customers", "Silhouette", "Churn by cluster")
    for row in rows:
        metrics = row["metrics"]
        churn = metrics.get("cluster_churn_rates") or []
        table.add_row(
            row["version"],
            ", ".join(row["aliases"]),
            row["problem"] if "problem" in row else row["recipe"],
            f"{metrics.get('customers', 0):,}",
            f"{metrics.get('silhouette_model_space', 0):.4f}",
            ", ".join(f"{rate:.1%}" for rate in churn),
        )
    terminal().print(table if rows else f"No models in {store}")


def _listed(store: Store, version: Version, aliases: dict[str, str]) -> dict[str, Any]:
    """A version in one line; one that must not be used says why and hides no other."""
    names = [name for name, target in aliases.items() if target == str(version)]
    row: dict[str, Any] = {
        "version": str(version),
        "created": version.published.isoformat(),
        "aliases": names,
    }
    try:
        facts = facts_of(store.open(next(iter(names), str(version))))
    except WrongArtifact as error:
        return {**row, "recipe": None, "metrics": {}, "problem": str(error)}
    recipe, metrics = facts.get("recipe", {}).get("name"), facts.get("metrics", {})
    return {**row, "recipe": recipe, "metrics": metrics}


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """Shows the steps of long work on standard error."""
    console = _Plain(stderr=True, markup=False)
    if not console.is_terminal:  # a log wants a line when a step begins, not a picture
        yield lambda text: console.print(text, soft_wrap=True)
        return
    columns = (SpinnerColumn(), _description(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks: list[Any] = []

        def step(text: str) -> None:
            if tasks:
                progress.update(tasks[-1], total=1, completed=1)
            tasks.append(progress.add_task(text, total=None))

        yield step
        if tasks:
            progress.update(tasks[-1], total=1, completed=1)


@contextmanager
def row_counter(name: str) -> Iterator[Callable[[int], None]]:
    """Shows on standard error how many rows were read."""
    columns = (SpinnerColumn(), _description(), BarColumn(), TimeElapsedColumn())
    console = _Plain(stderr=True, markup=False)
    off = not console.is_terminal  # where it would leave an empty line
    with Progress(*columns, console=console, transient=True, disable=off) as progress:
        task = progress.add_task(f"scoring {name}", total=None)
        started = time.monotonic()

        def read(rows: int) -> None:
            rate = rows / max(time.monotonic() - started, 1e-3)
            text = f"scoring {name}: {rows:,} rows, {rate:,.0f} rows/s"
            progress.update(task, description=text)

        yield read


def terminal() -> Console:
    """Where to print: as wide as the terminal, or wide enough for a table in a file.

    No text is markup here, for it may come from a model, a contract or a file; see `bold`.
    """
    console = partial(_Plain, highlight=False, emoji=False, markup=False)
    wide = console()
    return wide if wide.is_terminal else console(width=_WIDTH)


def bold(text: str, style: str = "bold") -> Text:
    """Text with a style, whatever it says."""
    return Text(text.translate(_CONTROLS), style)


class _Plain(Console):
    """Shows text as it is, but for what would tell the terminal to do something."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(text.translate(_CONTROLS), **how)


def _description() -> TextColumn:
    """What a task is about, among the columns of its progress."""
    return TextColumn("{task.description}", markup=False)


def new_table(*headings: str) -> Table:
    """Text columns to the left, everything else to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in _LEFT else "right")
    return table
