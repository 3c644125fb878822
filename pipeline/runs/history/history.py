"""The runs of one series of files over time: which count, what changed, and what is odd."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from model_store import NotFound
from pipeline.runs.history.entry import LedgerEntry
from pipeline.runs.history.ledger import Ledger
from pipeline.runs.history.notes import Note, about_clocks, about_files, about_periods
from pipeline.runs.history.points import Point, committed_at, make_points
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern, is_upload


@dataclass(frozen=True, slots=True)
class History:
    """The periods of one series of files."""

    results: str
    series: str
    """The name of its files, with * in place of their dates."""
    points: Sequence[Point]
    """The oldest period first."""
    notes: Sequence[Note]
    others: Sequence[tuple[str, int]] = ()
    """Other series beside these runs, and how many runs each has."""
    earlier: int = 0
    """How many periods before these are left out."""

    def to_dict(self) -> dict[str, Any]:
        """As `history --json` prints it."""
        return {
            "results": self.results,
            "series": self.series,
            "periods": [point.to_dict() for point in self.points],
            "notes": [{"kind": note.kind, "text": note.text} for note in self.notes],
            "others": dict(self.others),
            "earlier": self.earlier,
        }


def make_history(
    ledger: Ledger,
    results: str,
    *,
    series: str | None = None,
    runs: Collection[str] | None = None,
    periods: PeriodPattern = DEFAULT_PERIODS,
    last: int | None = None,
    now: datetime | None = None,
) -> History:
    """The history of one series of files.

    Args:
        ledger: The entries.
        results: Where they lie, for people.
        series: Which files, such as `customers-*.csv`; by default those with most runs.
        runs: The folders of the runs that are there; None where nobody looked.
        periods: How names say to which period a file belongs.
        last: So many periods at most, the latest; None shows all. Those before are still compared.
        now: The time, for what seems to come from the future.

    Raises:
        NotFound: There are no runs, or none of these files; names those that there are.
    """
    by_series: dict[str, list[LedgerEntry]] = {}
    for entry in sorted(ledger.entries, key=_in_order):
        by_series.setdefault(periods.series(entry["input"]), []).append(entry)
    if not by_series:
        raise NotFound("history (scored runs; --rebuild adds those of before)", results)
    chosen = series or max(by_series, key=lambda name: _weight(name, by_series[name]))
    if chosen not in by_series:
        raise NotFound(f"history of {chosen}", results, sorted(by_series))
    every = make_points(by_series[chosen], runs)
    points = every[-last:] if last else every
    points[0] = replace(points[0], new_model=False)
    entries = [entry for point in points for entry in (*point.replaced, point.entry)]
    notes = [
        *about_files(ledger, entries, runs),
        *about_clocks(entries, now or datetime.now(UTC)),
        *about_periods(points),
    ]
    counts = Counter({name: len(entries) for name, entries in by_series.items()})
    others = [(name, count) for name, count in counts.most_common() if name != chosen]
    return History(results, chosen, points, notes, others, len(every) - len(points))


def _weight(series: str, entries: Sequence[LedgerEntry]) -> tuple[bool, int, str]:
    """What is delivered comes before what people try out on the page; then most runs count."""
    return not is_upload(entries[0]["input"]), len(entries), series


def _in_order(entry: LedgerEntry) -> tuple[str, datetime, str]:
    return entry["as_of"], committed_at(entry), entry["run"]
