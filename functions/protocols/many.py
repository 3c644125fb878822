"""What predictions say of many customers, by numpy: a module that is loaded when there are many."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Value


def assign_at_once(
    model: ClusterModel, customers: Sequence[Mapping[str, Value]]
) -> dict[str, list[Any]]:
    """What `ClusterModel.locate` says of each customer, without reasons: a list for each column."""
    features = {
        feature.name: np.array(
            [customer[feature.name] for customer in customers], float if feature.numeric else object
        )
        for feature in model.contract.features
    }
    assigned = model.assign_many(features)
    found: dict[str, list[Any]] = {
        "cluster": assigned.cluster.tolist(),
        "margin": assigned.margin.tolist(),
        "distance": assigned.distance.tolist(),
        "outlier": assigned.outlier.tolist(),
    }
    if model.risk is not None:
        found["risk"] = model.risk.assess_many(features).rate.tolist()
    return found
