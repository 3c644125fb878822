"""The history of a series of files as a page that stands alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.pages.rendering import render_page
from pipeline.runs.history.charts import TimeChart, TimeLine, distance_chart, time_chart
from pipeline.runs.history.entry import LedgerCluster
from pipeline.runs.history.history import History
from pipeline.runs.history.notes import Note, change_note
from pipeline.runs.history.points import Point
from pipeline.runs.history.shares import (
    Distance,
    Share,
    expected_churn,
    group_shares,
    observed_churn,
    rejected_share,
)
from pipeline.scoring.documents import Verdict

_TEMPLATE = "history/history.html.j2"
_VERDICTS: dict[Verdict, str] = {
    "stable": "as in training",
    "moved": "somewhat",
    "shifted": "clearly",
    "implausible": "implausible",
    "too few customers": "too few",
}


@dataclass(frozen=True, slots=True)
class GroupChart:
    """One group's share over time."""

    cluster: int
    name: str
    """As the newest model that has it calls it."""
    chart: TimeChart


def render_history(
    history: History,
    link: Callable[[Point], str | None],
    *,
    others: Callable[[str], str] | None = None,
    home: str | None = None,
) -> str:
    """The page as HTML.

    Args:
        history: What it shows.
        link: Where the report of a period is; None where it cannot be reached from the page.
        others: Where the history of another series is; None where nowhere.
        home: Where a link back leads; None where there is nowhere to go.
    """
    line = TimeLine.of(history.points)
    churn = time_chart(
        line, [("expected", _of(expected_churn)), ("observed", _of(observed_churn))], link
    )
    return render_page(
        _TEMPLATE,
        history=history,
        points=history.points,
        latest=history.points[-1],
        latest_changes=[_without_day(history.points[-1], c) for c in history.points[-1].changes],
        word=next((p.entry["churned_word"] for p in history.points[::-1]
                   if p.entry["churned_word"]), "left"),
        notes=[note for note in history.notes if note.kind not in ("changed", "rejected", "model")],
        groups=group_charts(line, link),
        churn=churn,
        rejected=time_chart(line, [("rejected", _of(rejected_share))], link),
        features=feature_names(history.points),
        mix=distance_chart(line, lambda point: Distance.of(point.entry["drift"]["clusters"]), link),
        distances=distance_charts(line, link),
        verdicts=_VERDICTS,
        observed=observed_churn,
        expected=expected_churn,
        rejects=rejected_share,
        link=link,
        other_link=others,
        home=home,
        models=len({point.entry["model_version"] for point in history.points}),
    )  # fmt: skip


def group_charts(line: TimeLine, link: Callable[[Point], str | None]) -> list[GroupChart]:
    """A chart for each group of any model, by number."""
    names = {
        cluster["cluster"]: cluster["cluster_name"]
        for point in line.points
        for cluster in point.entry["clusters"]
    }
    return [
        GroupChart(
            cluster,
            names[cluster],
            time_chart(
                line,
                [("group", partial(_group_share, cluster))],
                link,
                partial(_training_share, cluster),
            ),
        )
        for cluster in sorted(names)
    ]


def distance_charts(
    line: TimeLine, link: Callable[[Point], str | None]
) -> list[tuple[str, TimeChart]]:
    """A chart for each feature: how far it is from training."""

    def measure(name: str, point: Point) -> Distance | None:
        return Distance.of(point.entry["drift"]["features"].get(name))

    return [
        (name, distance_chart(line, partial(measure, name), link))
        for name in feature_names(line.points)
    ]


def feature_names(points: Sequence[Point]) -> list[str]:
    """Every feature that a model of the history reads, in the order of the newest."""
    names: dict[str, Any] = {}
    for point in reversed(points):
        names |= dict.fromkeys(point.entry["drift"]["features"])
    return list(names)


def _of(measure: Callable[[Any], Share | None]) -> Callable[[Point], Share | None]:
    return lambda point: measure(point.entry)


def _group_share(cluster: int, point: Point) -> Share | None:
    return group_shares(point.entry).get(cluster)


def _cluster_of(cluster: int, point: Point) -> LedgerCluster | None:
    return next((c for c in point.entry["clusters"] if c["cluster"] == cluster), None)


def _training_share(cluster: int, point: Point) -> float | None:
    found = _cluster_of(cluster, point)
    return found["training_share"] if found else None


def _without_day(point: Point, change: Any) -> str:
    note: Note = change_note(point.entry["as_of"], change)
    text = note.text.removeprefix(f"{point.entry['as_of']}: ")
    return text[0].upper() + text[1:]
