"""Positions on a chart, in per cent of its width: such a chart fits every screen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """Positions of a rate and of the ends of its interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from low to high across the chart."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The position of a value, 0 to 100; what lies beyond an end is drawn at it."""
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def interval(self, rate: float, low: float, high: float) -> Interval:
        """The positions of a rate with its interval."""
        return Interval(self.at(rate), self.at(low), self.at(high))


def share_scale(highest: float) -> tuple[Scale, Sequence[tuple[float, float]]]:
    """A scale from 0 that holds a share, and its ticks: value and position of each."""
    step = next((s for s in _STEPS if highest / s <= _MOST_TICKS), _STEPS[-1])
    scale = Scale(0, min(1.0, max(1, math.ceil(highest / step)) * step))
    values = [index * step for index in range(round(scale.high / step) + 1)]
    return scale, [(value, scale.at(value)) for value in values]
