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
    return Explanations(own, runner_up, contributions)


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
    z = model.standardise_many(features)
    u = model.space.rotate(z)
    squared = np.stack([squared_distance(u, cluster.centre) for cluster in model.clusters])
    found = explain_many(model, features)
    everyone = np.arange(len(customers))
    near = np.sqrt(squared[found.own, everyone])
    far = np.sqrt(squared[found.runner_up, everyone])
    margin = np.divide(far - near, far + near, out=np.zeros_like(far), where=far > 0)
    residual, odd = _residuals(model, z, u, found.own)
    for feature in model.contract.features:
        if feature.numeric:
            low, high = feature.typical.low, feature.typical.high
            values = features[feature.name]
            odd |= (values < low) if low is not None else False
            odd |= (values > high) if high is not None else False
    contributions = np.stack([found.contributions[f.name] for f in model.contract.features])
    order = np.argsort(-np.abs(contributions), axis=0, kind="stable").T.tolist()
    limits = np.array([cluster.outlier_distance for cluster in model.clusters])[found.own]
    rows = zip(
        customers, order, contributions.T.tolist(), found.own.tolist(), found.runner_up.tolist(),
        near.tolist(), far.tolist(), margin.tolist(), residual, (near > limits).tolist(),
        odd.tolist(), strict=True,
    )  # fmt: skip
    answers = []
    for customer, weighty, terms, own, other, close, further, lead, off, beyond, strange in rows:
        if strange:  # few are, and what is odd about them takes words
            answers.append(model.locate(customer))
            continue
        cluster, runner_up = model.clusters[own], model.clusters[other]
        reasons = tuple(
            reason(feature, customer[feature.name], terms[index], cluster, runner_up)
            for index in weighty
            for feature in (model.contract.features[index],)
        )
        answers.append(
            Assignment(cluster, close, runner_up, further, lead, (), off, (), beyond, reasons)
        )
    return answers


def _residuals(
    model: ClusterModel,
    z: Sequence[NDArray[np.float64]],
    u: Sequence[NDArray[np.float64]],
    own: NDArray[np.intp],
) -> tuple[list[float | None], NDArray[np.bool_]]:
    """How far off the model's axes each customer is, and whether that is too far."""
    limits = [cluster.outlier_residual for cluster in model.clusters]
    if None in limits:
        return [None] * len(own), np.zeros(len(own), bool)
    squared = model.space.squared_residual(z, u)
    known = np.array([limit * limit for limit in limits if limit is not None])[own]
    return np.sqrt(np.maximum(squared, 0)).tolist(), squared > known
