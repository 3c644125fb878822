"""Why many customers belong to their clusters: what `ClusterModel.assign` says of one, for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.contract import Value
from pipeline.model.geometry import squared_distance
from pipeline.model.reasons import reason


@dataclass(frozen=True, slots=True)
class Explanations:
    """Many customers' reasons: one element a customer in every array."""

    own: NDArray[np.intp]
    """Each customer's cluster, as an index of the model's clusters."""
    runner_up: NDArray[np.intp]
    """The next one."""
    runner_up_distance: NDArray[np.float64]
    contributions: Mapping[str, NDArray[np.float64]]
    """By feature: what it adds to d²(runner-up) - d²(own); above zero it speaks for the cluster."""


def explain_many(model: ClusterModel, features: Mapping[str, NDArray[Any]]) -> Explanations:
    """Explain the clusters of many customers.

    Args:
        model: The model that assigns them.
        features: As for `ClusterModel.assign_many`.

    Returns:
        The same clusters, runners-up and contributions that `ClusterModel.assign` finds for each
        customer alone.
    """
    z = model.standardise_many(features)
    u = model.space.rotate(z)
    squared = np.stack([squared_distance(u, cluster.centre) for cluster in model.clusters])
    order = np.argsort(squared, axis=0, kind="stable")  # ties to the lowest id
    own, runner_up = order[0], order[1]
    contributions = {f.name: np.zeros(len(own)) for f in model.contract.features}
    for first, second in np.unique(order[:2], axis=1).T.tolist():
        rows = np.flatnonzero((own == first) & (runner_up == second))
        border = model.border(model.clusters[first], model.clusters[second])
        terms = border.terms([column[rows] for column in z])
        for column, term in zip(model.columns, terms, strict=True):
            contributions[column.feature][rows] += term
    further = np.sqrt(squared[runner_up, np.arange(len(own))])
    return Explanations(own, runner_up, further, contributions)


def locate_many(model: ClusterModel, customers: Sequence[Mapping[str, Value]]) -> list[Assignment]:
    """What `ClusterModel.locate` says of each of many customers, in a third of the time.

    Args:
        model: The model that assigns them.
        customers: Values that the contract has parsed.

    Returns:
        The same clusters and words; numbers differ by rounding only.
    """
    features = {
        feature.name: np.array(
            [customer[feature.name] for customer in customers], float if feature.numeric else object
        )
        for feature in model.contract.features
    }
    found, answer = explain_many(model, features), model.assign_many(features)
    contributions = np.stack([found.contributions[f.name] for f in model.contract.features])
    terms = contributions.T.tolist()
    order = np.argsort(-np.abs(contributions), axis=0, kind="stable").T.tolist()
    own, runner_up = found.own.tolist(), found.runner_up.tolist()
    distance, further = answer.distance.tolist(), found.runner_up_distance.tolist()
    margin, outlier = answer.margin.tolist(), answer.outlier.tolist()
    residual = _residuals(model, features)

    def located(i: int, customer: Mapping[str, Value]) -> Assignment:
        if outlier[i]:  # few are, and why takes words
            return model.locate(customer)
        here, there = model.clusters[own[i]], model.clusters[runner_up[i]]
        reasons = tuple(
            reason(feature, customer[feature.name], terms[i][index], here, there)
            for index in order[i]
            for feature in (model.contract.features[index],)
        )
        return Assignment(
            here, distance[i], there, further[i], margin[i], (), residual[i], (), False, reasons
        )

    return [located(i, customer) for i, customer in enumerate(customers)]


def _residuals(model: ClusterModel, features: Mapping[str, NDArray[Any]]) -> Sequence[float | None]:
    """How far off the model's axes each customer is; None where that has no limit."""
    z = model.standardise_many(features)
    if model.clusters[0].outlier_residual is None:
        return [None] * len(z[0])
    squared = model.space.squared_residual(z, model.space.rotate(z))
    residuals: list[float | None] = np.sqrt(np.maximum(squared, 0)).tolist()
    return residuals
