"""How two versions differ, for people and in files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.cli.output import console
from model_store.extras import needs_extra
from pipeline.errors import WrongFile

if TYPE_CHECKING:
    from pipeline.comparing import Comparison
    from pipeline.model.crosswalk import Crosswalk

COMPARISON_FILES = "Folder for comparison.json and comparison.html."
"""The help of an option that says where they go."""


def show_comparison(comparison: "Comparison") -> None:
    """Print how two versions differ."""
    out = console.terminal()
    bold = console.bold
    out.print(bold(comparison.old), "and", bold(comparison.new))
    table = console.new_table("Figure", "Old", "New", "Change")
    known = {name: figure for name, figure in comparison.figures.items() if figure.known}
    for name, figure in known.items():
        values = _number(figure.old), _number(figure.new), _number(figure.change, "+")
        table.add_row(name.replace("_", " "), *values)
    out.print(table)
    if comparison.crosswalk is None:
        out.print("Nobody counted who moves; --data FILE counts on the customers of a file\n")
    else:
        _show_crosswalk(comparison.crosswalk, churn="churn_rate" in known)
    table = console.new_table("Feature", "PSI", "Verdict")
    for drift in comparison.drift:
        table.add_row(drift.name, f"{drift.psi:.4f}", drift.verdict)
    out.print(table)
    if comparison.evidence:
        _show_evidence(comparison)
    for objection in comparison.objections:
        click.echo(f"• against a promotion: {objection}")
    if not comparison.objections:
        click.echo("Nothing speaks against a promotion")


def _show_evidence(comparison: "Comparison") -> None:
    out = console.terminal()
    table = console.new_table("What", "As of", "Counted", "Churned", "Expected", "AUC", "Verdict")
    for each in comparison.evidence:
        overall, auc = each.document["overall"], each.auc
        observed = overall["observed"]
        table.add_row(
            f"outcomes of the {'new' if each.of_new else 'old'} one",
            each.document["as_of"],
            f"{overall['counted']:,}",
            f"{observed['churned']:,}" if observed else "–",
            f"{overall['expected_churners']:,.0f}",
            f"{auc['value']:.3f}" if auc else "–",
            overall["verdict"],
        )
    out.print(table)


def write_comparison(comparison: "Comparison", folder: Path) -> None:
    """comparison.json for machines and comparison.html for people."""
    with needs_extra("the page of a comparison", "train"):
        from pipeline.comparing.page import render
    text = json.dumps(comparison.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "comparison.json").write_text(text + "\n", encoding="utf-8")
        (folder / "comparison.html").write_text(render(comparison), encoding="utf-8")
    except OSError as error:
        raise WrongFile(folder, f"cannot be written ({error.strerror})") from error


def _show_crosswalk(crosswalk: "Crosswalk", *, churn: bool) -> None:
    out = console.terminal()
    out.print(
        f"Of {crosswalk.customers:,} customers {crosswalk.moved_share:.1%} change their cluster "
        f"(95 % interval {crosswalk.moved_interval[0]:.1%} to {crosswalk.moved_interval[1]:.1%}; "
        f"adjusted Rand index {crosswalk.ari:.3f})"
    )
    table = console.new_table("Old \\ new", *map(str, crosswalk.new_ids))
    for cluster, counts in zip(crosswalk.old_ids, crosswalk.counts, strict=True):
        table.add_row(str(cluster), *(f"{count:,}" for count in counts))
    out.print(table)
    headings = ["Churn"] if churn else []
    table = console.new_table("Cluster", "Name", "Became", "Overlap", "Centre moved", *headings)
    for row in crosswalk.clusters:
        moved = "–" if row.centre_shift is None else f"{row.centre_shift:.2f} sd"
        rates = (
            f"{_percent(row.churn_before, row.churn_before_interval)} → "
            f"{_percent(row.churn_after, row.churn_after_interval)}"
        )
        cells = str(row.id), row.name, row.became, f"{row.overlap:.1%}", moved
        table.add_row(*cells, *([rates] if churn else []))
    console.print_table(out, table)


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return "–"
    return f"{value:{sign},d}" if isinstance(value, int) else f"{value:{sign}.4f}"


def _percent(rate: float | None, interval: tuple[float, float] | None) -> str:
    if rate is None:
        return "–"
    return f"{rate:.1%} ({interval[0]:.1%} to {interval[1]:.1%})" if interval else f"{rate:.1%}"
