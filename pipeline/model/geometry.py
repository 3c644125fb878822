"""The arithmetic of assignment, written once for one customer and for many.

A coordinate is a float (one customer) or a numpy array (one element a customer). Both take the
same IEEE operations in the same order, so a customer gets the same distances alone and in a file.
numpy itself is not imported: for one customer that would cost more than everything else.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from pipeline.model import typed_values as typed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Coordinate = TypeVar("Coordinate", float, "Array")


@dataclass(frozen=True, slots=True)
class Space:
    """Where distances are measured: transform, standardise, then rotate to principal axes.

    z = (T(x) - mean) / scale, where T is Yeo-Johnson with the column's lambda or, for None, the
    identity; u = (z - pca_mean) · componentsᵀ, or z itself where there is no PCA.
    """

    lambdas: tuple[float | None, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    pca_mean: tuple[float, ...] | None = None
    components: tuple[tuple[float, ...], ...] | None = None

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], columns: int) -> Self:
        """Read what `dataclasses.asdict` made of the space of so many columns.

        ValueError, KeyError or TypeError when it is not that.
        """
        lambdas, pca = typed.array(given["lambdas"], "lambdas"), given["components"]
        scale = typed.numbers(given["scale"], "scale", columns)
        if min(scale, default=1) <= 0:
            raise typed.wrong("scale", "numbers above zero", min(scale))
        space = cls(
            tuple(None if power is None else typed.number(power, "lambdas") for power in lambdas),
            typed.numbers(given["mean"], "mean", columns),
            scale,
            None if pca is None else typed.numbers(given["pca_mean"], "pca_mean", columns),
            None if pca is None else tuple(
                typed.numbers(axis, "components", columns)
                for axis in typed.array(pca, "components")
            ),
        )  # fmt: skip
        if len(space.lambdas) != columns or space.components == () or not columns:
            raise ValueError(f"expected a lambda for each of {columns} columns, and some axes")
        return space

    @property
    def dimensions(self) -> int:
        """Coordinates of the points that are compared with centres."""
        return len(self.mean if self.components is None else self.components)

    def standardise(self, columns: Sequence[Coordinate]) -> list[Coordinate]:
        """One coordinate a column, from the column's values."""
        return [
            (yeo_johnson(column, power) - mean) / scale
            for column, power, mean, scale in zip(
                columns, self.lambdas, self.mean, self.scale, strict=True
            )
        ]

    def value_at(self, column: int, z: Coordinate) -> Coordinate:
        """The values that standardised coordinates of a column stand for; infinite for none."""
        transformed = z * self.scale[column] + self.mean[column]
        return yeo_johnson_inverse(transformed, self.lambdas[column])

    def rotate(self, z: Sequence[Coordinate]) -> list[Coordinate]:
        """One coordinate an axis of the model's space, from standardised columns."""
        if self.components is None or self.pca_mean is None:
            return list(z)
        moved = [column - mean for column, mean in zip(z, self.pca_mean, strict=True)]
        return [_weighted_sum(moved, axis) for axis in self.components]

    def squared_residual(self, z: Sequence[Coordinate], u: Sequence[Coordinate]) -> Coordinate:
        """Squared orthogonal distance: how far a point lies off the axes that the model keeps.

        What PCA drops is invisible in u. By Pythagoras it is |z - pca_mean|² - |u|², for the axes
        are orthonormal; rounding may leave it a little below zero.

        Args:
            z: The point, one coordinate a standardised column.
            u: The same point on the axes, as `rotate` gives it.
        """
        assert self.pca_mean is not None
        total = squared_distance(z, self.pca_mean)
        for coordinate in u:
            total = total - coordinate * coordinate
        return total

    def residuals(self, z: Sequence[float], u: Sequence[float]) -> list[float]:
        """What the axes leave of each standardised column of a point, in standard deviations."""
        if self.components is None or self.pca_mean is None:
            return [0.0] * len(z)
        loadings = zip(*self.components, strict=True)
        return [
            column - mean - sum(map(float.__mul__, weights, u))
            for column, mean, weights in zip(z, self.pca_mean, loadings, strict=True)
        ]

    def border(self, own: Sequence[float], other: Sequence[float]) -> "Border":
        """Where one centre is as near as another, and what each column adds on either side.

        Args:
            own: A centre, one coordinate a dimension.
            other: Another centre.
        """
        middle = [(a + b) / 2 for a, b in zip(own, other, strict=True)]
        if self.components is None or self.pca_mean is None:
            return Border(tuple(self.weights(own, other)), tuple(middle))
        loadings = zip(*self.components, strict=True)
        origins = (
            mean + sum(map(float.__mul__, weights, middle))
            for mean, weights in zip(self.pca_mean, loadings, strict=True)
        )
        return Border(tuple(self.weights(own, other)), tuple(origins))

    def weights(self, own: Sequence[float], other: Sequence[float]) -> list[float]:
        """By how much d²(other) - d²(own) grows with each standardised column, anywhere."""
        direction = [2 * (a - b) for a, b in zip(own, other, strict=True)]
        if self.components is None:
            return direction
        columns = zip(*self.components, strict=True)
        return [sum(map(float.__mul__, loadings, direction)) for loadings in columns]


class Border(NamedTuple):
    """d²(other) - d²(own), which is affine in z: a sum of one term a standardised column."""

    weights: tuple[float, ...]
    """By how much it grows with each column."""
    origins: tuple[float, ...]
    """The middle between the two centres, where every term is zero: nothing else is left over."""

    def terms(self, z: Sequence[Coordinate]) -> list[Coordinate]:
        """What each column of one point, or of many, adds, in squared standard deviations."""
        return [
            (at - origin) * weight
            for at, origin, weight in zip(z, self.origins, self.weights, strict=True)
        ]


def squared_distance(u: Sequence[Coordinate], centre: Sequence[float]) -> Coordinate:
    """Squared Euclidean distance from a point, or from each of many, to a centre."""
    offset = u[0] - centre[0]
    total = offset * offset
    for dimension in range(1, len(u)):
        offset = u[dimension] - centre[dimension]
        total = total + offset * offset
    return total


def yeo_johnson(x: Coordinate, power: float | None) -> Coordinate:
    """Yeo & Johnson (2000), Biometrika 87:954-959; the identity when the power is None."""
    if power is None:
        return x
    if isinstance(x, float):
        return _yeo_johnson_one(x, power)
    return _yeo_johnson_many(x, power)


def _yeo_johnson_one(x: float, power: float) -> float:
    if x >= 0:
        return math.log1p(x) if power == 0 else (math.pow(x + 1, power) - 1) / power
    return -math.log1p(-x) if power == 2 else -(math.pow(1 - x, 2 - power) - 1) / (2 - power)


def _yeo_johnson_many(x: "Array", power: float) -> "Array":
    import numpy as np

    up, down = np.maximum(x, 0), np.minimum(x, 0)
    above = np.log1p(up) if power == 0 else (np.power(up + 1, power) - 1) / power
    if not down.any():  # amounts and counts never are below zero
        return above
    below = -np.log1p(-down) if power == 2 else -(np.power(1 - down, 2 - power) - 1) / (2 - power)
    return np.where(x >= 0, above, below)


def yeo_johnson_inverse(y: Coordinate, power: float | None) -> Coordinate:
    """The x that `yeo_johnson` makes y of; infinite where y lies beyond all it can make."""
    if power is None:
        return y
    if isinstance(y, float):
        return _inverse_one(y, power)
    return _inverse_many(y, power)


def _inverse_one(y: float, power: float) -> float:
    sign, power = (1, power) if y >= 0 else (-1, 2 - power)
    try:
        grown = power * abs(y)
        if grown <= -1:
            return sign * math.inf
        return sign * math.expm1(math.log1p(grown) / power if power else abs(y))
    except OverflowError:
        return sign * math.inf


def _inverse_many(y: "Array", power: float) -> "Array":
    import numpy as np

    def grown(size: "Array", power: float) -> "Array":
        if power == 0:
            return np.expm1(size)
        reach = np.maximum(power * size, -1)  # at -1, and beyond, there is nothing but infinity
        return np.expm1(np.log1p(reach) / power)

    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        above = grown(np.maximum(y, 0), power)
        if not (y < 0).any():
            return above
        return np.where(y < 0, -grown(np.maximum(-y, 0), 2 - power), above)


def _weighted_sum(columns: Sequence[Coordinate], weights: Sequence[float]) -> Coordinate:
    total = columns[0] * weights[0]
    for index in range(1, len(columns)):
        total = total + columns[index] * weights[index]
    return total
