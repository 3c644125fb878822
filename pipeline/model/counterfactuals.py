"""Counterfactuals: for each feature alone, the smallest change that moves a customer elsewhere.

Standard library only; `pipeline.model.many.explanations` does the same for many.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.model.borders import first_border, first_past, neighbours_of
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel, Column
from pipeline.model.contract import Contract, Feature, Value
from pipeline.model.contract.feature import WAYS, Actionable
from pipeline.model.geometry import squared_distance


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Another value of one feature, and the cluster it moves the customer to."""

    feature: str
    value: Value
    cluster: Cluster
    size: float
    """How far it moves the customer, in standard deviations of the transformed features."""


def find_counterfactuals(
    model: ClusterModel,
    customer: Mapping[str, Value],
    ways: Mapping[str, Actionable] | None = None,
) -> dict[str, Counterfactual | None]:
    """The smallest change of each feature alone that moves a customer to another cluster.

    Args:
        model: The model that assigns the customer.
        customer: Values that the model's contract has parsed.
        ways: Which way each feature may change; None: as the contract says, and both where it
            says nothing. A feature that is not named stays as it is.

    Returns:
        By the name of the feature; None where no valid value of it alone changes the cluster, and
        where it cannot change.
    """
    search = _Search(model, customer)
    allowed = ways_of(model.contract) if ways is None else ways
    return {
        feature.name: search.smallest(feature, allowed.get(feature.name, "no"))
        for feature in model.contract.features
    }


def ways_of(contract: Contract) -> dict[str, Actionable]:
    """Which way each feature may change, by its name: both ways where nothing is declared."""
    return {feature.name: feature.actionable or "both" for feature in contract.features}


def possible_ways(feature: Feature) -> list[Actionable]:
    """The ways among which a caller may choose for a feature: never more than is declared."""
    declared = feature.actionable or "both"
    if declared == "both":
        return [*WAYS] if feature.numeric else ["both", "no"]
    return ["no"] if declared == "no" else [declared, "no"]


def smallest_counterfactual(
    counterfactuals: Iterable[Counterfactual | None],
) -> Counterfactual | None:
    """The smallest change of all; None where there is none."""
    return min(filter(None, counterfactuals), key=lambda change: change.size, default=None)


class _Search:
    """Where a customer stands, and how far the borders are."""

    def __init__(self, model: ClusterModel, customer: Mapping[str, Value]) -> None:
        self.model, self.customer = model, customer
        self.z = model.standardise(customer)
        u = model.space.rotate(self.z)
        squared = [squared_distance(u, cluster.centre) for cluster in model.clusters]
        near = min(squared)
        self.own = squared.index(near)  # ties to the lowest id
        self.leads = [further - near for further in squared]
        centres = [cluster.centre for cluster in model.clusters]
        self.around = neighbours_of(model.space, centres, self.own)

    def smallest(self, feature: Feature, ways: Actionable) -> Counterfactual | None:
        if ways == "no":
            return None
        if feature.numeric:
            signs = [sign for sign, way in ((1, "up"), (-1, "down")) if ways in ("both", way)]
            candidates = [self._past_border(feature, sign) for sign in signs]
        else:
            candidates = [self._with(feature, value) for value in feature.values]
        return smallest_counterfactual(candidates)

    def _past_border(self, feature: Feature, sign: int) -> Counterfactual | None:
        column, space = self.model.columns.index(Column(feature.name)), self.model.space
        way, _ = first_border(self.leads, self.around.slopes(column, sign))
        border = space.value_at(column, self.z[column] + sign * way)

        def moves(value: float) -> bool:
            return self.model.nearest({**self.customer, feature.name: value}) != self.own

        value = first_past(feature, float(self.customer[feature.name]), border, sign, moves)
        return None if value is None else self._with(feature, value)

    def _with(self, feature: Feature, value: Value) -> Counterfactual | None:
        """The change to a value; None where the cluster stays."""
        changed = {**self.customer, feature.name: value}
        index = self.model.nearest(changed)
        if index == self.own:
            return None
        size = math.dist(self.z, self.model.standardise(changed))
        return Counterfactual(feature.name, value, self.model.clusters[index], size)
