"""What the command line shows of a run: counts, drift, clusters, and a challenger."""

from typing import Any

from rich.console import Console
from rich.text import Text

from functions.cli.console import bold, new_table, terminal
from pipeline.model.churn import ChurnRate


def show_run(manifest: dict[str, Any], summary: dict[str, Any], out: str) -> None:
    """A run's cluster and churn summary for people; `out` is a folder or an address."""
    console = terminal()
    counts = (
        f": {manifest['rows_in']:,} customers, {manifest['rows_assigned']:,} assigned, "
        f"{manifest['rows_rejected']:,} rejected, {summary['outliers']:,} outliers"
    )
    console.print(Text.assemble(bold(manifest["input"]["name"]), counts))
    for reason, rows in summary["rejected_for"].items():
        console.print(f"  rejected for {reason}: {rows:,}")
    _show_drift(console, summary["drift"])
    table = new_table(
        "Cluster", "Name", "Customers", "Share", "In training", "Left", "Expected", "Churn rate"
    )
    for cluster in summary["clusters"]:
        table.add_row(*_summary_row(cluster))
    console.print(table)
    if "challenger" in summary:
        _show_challenger(console, summary["challenger"])
    report = f"{out.rstrip('/')}/{manifest['outputs']['report']}"
    console.print(f"Results in {report.rpartition('/')[0]}", soft_wrap=True)
    console.print(f"Report: {report}", soft_wrap=True)


def _show_challenger(console: Console, found: dict[str, Any]) -> None:
    """Where a second model puts the same customers."""
    both = f"Challenger {found['version']}: of {found['customers']:,} customers that both assigned"
    if found["differ_share"] is None:
        told = ", with ids that training never matched"
    else:
        told = f" {found['differ']:,} ({found['differ_share']:.1%}) get another cluster id"
    alike = f"(adjusted Rand index {found['ari']:.3f})"
    console.print(f"{both}{told} {alike}", soft_wrap=True)
    for reason, rows in found["unassigned_for"].items():
        console.print(f"  not assigned by it for {reason}: {rows:,}")
    if not found["customers"]:
        return
    table = new_table("Cluster", *(f"Challenger {id}" for id in found["challenger_ids"]))
    for id, counts in zip(found["cluster_ids"], found["crosstab"], strict=True):
        table.add_row(str(id), *(f"{count:,}" for count in counts))
    console.print(table)
    expected = found["expected_churners"]
    if None not in expected.values():
        console.print(
            f"Expected to leave of these: {expected['model']:,.0f} by the model, "
            f"{expected['challenger']:,.0f} by the challenger"
        )


def _show_drift(console: Console, drift: dict[str, Any]) -> None:
    """What must be known before the figures: a probable change of unit, and other customers."""
    if drift["implausible"]:
        console.print(
            bold("Do not use these results yet:", "bold red"),
            "implausible values in",
            bold(", ".join(drift["implausible"])),
            "(another unit, such as cents?)",
            soft_wrap=True,
        )
    verdicts = {name: found["verdict"] for name, found in drift["features"].items()}
    if not drift["implausible"]:  # or else the mix follows from it
        verdicts["the cluster mix"] = drift["clusters"]["verdict"]
    for how, meant in (("clearly", ("shifted", "implausible")), ("somewhat", ("moved",))):
        names = [
            name
            for name, verdict in verdicts.items()
            if verdict in meant and name not in drift["implausible"]
        ]
        if names:
            console.print(f"Note: {how} unlike training: {', '.join(names)}")


def _summary_row(cluster: dict[str, Any]) -> list[str]:
    observed, expected = cluster["observed_churn"], cluster["expected_churners"]
    training = cluster["training_churn_rate"]
    if observed:
        rate = str(ChurnRate(**observed))
    else:
        rate = "–" if training is None else f"{training:.1%} in training"
    return [
        str(cluster["cluster"]),
        cluster["cluster_name"],
        f"{cluster['customers']:,}",
        f"{cluster['share']:.1%}",
        f"{cluster['training_share']:.1%}",
        f"{observed['churned']:,}" if observed else "–",
        "–" if expected is None else f"{expected:,.0f}",
        rate,
    ]
