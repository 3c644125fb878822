"""What the command line shows of the models of a store."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from functions.cli.output.console import bold, new_table, print_table, terminal
from functions.cli.output.text import print_json
from model_store import Artifact, Event, Store, Version, WrongArtifact
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.facts import facts_of


def model_document(artifact: Artifact, model: ClusterModel) -> dict[str, Any]:
    """A model for machines: the manifest, the contract and the clusters."""
    return {
        **artifact.manifest.to_dict(),
        "contract": model.contract.to_dict(),
        "clusters": [asdict(cluster) for cluster in model.clusters],
    }


def show_model(artifact: Artifact, model: ClusterModel) -> None:
    """A model's metrics and clusters for people."""
    out, facts = terminal(), facts_of(artifact)
    metrics = facts["metrics"]
    out.print(bold(artifact.version), f" recipe {facts['recipe']['name']}")
    out.print(
        f"Trained on {facts['training']['rows_used']:,} customers of {facts['training']['file']} "
        f"({facts['training']['rejected_rows']:,} rejected, "
        f"{facts['training']['duplicate_rows']:,} duplicates)"
    )
    for name, rows in facts["training"].get("filled", {}).items():
        out.print(f"{name} was missing and filled in for {rows:,} of them")
    out.print(
        f"Silhouette {metrics['silhouette_model_space']:.4f} in the model's space, "
        f"{metrics['silhouette_standardised_space']:.4f} in the full standardised space"
    )
    if verdict := facts.get("verdict"):
        out.print(f"Found: {verdict}")
    counted = metrics.get("churn_counted_on")
    if counted is not None and counted < facts["training"]["rows_used"]:
        out.print(f"Churn is counted on {counted:,} customers that took no part in choosing")
    churn = ["Churn rate (95 % interval)"] if model.churn_rate is not None else []
    table = new_table("Cluster", "Name", "Customers", "Share", *churn)
    for c in model.clusters:
        rate = [str(c.churn or "–")] if churn else []
        table.add_row(str(c.id), c.name, f"{c.size:,}", f"{c.share:.1%}", *rate)
    print_table(out, table)
    for cluster in model.clusters:
        out.print(bold(str(cluster.id)), cluster.description)


def list_models(store: Store, as_json: bool) -> None:
    """The versions of a store, newest first, with aliases and headline metrics."""
    aliases = store.aliases()
    named = (Version.from_string(version) for version in aliases.values())  # there or not
    rows = [
        _listed(store, version, aliases)
        for version in sorted({*store.versions(), *named}, reverse=True)
    ]
    if as_json:
        print_json(rows)
        return
    known = any(row["metrics"].get("cluster_churn_rates") for row in rows)
    churn = ["Churn by cluster"] if known else []
    table = new_table("Version", "Aliases", "Recipe", "Customers", "Silhouette", *churn)
    for row in rows:
        metrics = row["metrics"]
        rates = metrics.get("cluster_churn_rates") or []
        table.add_row(
            row["version"],
            ", ".join(row["aliases"]),
            "refused" if "problem" in row else row["recipe"],
            f"{metrics.get('customers', 0):,}",
            f"{metrics.get('silhouette_model_space', 0):.4f}",
            *([", ".join(f"{rate:.1%}" for rate in rates)] if known else []),
        )
    out = terminal()
    if not rows:
        out.print(f"No models in {store}")
        return
    print_table(out, table)
    for row in rows:
        if "problem" in row:
            out.print(f"{row['version']}: {row['problem']}", soft_wrap=True)


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


def show_history(events: Sequence[tuple[Event, bool]]) -> None:
    """Moves of aliases, the latest first."""
    for event, in_effect in reversed(events):
        click.echo(
            f"{event.when:%Y-%m-%d %H:%M:%S}Z  {event.reason.action} by {event.reason.who or '?'}: "
            f"{event.alias} from {event.old or 'nothing'} to {event.new}"
            + ("" if in_effect else " (never took effect)")
        )
        if event.reason.why:
            click.echo(f"    {event.reason.why}")
    if not events:
        click.echo("No alias was moved yet")
