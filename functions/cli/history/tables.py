"""A history as tables in the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from functions.cli.output.console import bold, new_table, print_table, terminal
from functions.cli.output.text import without_controls
from pipeline.runs.history.changes import Change
from pipeline.runs.history.entry import LedgerEntry
from pipeline.runs.history.history import History
from pipeline.runs.history.points import Point
from pipeline.runs.history.shares import (
    Share,
    expected_churn,
    group_shares,
    observed_churn,
    rejected_share,
)

_UP, _DOWN = "▲", "▼"
_DRIFT = {"stable": "", "moved": "somewhat", "shifted": "clearly", "implausible": "implausible"}


def show(history: History) -> None:
    """Print the periods, the shares of the groups, and what to know of them."""
    console, points = terminal(), history.points
    first, last = points[0].entry["as_of"], points[-1].entry["as_of"]
    count = "1 period" if len(points) == 1 else f"{len(points):,} periods"
    span = first if first == last else f"{first} to {last}"
    before = f" ({history.earlier:,} before)" if history.earlier else ""
    console.print(Text.assemble(bold(history.series), f": {count}, {span}{before}"))
    _show_files(console, points)
    _show_groups(console, points)
    if any(point.changes for point in points):
        console.print(
            f"{_UP} {_DOWN}  unlike the file before or the first of its model, by more than chance",
            soft_wrap=True,
        )
    for note in history.notes:
        console.print(f"Note: {note.text}", soft_wrap=True)
    if history.others:
        others = ", ".join(f"{name} ({count:,})" for name, count in history.others[:5])
        more = ", …" if len(history.others) > 5 else ""
        console.print(f"Other files here, for --files: {others}{more}", soft_wrap=True)


def _show_files(console: Console, points: Sequence[Point]) -> None:
    word = next((p.entry["churned_word"] for p in points if p.entry["churned_word"]), "left")
    known = any(observed_churn(p.entry) or expected_churn(p.entry) for p in points)
    churn = (word.capitalize(), "Expected") if known else ()
    table = new_table("Period", "Customers", "Rejected", *churn, "Unlike training")
    for point in points:
        entry = point.entry
        cells = [
            entry["as_of"],
            f"{entry['rows_assigned']:,}",
            _cell(rejected_share(entry), point, "rejected"),
        ]
        if known:
            cells.append(_cell(observed_churn(entry), point, "churn", interval=True))
            cells.append(_cell(expected_churn(entry)))
        table.add_row(*cells, _unlike(entry))
    print_table(console, table)


def _show_groups(console: Console, points: Sequence[Point]) -> None:
    names = {c["cluster"]: c["cluster_name"] for p in points for c in p.entry["clusters"]}
    table = new_table("Period", *(f"Group {cluster}" for cluster in sorted(names)), "Model")
    for point in points:
        shares = group_shares(point.entry)
        cells = [_cell(shares.get(c), point, "group", c) for c in sorted(names)]
        first = point is points[0] or point.new_model
        table.add_row(point.entry["as_of"], *cells, point.entry["model_version"] if first else '"')
    console.print(table)
    for cluster in sorted(names):
        console.print(f"{cluster:>3}  {without_controls(names[cluster])}", soft_wrap=True)
    console.print()


def _cell(
    share: Share | None,
    point: Point | None = None,
    what: str = "",
    cluster: int | None = None,
    *,
    interval: bool = False,
) -> str:
    if share is None:
        return "–"
    text = str(share) if interval else f"{share.value:.1%}"
    found = [c for c in point.changes if c.what == what and c.cluster == cluster] if point else []
    return f"{text} {_arrow(found[0])}" if found else f"{text}  "


def _arrow(change: Change) -> str:
    return _UP if "higher" in change.direction else _DOWN


def _unlike(entry: LedgerEntry) -> str:
    """The features that are unlike training, and how."""
    drift = entry["drift"]
    if drift["implausible"]:
        return f"implausible: {', '.join(drift['implausible'])}"
    if drift["clusters"]["verdict"] == "too few customers":
        return "too few customers"
    verdicts = {name: _DRIFT.get(each["verdict"], "") for name, each in drift["features"].items()}
    verdicts["mix of groups"] = _DRIFT.get(drift["clusters"]["verdict"], "")
    return ", ".join(f"{name} ({how})" for name, how in verdicts.items() if how) or "–"
