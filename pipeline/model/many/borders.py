"""Where another cluster begins: what `pipeline.model.borders` says of one customer, for many.

Numbers take the same operations in the same order there and here, so that both round alike.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model.borders import CLOSE, DIGITS, MOST_DIGITS, POWERS, SMALLEST, Slopes, first_past
from pipeline.model.contract import LARGEST, Feature

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
_POWERS = np.array([*POWERS, np.inf])
_TWOS = 128
"""The largest power of two around: POWERS end before it."""
_GUESSES = np.array([
    min(max(bisect_right(POWERS, 2.0 ** (twos - 1)) - 1, 0), len(POWERS) - 1)
    for twos in range(-_TWOS, _TWOS + 1)
])  # fmt: skip
"""The power of ten below the smallest number with each exponent of two; a larger number of that
exponent may have the next one."""


def first_borders(leads: Sequence[Array], slopes: Slopes) -> tuple[Array, Indices]:
    """How far the first border is one way along a column, and the clusters behind it.

    Args:
        leads: d²(other) - d²(own) of every cluster, by its index: one element a customer.
        slopes: The clusters that come nearer that way.

    Returns:
        The ways in standard deviations, infinite where no cluster comes nearer; and indices.
    """
    ways = np.full(len(leads[0]), np.inf)
    behind = np.full(len(leads[0]), -1, np.intp)
    for index, slope in slopes:
        moves = leads[index] / slope
        nearer = moves < ways
        np.copyto(ways, moves, where=nearer)
        np.copyto(behind, index, where=nearer)
    return ways, behind


def first_values_past(
    feature: Feature,
    starts: Array,
    borders: Array,
    signs: Array,
    moves: Callable[[int], Callable[[float], bool]],
) -> Array:
    """The first round value past each border that the feature may have; NaN where there is none.

    Args:
        feature: A number.
        starts: Its values now.
        borders: The values where the borders are.
        signs: 1 where a border is above the value, -1 where it is below.
        moves: Of the customer at an index: whether a value is past his border.
    """
    low, high = feature.valid.low, feature.valid.high
    possible = np.abs(borders) < LARGEST
    possible &= True if low is None else borders >= low
    possible &= True if high is None else borders <= high
    known = np.where(possible, borders, 0.0)
    past = _on_grid(starts, known, signs, whole=feature.type == "integer")
    tied = possible & (np.abs(past - known) <= CLOSE * (1 + np.abs(known)))
    past = np.clip(past, low, high) if low is not None or high is not None else past
    past[~possible] = np.nan
    for index in np.flatnonzero(tied).tolist():
        start, border = float(starts[index]), float(borders[index])
        value = first_past(feature, start, border, int(signs[index]), moves(index))
        past[index] = np.nan if value is None else value
    return past


def _on_grid(starts: Array, borders: Array, signs: Array, *, whole: bool) -> Array:
    if whole:
        return np.ceil(borders * signs) * signs
    exponents = _exponents(np.abs(starts), np.abs(borders), np.abs(borders - starts))
    powers = _POWERS.take(np.abs(exponents) - SMALLEST)
    fine = exponents < 0
    scaled = np.where(fine, borders * powers, borders / powers)
    first = np.ceil(scaled * signs) * signs
    rounded: Array = np.where(fine, first / powers, first * powers)
    return rounded


def _exponents(starts: Array, borders: Array, ways: Array) -> NDArray[np.int64]:
    fine = _magnitudes(np.minimum(ways, 1 + borders)) - DIGITS
    coarse = _magnitudes(np.maximum(borders, starts)) - MOST_DIGITS
    return np.maximum(np.maximum(fine, coarse), SMALLEST - 1) + 1


def _magnitudes(numbers: Array) -> NDArray[np.int64]:
    """As `bisect` finds them: guessed from the exponent of two, then corrected by comparing."""
    _, twos = np.frexp(numbers)
    guess = _GUESSES.take(np.clip(twos, -_TWOS, _TWOS) + _TWOS)
    found = guess + (numbers >= _POWERS.take(guess + 1))
    return np.where(numbers == 0, -MOST_DIGITS, found + SMALLEST)
