"""What a feature's part is made of: knots or values, and what keeps the part from wiggling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.model.contract import Feature
from pipeline.model.risk import Term

KNOTS = 12
"""Of a number. They lie at equal steps of a normal distribution, which is dense in the tails: the
parts mean the same on any monotone scale of the feature."""
_OUTERMOST = 2.4
"""Standard deviations from the middle to the outermost of these steps: beyond are 8 customers of
1,000 on either side, too few to say that they differ."""
_ATOM = 0.05
"""A smallest or largest value that so many customers share, such as a balance of 0, is a case of
its own: its part need not be like that of the values beside it."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Basis:
    """A feature's hat functions, one for each knot or value."""

    feature: Feature
    knots: NDArray[np.float64]
    """Ascending; none for a category."""
    penalty: Matrix
    """(functions, functions): coefficients b cost b' penalty b."""

    def matrix(self, values: NDArray[np.generic]) -> Matrix:
        """The functions at some values, (values, functions); each row adds up to 1."""
        if not self.feature.numeric:
            return np.column_stack([values == each for each in self.feature.values]).astype(float)
        numbers = values.astype(float)
        cell = np.clip(np.searchsorted(self.knots, numbers, "right") - 1, 0, len(self.knots) - 2)
        share = (numbers - self.knots[cell]) / np.diff(self.knots)[cell]
        share = np.clip(share, 0, 1)
        functions, rows = np.zeros((len(numbers), len(self.knots))), np.arange(len(numbers))
        functions[rows, cell], functions[rows, cell + 1] = 1 - share, share
        return functions

    def term(self, parts: NDArray[np.float64]) -> Term:
        """What the model keeps of the feature."""
        if not self.feature.numeric:
            return Term(self.feature.name, tuple(parts.tolist()), values=self.feature.values)
        return Term(self.feature.name, tuple(parts.tolist()), tuple(self.knots.tolist()))


def basis_of(feature: Feature, values: NDArray[np.generic]) -> Basis:
    """The basis for a feature that has these values; there are two different ones at least."""
    if not feature.numeric:
        return Basis(feature, np.zeros(0), np.eye(len(feature.values)))
    numbers = values.astype(float)
    different = np.unique(numbers)
    if len(different) <= KNOTS:
        return Basis(feature, different, _wiggliness(len(different), 0, 0))
    low, high = (int((numbers == end).mean() >= _ATOM) for end in different[[0, -1]])
    inner = numbers[(numbers > different[0]) | (not low)]
    inner = inner[(inner < different[-1]) | (not high)]
    shares = norm.cdf(np.linspace(-_OUTERMOST, _OUTERMOST, KNOTS - low - high))
    quantiles = np.quantile(inner, shares, method="nearest")
    knots = np.unique([*different[:low], *quantiles, *different[len(different) - high :]])
    return Basis(feature, knots, _wiggliness(len(knots), low, high))


def _wiggliness(size: int, low: int, high: int) -> Matrix:
    """Squared second differences of coefficients; the atoms at the two ends are left out."""
    penalty = np.zeros((size, size))
    inner = size - low - high
    if inner > 2:
        second = np.diff(np.eye(inner), 2, axis=0)
        penalty[low : size - high, low : size - high] = second.T @ second
    return penalty
