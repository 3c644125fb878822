"""What the command line shows of a run: counts, drift, clusters, and a challenger."""

import shlex

from rich.console import Console
from rich.text import Text

from functions.cli.output.console import bold, new_table, print_table, terminal
from pipeline.errors import map_option
from pipeline.model.churn import ChurnRate
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import (
    ChallengerSummary,
    ClusterSummary,
    DriftSummary,
    Manifest,
    Summary,
)
from pipeline.scoring.report.headline import headline
from pipeline.scoring.summary.verdict import churn_differs, churn_sentence, cluster_mix_verdict


def show_run(model: ClusterModel, manifest: Manifest, summary: Summary, out: str) -> None:
    """Print a run's cluster and churn summary for people.

    Args:
        model: The model that scored it.
        manifest: The run's manifest.
        summary: Its summary.
        out: The folder or address that holds all results.
    """
    console = terminal()
    counts = (
        f": {manifest['rows_in']:,} customers, {manifest['rows_assigned']:,} assigned, "
        f"{manifest['rows_rejected']:,} rejected, {summary['outliers']:,} outliers"
    )
    console.print(Text.assemble(bold(manifest["input"]["name"]), counts))
    for reason, rows in summary["rejected_for"].items():
        console.print(f"  rejected for {reason}: {rows:,}")
    for name, rows in summary.get("filled", {}).items():
        console.print(f"  {name} was missing and filled in: {rows:,}")
    for column, name in manifest["input"].get("near", {}).items():
        hint = f"{name!r} is near: {map_option(name, column)} reads it so"
        console.print(f"Note: no column {column}, though {hint}", soft_wrap=True, markup=False)
    _show_drift(console, summary["drift"], model.contract.churned_word)
    first = headline(model, summary)
    console.print(bold(first.sentence), soft_wrap=True)
    known = summary["observed_churn"] or summary["expected_churners"] is not None
    word = model.contract.churned_word
    churn = (word.capitalize(), "Expected", "Churn rate") if known else ()
    table = new_table("Group", "Name", "Customers", "Share", "In training", *churn)
    for cluster in summary["clusters"]:
        table.add_row(*_cells(cluster), *(_churn_cells(cluster) if known else ()))
    print_table(console, table)
    if "challenger" in summary:
        _show_challenger(console, summary["challenger"])
    report = f"{out.rstrip('/')}/{manifest['outputs']['report']}"
    console.print(f"Results in {report.rpartition('/')[0]}", soft_wrap=True)
    console.print(f"Report: {report}", soft_wrap=True)
    if first.cluster is not None:
        folder = shlex.quote(report.rpartition("/")[0])
        of = "--top 100" if "risk" in manifest["columns"] else f"--cluster {first.cluster}"
        command = f"customer-clusters audience {folder} {of}"
        console.print(f"Whom to call: {command}", soft_wrap=True)


def _show_challenger(console: Console, challenger: ChallengerSummary) -> None:
    """Where a second model puts the same customers."""
    version, customers = challenger["version"], challenger["customers"]
    if challenger["differ_share"] is None:
        difference = ", with ids that training never matched"
    else:
        share = f"{challenger['differ']:,} ({challenger['differ_share']:.1%})"
        difference = f" {share} get another id of a group"
    console.print(
        f"Challenger {version}: of {customers:,} customers that both assigned{difference} "
        f"(adjusted Rand index {challenger['ari']:.3f})",
        soft_wrap=True,
    )
    for reason, rows in challenger["unassigned_for"].items():
        console.print(f"  not assigned by it for {reason}: {rows:,}")
    if not customers:
        return
    ids = challenger["challenger_ids"]
    table = new_table("Group", *(f"Challenger {cluster}" for cluster in ids))
    for cluster, counts in zip(challenger["cluster_ids"], challenger["crosstab"], strict=True):
        table.add_row(str(cluster), *(f"{count:,}" for count in counts))
    console.print(table)
    expected = challenger["expected_churners"]
    if expected["model"] is not None and expected["challenger"] is not None:
        console.print(
            f"Expected to leave of these: {expected['model']:,.0f} by the model, "
            f"{expected['challenger']:,.0f} by the challenger"
        )


def _show_drift(console: Console, drift: DriftSummary, churned_word: str) -> None:
    """What must be known before the figures: a probable change of unit, and other customers."""
    verdicts = {name: feature["verdict"] for name, feature in drift["features"].items()}
    if drift["implausible"]:
        console.print(
            bold("Do not use these results yet:", "bold red"),
            "implausible values in",
            bold(", ".join(drift["implausible"])),
            "(another unit, such as cents?)",
            soft_wrap=True,
        )
    else:  # the mix follows from implausible values
        verdicts["the mix of groups"] = cluster_mix_verdict(drift)
    for how, verdict in (("clearly", "shifted"), ("somewhat", "moved")):
        names = [name for name, each in verdicts.items() if each == verdict]
        if names:
            console.print(f"Note: {how} unlike training: {', '.join(names)}")
    if sentence := churn_sentence(drift, churned_word):
        where = [str(each["cluster"]) for each in churn_differs(drift)]
        some = "groups" if len(where) > 1 else "group"
        detail = f" ({some} {', '.join(where)})" if where else ""
        console.print(f"Note: churn unlike training: {sentence}{detail}", soft_wrap=True)


def _cells(cluster: ClusterSummary) -> list[str]:
    return [
        str(cluster["cluster"]),
        cluster["cluster_name"],
        f"{cluster['customers']:,}",
        f"{cluster['share']:.1%}",
        f"{cluster['training_share']:.1%}",
    ]


def _churn_cells(cluster: ClusterSummary) -> list[str]:
    """How many left, how many were to be expected, and the rate."""
    observed, expected = cluster["observed_churn"], cluster["expected_churners"]
    training = cluster["training_churn_rate"]
    if observed:
        rate = str(ChurnRate(**observed))
    else:
        rate = "–" if training is None else f"{training:.1%} in training"
    return [
        f"{observed['churned']:,}" if observed else "–",
        "–" if expected is None else f"{expected:,.0f}",
        rate,
    ]
