"""Customers, labels and a list with the same ids: each customer is counted once, and so is each id.

A value is never guessed: a customer whose id another row has too, or whom the labels contradict, is
left out and told.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.runs.outcomes.parts import PARTS, IdParts, Rows
from pipeline.runs.outcomes.sources import CHURNED, NO_RISK, STAYED, UNKNOWN
from pipeline.runs.outcomes.tally import OutcomeTally, add_counts

Flags = NDArray[np.bool_]
_NOT_COUNTED = -2
"""Beside the states of a label: there is none, or it is of no use."""
_CONTRADICTED = -3


def join(
    customers: IdParts, labels: IdParts, audience: IdParts | None, tally: OutcomeTally,
    *, others_stayed: bool,
) -> None:  # fmt: skip
    """Count the customers whose outcome is known.

    Args:
        customers: Those of the run.
        labels: Who has churned.
        audience: Who was to be contacted, and who is control; None without a list.
        tally: What is added to.
        others_stayed: Whether customers without a label have stayed.
    """
    tally.customers["no_id"] += customers.no_id
    tally.customers["customers"] += customers.rows
    tally.labels["no_id"] += labels.no_id
    tally.labels["rows"] += labels.rows
    if audience is not None:
        tally.listed["no_id"] += audience.no_id
        tally.listed["rows"] += audience.rows
    for index in range(PARTS):
        rows = customers.part(index)
        known = _labels(labels.part(index), tally)
        kept, outcome = _outcomes(rows, known, tally, others_stayed=others_stayed)
        _count(kept, outcome, tally)
        if audience is not None:
            _count_listed(audience.part(index), rows, kept, outcome, tally)


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels of a part: each id once, ascending."""

    exact: NDArray[np.uint64]
    loose: NDArray[np.uint64]
    state: NDArray[np.int64]


def _labels(rows: Rows, tally: OutcomeTally) -> _Labels:
    starts = _starts(rows)
    tally.labels["ids"] += len(starts)
    tally.labels["repeated_ids"] += int((np.diff(np.append(starts, len(rows))) > 1).sum())
    churned = _any_of(rows["state"] == CHURNED, starts)
    stayed = _any_of(rows["state"] == STAYED, starts)
    states = np.where(churned, CHURNED, np.where(stayed, STAYED, UNKNOWN))
    states[churned & stayed] = _CONTRADICTED
    return _Labels(rows["exact"][starts], rows["loose"][starts], states)


def _outcomes(
    rows: Rows, labels: _Labels, tally: OutcomeTally, *, others_stayed: bool
) -> tuple[Rows, NDArray[np.int64]]:
    """The customers of a part whose outcome is known, and the outcomes."""
    counts = tally.customers
    at, has_label = _find(labels.exact, rows["exact"])
    _count_strangers(rows, labels, has_label, tally)
    outcome = np.full(len(rows), STAYED if others_stayed else _NOT_COUNTED)
    outcome[has_label] = labels.state[at[has_label]]
    repeated = _repeated(rows)
    before = ~repeated & (rows["state"] == CHURNED)
    open_ = ~repeated & ~before
    counts["repeated"] += int(repeated.sum())
    counts["churned_before"] += int(before.sum())
    for name, state in (
        ("contradicted", _CONTRADICTED), ("not_known", UNKNOWN), ("no_label", _NOT_COUNTED)
    ):  # fmt: skip
        counts[name] += int((open_ & (outcome == state)).sum())  # type: ignore[literal-required]
    tally.followed += np.bincount(
        tally.positions(rows["cluster"][open_]), minlength=len(tally.clusters)
    )
    counted = open_ & (outcome >= STAYED)
    counts["counted"] += int(counted.sum())
    return rows[counted], outcome[counted]


def _count_strangers(rows: Rows, labels: _Labels, has_label: Flags, tally: OutcomeTally) -> None:
    _, known = _find(rows["exact"], labels.exact)
    tally.labels["strangers"] += int((~known).sum())
    alike = np.isin(labels.loose[~known], rows["loose"][~has_label])
    tally.labels["spelled_otherwise"] += int(alike.sum())


def _count(rows: Rows, outcome: NDArray[np.int64], tally: OutcomeTally) -> None:
    churned = outcome == CHURNED
    add_counts(tally.by_cluster, tally.positions(rows["cluster"]), churned)
    scored = rows["risk"] != NO_RISK
    add_counts(tally.by_risk, rows["risk"][scored].astype(np.int64), churned[scored])


def _count_listed(
    listed: Rows, every: Rows, kept: Rows, outcome: NDArray[np.int64], tally: OutcomeTally
) -> None:
    counts, starts = tally.listed, _starts(listed)
    control = _any_of(listed["control"] == 1, starts)
    contact = _any_of(listed["control"] == 0, starts)
    ids, both = listed["exact"][starts], control & contact
    counts["contradicted"] += int(both.sum())
    counts["repeated"] += len(listed) - len(starts)
    _, known = _find(every["exact"], ids)
    counts["strangers"] += int((~known & ~both).sum())
    at, counted = _find(kept["exact"], ids)
    counted &= ~both
    counts["not_counted"] += int((known & ~both & ~counted).sum())
    counts["counted"] += int(counted.sum())
    add_counts(tally.arms, control[counted].astype(np.intp), outcome[at[counted]] == CHURNED)


def _starts(rows: Rows) -> NDArray[np.intp]:
    """Where each id begins among rows by their ids."""
    ids = rows["exact"]
    return np.flatnonzero(np.append(True, ids[1:] != ids[:-1])) if len(ids) else _NOTHING


_NOTHING = np.zeros(0, np.intp)


def _repeated(rows: Rows) -> Flags:
    """Whose id another row has too, among rows by their ids."""
    ids = rows["exact"]
    same = ids[1:] == ids[:-1]
    found: Flags = np.append(same, False) | np.append(False, same) if len(ids) else same
    return found[: len(ids)]


def _any_of(flags: Flags, starts: NDArray[np.intp]) -> Flags:
    """Whether one of the rows of each id is flagged."""
    if not len(starts):
        return flags[:0]
    found: Flags = np.logical_or.reduceat(flags, starts)
    return found


def _find(known: NDArray[Any], wanted: NDArray[Any]) -> tuple[NDArray[np.intp], Flags]:
    """The position of each wanted hash among known ones, ascending; and whether it is there."""
    if not len(known):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return at, known[at] == wanted
