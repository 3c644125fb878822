"""How two versions differ, for people and in files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from functions.cli import console
from model_store.extras import needs_extra
from pipeline.errors import WrongFile

if TYPE_CHECKING:
    from pipeline.comparing import Comparison
    from pipeline.model.crosswalk import Crosswalk


def show_comparison(comparison: "Comparison") -> None:
    """Two versions for people."""
    out = console.terminal()
    bold = console.bold
    out.print(bold(comparison.old), "and", bold(comparison.new))
    table = console.new_table("Figure", "Old", "New", "Change")
    for name, figure in comparison.to_dict()["metrics"].items():
        table.add_row(name.replace("_", " "), *(_number(figure[k]) for k in ("old", "new")),
                      _number(figure["change"], "+"))  # fmt: skip
    out.print(table)
    if comparison.crosswalk is None:
        out.print("Nobody counted who moves; --data FILE counts on the customers of a file\n")
    else:
        _show_crosswalk(comparison.crosswalk)
    table = console.new_table("Feature", "PSI", "Verdict")
    for drift in comparison.drift:
        table.add_row(drift.name, f"{drift.psi:.4f}", drift.verdict)
    out.print(table)
    for objection in comparison.objections:
        click.echo(f"• against a promotion: {objection}")
    if not comparison.objections:
        click.echo("Nothing speaks against a promotion")


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


def _show_crosswalk(crosswalk: "Crosswalk") -> None:
    out = console.terminal()
    out.print(
        f"Of {crosswalk.customers:,} customers {crosswalk.moved_share:.1%} change their cluster "
        f"(adjusted Rand index {crosswalk.ari:.3f})"
    )
    table = console.new_table("Old \\ new", *(str(id) for id in crosswalk.new_ids))
    for id, counts in zip(crosswalk.old_ids, crosswalk.counts, strict=True):
        table.add_row(str(id), *(f"{count:,}" for count in counts))
    out.print(table)
    table = console.new_table("Cluster", "Name", "Became", "Overlap", "Centre moved", "Churn")
    for fate in crosswalk.clusters:
        moved = "–" if fate.centre_shift is None else f"{fate.centre_shift:.2f} sd"
        churn = " → ".join(_percent(rate) for rate in (fate.churn_before, fate.churn_after))
        row = (str(fate.id), fate.name, fate.became, f"{fate.overlap:.1%}", moved, churn)
        table.add_row(*row)
    out.print(table)


def _number(value: float | None, sign: str = "") -> str:
    if value is None:
        return "–"
    return f"{value:{sign},d}" if isinstance(value, int) else f"{value:{sign}.4f}"


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.1%}"
