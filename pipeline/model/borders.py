"""Where another cluster begins, if one number of a customer changes and nothing else does.

Along one standardised column d²(other) - d²(own) is a straight line, so the first border either way
has a closed form. Standard library only; `pipeline.model.many.explanations` does the same for many.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.model.contract import LARGEST, Feature, Range
from pipeline.model.geometry import Space

DIGITS = 3
MOST_DIGITS = 6
"""Values are rounded outward to three digits of the move and of themselves, whichever are finer,
but to no more than six of themselves: about 1 % further than need be, and fit to be read."""
CLOSE = 1e-9
"""A border is on a round value where they differ by less, which rounding may make of a tie."""
_STEPS = 4
"""Steps past such a border that are tried: one for a tie, the others for rounding."""
SMALLEST = -40
POWERS = tuple(float(f"1e{exponent}") for exponent in range(SMALLEST, 41))
"""Powers of ten, among which a number's first digit is found the same for one and for many."""
Slopes = tuple[tuple[int, float], ...]
"""Clusters that come nearer, by their index, and by how much d² for each standard deviation."""


class Neighbours(NamedTuple):
    """The other clusters as they lie around one: which come nearer along each column."""

    up: tuple[Slopes, ...]
    """By column: those that come nearer while it grows."""
    down: tuple[Slopes, ...]
    """Those that come nearer while it falls."""
    towards: tuple[tuple[int, ...], ...]
    """By column and cluster: which way that cluster comes nearer, 1 up, -1 down, 0 neither."""

    def slopes(self, column: int, sign: int) -> Slopes:
        """The clusters that come nearer one way along a column."""
        return self.up[column] if sign > 0 else self.down[column]


def neighbours_of(space: Space, centres: Sequence[Sequence[float]], own: int) -> Neighbours:
    """The clusters around one of them.

    Args:
        space: Where distances are measured.
        centres: The centre of each cluster.
        own: The index of the one.
    """
    weights = [space.weights(centres[own], centre) for centre in centres]
    columns = range(len(space.mean))
    towards = tuple(
        tuple((of[column] < 0) - (of[column] > 0) for of in weights) for column in columns
    )
    up, down = (
        tuple(
            tuple((k, sign * of[column]) for k, of in enumerate(weights) if sign * of[column] > 0)
            for column in columns
        )
        for sign in (-1, 1)
    )
    return Neighbours(up, down, towards)


def first_border(leads: Sequence[float], slopes: Slopes) -> tuple[float, int]:
    """How far the first border is one way along a column, and the index of the cluster behind it.

    Args:
        leads: d²(other) - d²(own) of every cluster, by its index.
        slopes: The clusters that come nearer that way.

    Returns:
        The way in standard deviations, infinite where no cluster comes nearer.
    """
    way, behind = math.inf, -1
    for index, slope in slopes:
        move = leads[index] / slope
        if move < way:
            way, behind = move, index
    return way, behind


def first_past(
    feature: Feature, start: float, border: float, sign: int, moves: Callable[[float], bool]
) -> float | None:
    """The first round value past a border that the feature may have.

    Args:
        feature: A number.
        start: Its value now.
        border: The value where the border is.
        sign: 1 where the border is above the value, -1 where it is below.
        moves: Whether a value is past the border, for those that lie on it but for rounding.

    Returns:
        None where there is no valid value past it.
    """
    if not abs(border) < LARGEST or border not in feature.valid:
        return None
    whole = feature.type == "integer"
    past = on_grid(start, border, sign, whole=whole)
    if abs(past - border) > CLOSE * (1 + abs(border)):
        return _inside(feature.valid, past)
    for step in range(_STEPS):
        value = _inside(feature.valid, on_grid(start, border, sign, step, whole=whole))
        if moves(value):
            return value
    return None


def on_grid(start: float, border: float, sign: int, steps: int = 0, *, whole: bool) -> float:
    """A round number past a border: the first one, or so many steps of the grid further."""
    exponent = 0 if whole else _exponent(start, border)
    if exponent < 0:
        power = POWERS[-exponent - SMALLEST]
        return _outward(border * power, sign, steps) / power
    power = POWERS[exponent - SMALLEST]
    return _outward(border / power, sign, steps) * power


def _outward(scaled: float, sign: int, steps: int) -> int:
    return math.ceil(scaled) + steps if sign > 0 else math.floor(scaled) - steps


def _exponent(start: float, border: float) -> int:
    """Of the power of ten that values are rounded to."""
    fine = _magnitude(min(abs(border - start), 1 + abs(border))) - DIGITS
    coarse = _magnitude(max(abs(border), abs(start))) - MOST_DIGITS
    return max(fine, coarse, SMALLEST - 1) + 1


def _magnitude(number: float) -> int:
    """Of the first digit of a number from 0, as a power of ten."""
    return bisect_right(POWERS, number) - 1 + SMALLEST if number else -MOST_DIGITS


def _inside(valid: Range, value: float) -> float:
    """Rounding must not leave the valid range."""
    if valid.high is not None and value > valid.high:
        return valid.high
    return valid.low if valid.low is not None and value < valid.low else value
