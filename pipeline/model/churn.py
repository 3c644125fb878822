"""Churn rates with their uncertainty."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pipeline.model import typed_values as typed

RiskWord = Literal["low", "below average", "average", "above average", "high"]


@dataclass(frozen=True, slots=True)
class ChurnRate:
    """The share of some customers that left, with its Wilson 95 % interval.

    A historical rate of the group, never the probability of one person.
    """

    churned: int
    customers: int
    rate: float
    low: float
    high: float

    @classmethod
    def of(cls, churned: int, customers: int) -> Self | None:
        """The rate of some counts; None when there are no customers to count."""
        if customers == 0:
            return None
        low, high = wilson_interval(churned, customers)
        return cls(churned, customers, churned / customers, low, high)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], what: str) -> Self:
        """Read what `dataclasses.asdict` made; ValueError or TypeError when it is not that."""
        counts = {key: typed.whole(given[key], what) for key in ("churned", "customers")}
        rates = {key: typed.number(given[key], what) for key in ("rate", "low", "high")}
        return cls(**{**given, **counts, **rates})

    def __str__(self) -> str:
        return f"{self.rate:.1%} ({self.low:.1%} to {self.high:.1%})"


def risk(churn: ChurnRate, overall: float) -> RiskWord:
    """How a group's churn compares with that of all customers, in words.

    Args:
        churn: The churn rate of the group, with its interval.
        overall: The churn rate of all customers.

    Returns:
        low, below average, average, above average or high: the interval must lie wholly on one
        side of the overall rate, and for low and high beyond half and twice of it.
    """
    if churn.high < overall:
        return "low" if churn.high <= overall / 2 else "below average"
    if churn.low > overall:
        return "high" if churn.low >= overall * 2 else "above average"
    return "average"


def wilson_interval(events: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of the proportion `events` / `n` (Wilson 1927, JASA 22:209-212).

    Returns:
        Both ends, in [0, 1].
    """
    from statistics import NormalDist  # a look-up reads intervals and never makes one

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = events / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
