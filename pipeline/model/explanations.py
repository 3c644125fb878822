"""Why many customers belong to their clusters: what `ClusterModel.assign` says of one, for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.geometry import squared_distance


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
        centres = model.clusters[first].centre, model.clusters[second].centre
        terms = model.space.contributions([column[rows] for column in z], *centres)
        for column, term in zip(model.columns, terms, strict=True):
            contributions[column.feature][rows] += term
    return Explanations(own, runner_up, contributions)
