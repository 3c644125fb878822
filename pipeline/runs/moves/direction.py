"""Whether more customers moved towards risk than away from it: an exact sign test.

Under the null hypothesis each mover is as likely to move either way, so that the number of those
who moved towards risk is binomial with one half, given the movers. Needs the standard library only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.model.churn import wilson_interval
from pipeline.runs.moves.steps import Steps, steps_of
from pipeline.scoring.summary.churn_drift import SIGNIFICANT, SLIGHT

MovesVerdict = Literal[
    "more towards risk", "more away from risk", "no clear difference", "too few to tell", "unknown"
]
FEWEST = 6
"""Of fewer movers not even all in one direction are more than chance: 2 / 2⁵ is above 0.05."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Movers by whether their new group has the higher churn rate."""

    towards: int
    """To a group of a higher churn rate."""
    away: int
    level: int
    """To a group of the same rate, or one whose rate is not known."""
    p: float | None
    """How often chance alone is so one-sided; None where nobody moved either way."""
    verdict: MovesVerdict
    expected_before: float | None
    """Churners to expect of the customers in both runs, by the rates of their old groups."""
    expected_after: float | None
    steps: Steps
    """How far they moved: whether more of them are to be expected to churn, or fewer."""

    @property
    def share(self) -> float | None:
        """Of those who moved either way: the share towards risk."""
        either = self.towards + self.away
        return self.towards / either if either else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval (Wilson) of that share."""
        either = self.towards + self.away
        return wilson_interval(self.towards, either) if either else None


def direction_of(
    counts: Sequence[Sequence[int]],
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    comparable: bool = True,
) -> Direction:
    """Tell the direction of moves.

    Args:
        counts: Customers by old (row) and new (column) group.
        before: The churn rate of each group in the old run; None where it is not known.
        after: The same in the new run.
        comparable: Whether both runs mean the same by a group: else there is no verdict.
    """
    towards = away = level = 0
    for old, row in enumerate(counts):
        for new, number in enumerate(row):
            was, now = before[old], after[new]
            if old == new:
                continue
            if was is None or now is None or was == now:
                level += number
            elif now > was:
                towards += number
            else:
                away += number
    p = sign_test(towards, away) if towards + away else None
    known = all(rate is not None for rate in (*before, *after))
    verdict = verdict_of(towards, away) if known and comparable else "unknown"
    columns = list(zip(*counts, strict=True))
    steps = steps_of(counts, before, after, comparable=comparable)
    return Direction(
        towards, away, level, p, verdict,
        _expected(counts, before), _expected(columns, after), steps,
    )  # fmt: skip


def verdict_of(towards: int, away: int) -> MovesVerdict:
    """The words: a difference that chance makes, or one of less than a tenth, is none."""
    movers = towards + away
    if movers < FEWEST:
        return "too few to tell"
    slight = abs(towards - away) < SLIGHT * movers
    if sign_test(towards, away) >= SIGNIFICANT or slight:
        return "no clear difference"
    return "more towards risk" if towards > away else "more away from risk"


def sign_test(towards: int, away: int) -> float:
    """Two-sided p-value of a fair coin: the exact binomial tail, doubled."""
    movers, most = towards + away, max(towards, away)
    if 2 * most == movers:
        return 1.0
    term = total = 1.0
    for at in range(most, movers):  # upwards, until what is left cannot be seen
        term *= (movers - at) / (at + 1)
        total += term
        if term < 1e-17 * total:
            break
    log_p = math.lgamma(movers + 1) - math.lgamma(most + 1) - math.lgamma(movers - most + 1)
    log_p += math.log(total) - movers * math.log(2)
    return min(1.0, 2 * math.exp(min(log_p, 0.0)))


def _expected(rows: Sequence[Sequence[int]], rates: Sequence[float | None]) -> float | None:
    sizes = [sum(row) for row in rows]
    known: Mapping[int, float] = {at: rate for at, rate in enumerate(rates) if rate is not None}
    if any(size and at not in known for at, size in enumerate(sizes)):
        return None
    return sum(size * known[at] for at, size in enumerate(sizes) if size)
