"""Whether those who moved took more risk with them: their steps between churn rates, added up.

Counts alone can say the opposite: many short steps down weigh less than a few long ones up. Under
the null hypothesis each mover is as likely to take its step up as down, so that the sum is one of
weighted coin tosses. Such a sum has no larger tail than 3.18 times that of a normal distribution,
of however few customers and whatever their steps (Bentkus and Dzindzalieta 2015, Bernoulli
21:1231-1237), so the p-value is never too small. Needs the standard library only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.scoring.summary.churn_drift import SIGNIFICANT, SLIGHT

StepsVerdict = Literal["more risk", "less risk", "no clear difference", "unknown"]
_TAIL = 1 / (2 * math.erfc(1.0))
"""1 / (4 P(Z ≥ √2)), the least constant that holds for every sum of weighted coin tosses."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of all movers between the churn rates of their groups."""

    net: float
    """How many churners more are to be expected of those who moved; below zero: fewer."""
    gross: float
    """The same, were every step one up."""
    p: float | None
    """How often chance alone is so one-sided, at most; None where nobody took a step."""
    verdict: StepsVerdict


def steps_of(
    counts: Sequence[Sequence[int]],
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    comparable: bool = True,
) -> Steps:
    """Add up the steps of moves; arguments as for `direction_of`."""
    taken = [
        (customers, now - was)
        for old, (row, was) in enumerate(zip(counts, before, strict=True))
        for new, (customers, now) in enumerate(zip(row, after, strict=True))
        if old != new and customers and was is not None and now is not None
    ]
    known = all(rate is not None for rate in (*before, *after))
    net = math.fsum(customers * step for customers, step in taken)
    gross = math.fsum(customers * abs(step) for customers, step in taken)
    spread = math.sqrt(math.fsum(customers * step * step for customers, step in taken))
    p = min(1.0, _TAIL * math.erfc(abs(net) / spread / math.sqrt(2))) if spread else None
    if not (known and comparable):
        return Steps(net, gross, p, "unknown")
    if p is None or p >= SIGNIFICANT or abs(net) < SLIGHT * gross:
        return Steps(net, gross, p, "no clear difference")
    return Steps(net, gross, p, "more risk" if net > 0 else "less risk")
