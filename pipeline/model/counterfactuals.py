"""Counterfactuals: for each feature alone, the smallest change that moves a customer elsewhere.

Along one standardised column d²(other) - d²(own) is a straight line, so the first border in either
direction has a closed form. Standard library only.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.errors import Problem
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel, Column
from pipeline.model.contract import Feature, Value
from pipeline.model.geometry import squared_distance, yeo_johnson_inverse

_DIGITS = 3
_MOST_DIGITS = 6
"""Values are rounded outward to three digits of the move and of themselves, whichever are finer,
but to no more than six of themselves: about 1 % further than need be, and fit to be read."""
_STEPS = 4
"""Steps of the rounding past the border that are tried: one for a tie, the others for rounding."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Another value of one feature, and the cluster it moves the customer to."""

    feature: str
    value: Value
    cluster: Cluster
    size: float
    """How far it moves the customer, in standard deviations of the transformed features."""


def find_counterfactuals(
    model: ClusterModel, customer: Mapping[str, Value]
) -> dict[str, Counterfactual | None]:
    """The smallest change of each feature alone that moves a customer to another cluster.

    Args:
        model: The model that assigns the customer.
        customer: Values that the model's contract has parsed.

    Returns:
        By the name of the feature; None where no valid value of it alone changes the cluster, and
        where the contract says that nobody can change it.
    """
    search = _Search(model, customer)
    return {
        feature.name: None if feature.actionable == "no" else search.smallest(feature)
        for feature in model.contract.features
    }


def smallest_counterfactual(
    counterfactuals: Iterable[Counterfactual | None],
) -> Counterfactual | None:
    """The smallest change of all; None where there is none."""
    return min(filter(None, counterfactuals), key=lambda change: change.size, default=None)


class _Search:
    """Where a customer stands, and how far the borders are."""

    def __init__(self, model: ClusterModel, customer: Mapping[str, Value]) -> None:
        self.model, self.customer = model, customer
        self.own = model.locate(customer).cluster
        self.z = model.standardise(customer)
        u = model.space.rotate(self.z)
        near = squared_distance(u, self.own.centre)
        others = [cluster for cluster in model.clusters if cluster is not self.own]
        self.leads = [squared_distance(u, cluster.centre) - near for cluster in others]
        self.weights = [model.space.weights(self.own.centre, c.centre) for c in others]

    def smallest(self, feature: Feature) -> Counterfactual | None:
        if feature.numeric:
            candidates = self._past_borders(feature)
        else:
            candidates = [self._with(feature, value) for value in feature.values]
        return smallest_counterfactual(candidates)

    def _past_borders(self, feature: Feature) -> list[Counterfactual | None]:
        column = self.model.columns.index(Column(feature.name))
        rising, falling = [], []
        for lead, weights in zip(self.leads, self.weights, strict=True):
            weight = weights[column]
            if weight < 0:
                rising.append(lead / -weight)
            elif weight > 0:
                falling.append(lead / weight)
        candidates = []
        for moves, sign, way in ((rising, 1, "up"), (falling, -1, "down")):
            if moves and feature.actionable in (None, "both", way):
                border = self._value_at(column, self.z[column] + sign * min(moves))
                candidates.append(self._outward(feature, border, sign))
        return candidates

    def _value_at(self, column: int, z: float) -> float:
        space = self.model.space
        transformed = z * space.scale[column] + space.mean[column]
        return yeo_johnson_inverse(transformed, space.lambdas[column])

    def _outward(self, feature: Feature, border: float, sign: int) -> Counterfactual | None:
        """The first value on the grid past the border that really changes the cluster."""
        if not math.isfinite(border) or border not in feature.valid:
            return None
        start = float(self.customer[feature.name])
        exponent = 0 if feature.type == "integer" else _exponent(start, border)
        scaled = border / 10.0**exponent
        first = math.ceil(scaled) if sign > 0 else math.floor(scaled)
        for step in range(_STEPS):
            value = float(f"{first + sign * step}e{exponent}")
            change = self._with(feature, _inside(feature, value))
            if change is not None:
                return change
        return None

    def _with(self, feature: Feature, value: Value) -> Counterfactual | None:
        """The change to a value; None where it is not valid or the cluster stays."""
        if isinstance(feature.parse(value), Problem):
            return None
        changed = {**self.customer, feature.name: value}
        cluster = self.model.locate(changed).cluster
        if cluster.id == self.own.id:
            return None
        size = math.dist(self.z, self.model.standardise(changed))
        return Counterfactual(feature.name, value, cluster, size)


def _exponent(start: float, border: float) -> int:
    """Of the power of ten that values are rounded to."""
    fine = min(_magnitude(border - start), _magnitude(1 + abs(border))) - _DIGITS
    coarse = max(_magnitude(border), _magnitude(start)) - _MOST_DIGITS
    return max(fine, coarse) + 1


def _magnitude(number: float) -> int:
    """Of the first digit, as a power of ten."""
    return math.floor(math.log10(abs(number))) if number else -_MOST_DIGITS


def _inside(feature: Feature, value: float) -> float:
    """Rounding must not leave the valid range."""
    low, high = feature.valid.low, feature.valid.high
    value = value if low is None else max(value, low)
    return value if high is None else min(value, high)
