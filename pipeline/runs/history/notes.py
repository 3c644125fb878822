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


def about_periods(points: Sequence[Point]) -> list[Note]:
    """Of each period how its file came, its model and wrong units; of the last, what changed."""
    notes: list[Note] = []
    known: dict[str, str] = {}
    for index, point in enumerate(points):
        notes += _about_repeats(point, known)
        if point.new_model:
            notes += _about_model(point.entry, points[index - 1].entry)
        if implausible := point.entry["drift"]["implausible"]:
            text = (
                f"{point.entry['as_of']}: implausible values in {', '.join(implausible)} (another "
                "unit, such as cents?); its groups are not compared"
            )
            notes.append(Note("units", text))
    latest = points[-1]
    changed = [change_note(latest.entry["as_of"], change) for change in latest.changes]
    return [*notes, *_about_order(points), *changed]


def _about_repeats(point: Point, known: dict[str, str]) -> list[Note]:
    """A period that came more than once, or with the figures of an earlier one."""
    entry, day = point.entry, point.entry["as_of"]
    notes = []
    if point.replaced:
        same = any(each["identity"] == entry["identity"] for each in point.replaced)
        what = "the same file" if same else "another file"
        if same and any(each["model_version"] != entry["model_version"] for each in point.replaced):
            what = "the same file, with another model"
        text = f"{day} was scored {len(point.replaced) + 1} times ({what}); the last counts, "
        notes.append(Note("twice", f"{text}{entry['run']}"))
    if entry["rows_assigned"] >= MIN_CUSTOMERS:
        figures = _figures(entry)
        if figures in known:
            text = f"{day} has the same figures as {known[figures]}; was one file delivered twice?"
            notes.append(Note("twice", text))
        known[figures] = day
    return notes


def _figures(entry: LedgerEntry) -> str:
    """What two files hardly have in common: every count, and how each feature is spread."""
    counts = [(c["cluster"], c["customers"], c["churned"]) for c in entry["clusters"]]
    psi = [each["psi"] for each in entry["drift"]["features"].values()]
    return repr((entry["model_version"], entry["rows_in"], entry["churned"], counts, psi))


def _about_order(points: Sequence[Point]) -> list[Note]:
    """Periods whose first file came a day or more after that of a later period."""
    late: list[tuple[str, str]] = []
    soonest: tuple[datetime, str] | None = None
    for point in reversed(points):
        first = min(map(committed_at, (point.entry, *point.replaced)))
        if soonest and first >= soonest[0] + _AHEAD:
            late.append((point.entry["as_of"], soonest[1]))
        soonest = min(filter(None, (soonest, (first, point.entry["as_of"]))))
    if not late:
        return []
    days = [day for day, _ in reversed(late)]
    return [Note("late", f"{_listed(days)} came late, after {late[0][1]}")]


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
