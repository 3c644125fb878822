"""Whether a file's customers differ from those of the file before it, and of the first one.

Each share, of a group, of who churned and of rejected rows, is compared by Fisher's exact test;
Holm (1979) adjusts for so many tests, so that where nothing has changed at most one file in twenty
is called different. The same customers come again in most files: then their shares differ less
than those of other customers would, and such calls are rarer still. Standard library only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.runs.history.entry import LedgerEntry
from pipeline.scoring.summary.churn_drift import CLEAR, SIGNIFICANT, SLIGHT, exact_p, holm
from pipeline.scoring.summary.verdict import MIN_CUSTOMERS

What = Literal["group", "churn", "rejected"]
Direction = Literal["higher", "lower", "clearly higher", "clearly lower"]


@dataclass(frozen=True, slots=True)
class Change:
    """A share that differs from an earlier file's by more than chance, and by a tenth or more."""

    what: What
    cluster: int | None
    """Of a group's share."""
    since: str
    """The period of the earlier file."""
    before: float
    now: float
    p_adjusted: float
    direction: Direction

    def to_dict(self) -> dict[str, Any]:
        """As the history's JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Share:
    """So many of so many."""

    what: What
    cluster: int | None
    count: int
    total: int

    @property
    def share(self) -> float:
        return self.count / self.total


def is_usable(entry: LedgerEntry) -> bool:
    """Whether the shares of a file's groups may be compared: no unit is wrong, nor are they few."""
    return not entry["drift"]["implausible"] and entry["rows_assigned"] >= MIN_CUSTOMERS


def changes(entry: LedgerEntry, before: Sequence[LedgerEntry]) -> list[Change]:
    """What differs from the file before, and from the first one, of the same model.

    Args:
        entry: A file.
        before: The files of earlier periods, the oldest first.
    """
    same = [each for each in before if each["model_version"] == entry["model_version"]]
    found: list[tuple[LedgerEntry, _Share, _Share, float]] = []
    for earlier in _references(entry, same):
        old = {(share.what, share.cluster): share for share in _shares(earlier, entry)}
        for share in _shares(entry, earlier):
            if known := old.get((share.what, share.cluster)):
                p = exact_p(known.count, known.total, share.count, share.total)
                found.append((earlier, known, share, p))
    adjusted = holm([p for *_, p in found])
    made = [
        _change(earlier, old, new, p)
        for (earlier, old, new, _), p in zip(found, adjusted, strict=True)
    ]
    return [change for change in made if change]


def _references(entry: LedgerEntry, same: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The last and the first file that may be compared; of a file whose groups may not, the last.

    Rejected rows are compared whatever the groups are.
    """
    usable = [each for each in same if is_usable(each)]
    if not usable:
        return []
    if not is_usable(entry) or len(usable) == 1:
        return usable[-1:]
    return [usable[-1], usable[0]]


def _shares(entry: LedgerEntry, other: LedgerEntry) -> Iterator[_Share]:
    """The shares of one file that may be compared with another's."""
    if entry["rows_in"]:
        yield _Share("rejected", None, entry["rows_rejected"], entry["rows_in"])
    if not (is_usable(entry) and is_usable(other)):
        return
    churned = entry["churned"]
    if churned and churned["customers"]:
        yield _Share("churn", None, churned["churned"], churned["customers"])
    for cluster in entry["clusters"]:
        yield _Share("group", cluster["cluster"], cluster["customers"], entry["rows_assigned"])


def _change(earlier: LedgerEntry, old: _Share, new: _Share, p: float) -> Change | None:
    difference = abs(new.share - old.share)
    if p >= SIGNIFICANT or difference <= SLIGHT * old.share:
        return None
    direction: Direction
    clear = difference >= CLEAR * old.share
    if new.share > old.share:
        direction = "clearly higher" if clear else "higher"
    else:
        direction = "clearly lower" if clear else "lower"
    return Change(
        new.what, new.cluster, earlier["as_of"], old.share, new.share, float(f"{p:.6g}"), direction
    )
