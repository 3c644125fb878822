"""What whoever reads a history has to know of its files, beside their figures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pipeline.runs.history.changes import Change
from pipeline.runs.history.entry import LEDGER, LedgerEntry, entry_name
from pipeline.runs.history.ledger import Ledger, without_entry
from pipeline.runs.history.points import Point, committed_at
from pipeline.scoring.period import day_of
from pipeline.scoring.summary.verdict import MIN_CUSTOMERS

NoteKind = Literal[
    "no run", "no entry", "damaged", "twice", "late", "clock", "model", "contract", "units",
    "rejected", "changed",
]  # fmt: skip
_AHEAD = timedelta(days=1)
"""So far may clocks be apart, or a file be of tomorrow somewhere on earth."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that whoever reads the history has to know."""

    kind: NoteKind
    text: str


def about_files(
    ledger: Ledger, entries: Sequence[LedgerEntry], runs: Collection[str] | None
) -> list[Note]:
    """Entries without a run, runs without an entry, and damaged entries."""
    notes = [
        Note("damaged", f"{name} is damaged; history --rebuild writes it anew")
        for name in ledger.damaged
    ]
    if runs is None:
        return notes
    notes += [
        Note(
            "no run",
            f"{entry['as_of']}: the run {entry['run']} is gone; its figures stand, its report does "
            f"not. To leave it out, delete {entry_name(entry['run'])}",
        )
        for entry in entries
        if entry["run"] not in runs
    ]
    missing = without_entry(runs, ledger)
    if missing:
        some = "run has" if len(missing) == 1 else "runs have"
        notes.append(
            Note(
                "no entry",
                f"{len(missing):,} {some} no entry in {LEDGER} ({_listed(missing)}); history "
                "--rebuild adds them",
            )
        )
    return notes


def about_clocks(entries: Sequence[LedgerEntry], now: datetime) -> list[Note]:
    """Times that cannot all be true."""
    notes = []
    for entry in entries:
        committed = committed_at(entry)
        if committed > now + _AHEAD:
            notes.append(
                Note(
                    "clock",
                    f"{entry['as_of']}: {entry['run']} was committed at {entry['committed']}, "
                    "which is not yet here; clocks are apart",
                )
            )
        elif day_of(entry["as_of"]) > (committed + _AHEAD).date():
            notes.append(
                Note(
                    "clock",
                    f"{entry['input']} belongs to {entry['as_of']} and was scored before, on "
                    f"{committed.date()}; is that date meant?",
                )
            )
    return notes


def _same_figures(point: Point, before: Sequence[Point]) -> list[Note]:
    """A file that is likely an earlier one under another name: two hardly have the same counts."""
    entry = point.entry
    if entry["rows_assigned"] < MIN_CUSTOMERS:
        return []
    same = [each.entry["as_of"] for each in before if _figures(each.entry) == _figures(entry)]
    if not same:
        return []
    text = f"{entry['as_of']} has the same figures as {same[-1]}; was one file delivered twice?"
    return [Note("twice", text)]


def _figures(entry: LedgerEntry) -> object:
    counts = [(c["cluster"], c["customers"], c["churned"]) for c in entry["clusters"]]
    psi = [each["psi"] for each in entry["drift"]["features"].values()]
    return entry["model_version"], entry["rows_in"], entry["churned"], counts, psi


def about_periods(points: Sequence[Point]) -> list[Note]:
    """Of each period: how its file came, its model, wrong units, and what has changed."""
    notes: list[Note] = []
    for index, point in enumerate(points):
        entry, day = point.entry, point.entry["as_of"]
        notes += _about_deliveries(point, points[index + 1 :])
        notes += _same_figures(point, points[:index])
        if point.new_model:
            notes += _about_model(entry, points[index - 1].entry)
        if entry["drift"]["implausible"]:
            names = ", ".join(entry["drift"]["implausible"])
            notes.append(
                Note(
                    "units",
                    f"{day}: implausible values in {names} (another unit, such as cents?); its "
                    "groups are not compared",
                )
            )
        notes += [change_note(day, change) for change in point.changes]
    return notes


def _about_deliveries(point: Point, later: Sequence[Point]) -> list[Note]:
    """A period that came more than once, or after later ones."""
    entry, day = point.entry, point.entry["as_of"]
    notes = []
    if point.replaced:
        same = any(each["identity"] == entry["identity"] for each in point.replaced)
        what = "the same file" if same else "another file"
        if same and any(each["model_version"] != entry["model_version"] for each in point.replaced):
            what = "the same file, with another model"
        notes.append(
            Note(
                "twice",
                f"{day} was scored {len(point.replaced) + 1} times ({what}); the last counts, "
                f"{entry['run']}",
            )
        )
    first = min(map(committed_at, (entry, *point.replaced)))
    earlier = [
        other.entry["as_of"]
        for other in later
        if min(map(committed_at, (other.entry, *other.replaced))) < first
    ]
    if earlier:
        notes.append(Note("late", f"{day} came late, after {earlier[-1]}"))
    return notes


def _about_model(entry: LedgerEntry, before: LedgerEntry) -> list[Note]:
    day = entry["as_of"]
    note = Note(
        "model",
        f"{day}: a new model, {entry['model_version']}; nothing is compared across it",
    )
    if entry["contract_sha256"] == before["contract_sha256"]:
        return [note]
    text = f"{day}: its contract is another one; the groups may mean something else"
    return [note, Note("contract", text)]


def change_note(day: str, change: Change) -> Note:
    """A change in words."""
    what = {
        "group": f"share of group {change.cluster}",
        "churn": "churn",
        "rejected": "share of rejected rows",
    }[change.what]
    text = (
        f"{day}: {what} {change.direction} than {change.since}: "
        f"{change.before:.1%} then, {change.now:.1%} now"
    )
    return Note("rejected" if change.what == "rejected" else "changed", text)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown}, …" if len(names) > 3 else shown
