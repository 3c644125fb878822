"""From a fitted pipeline to a ClusterModel: clusters with profiles, baseline, golden customers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster, Profile
from pipeline.model.cluster_model import ClusterModel, Golden
from pipeline.model.contract import Contract, Value
from pipeline.training.cleaning import Customers
from pipeline.training.clusters.lineage import Lineage
from pipeline.training.clusters.names import describe, keep_texts, name_clusters, traits
from pipeline.training.fitting import Fitted

OUTLIER_QUANTILE = 0.995
LEAST_RESIDUAL = 0.1
"""In standard deviations. Where a dropped axis hardly varies, as when a column is the sum of two
others, rounding in a later file must not make outliers."""
_DECILES = np.arange(1, 10) / 10


def build_model(
    fitted: Fitted,
    customers: Customers,
    counted: NDArray[np.intp],
    lineage: Lineage | None = None,
) -> ClusterModel:
    """The model that serving loads; a cluster that descends from an old one keeps its name.

    Args:
        fitted: The clusters.
        customers: All that were trained on.
        counted: Positions of those whose churn is counted.
        lineage: Where ids and names come from; without it clusters are numbered from 1.
    """
    model = ClusterModel(
        customers.contract,
        fitted.columns,
        fitted.space,
        _clusters(fitted, customers, counted, lineage),
        _baseline(customers),
        (),
    )
    golden = []
    for customer in _golden_customers(model):
        assigned = model.assign(customer)
        golden.append(Golden(customer, assigned.cluster.id, assigned.distance))
    return replace(model, golden=tuple(golden))


def _clusters(
    fitted: Fitted, customers: Customers, counted: NDArray[np.intp], lineage: Lineage | None
) -> tuple[Cluster, ...]:
    frame, churned, contract = customers.features, customers.churned, customers.contract
    members = [fitted.labels == index for index in range(len(fitted.centres))]
    profiles = [_profile(contract, frame, mask) for mask in members]
    found = [
        traits(contract, profile, frame, mask)
        for profile, mask in zip(profiles, members, strict=True)
    ]
    names = name_clusters(found)
    residuals = _residuals(fitted)
    ids = range(1, len(members) + 1) if lineage is None else lineage.ids
    clusters = []
    for index, mask in enumerate(members):
        size, centre = int(mask.sum()), fitted.centres[index]
        known = counted[mask[counted]]
        churn = None if churned is None else ChurnRate.of(int(churned[known].sum()), len(known))
        distances = np.linalg.norm(fitted.points[mask] - centre, axis=1)
        clusters.append(
            Cluster(
                id=ids[index],
                name=names[index],
                description=describe(found[index], churn, contract.churned_word),
                centre=tuple(centre.tolist()),
                size=size,
                share=size / len(frame),
                churn=churn,
                outlier_distance=float(np.quantile(distances, OUTLIER_QUANTILE)),
                profile=profiles[index],
                outlier_residual=None if residuals is None else _limit(residuals[mask]),
            )
        )
    return tuple(clusters) if lineage is None else keep_texts(clusters, lineage)


def _residuals(fitted: Fitted) -> NDArray[np.float64] | None:
    """How far each customer lies off the axes that PCA keeps; None where it drops none."""
    z = [column.astype(float) for column in fitted.standardised.T]
    if fitted.space.components is None or fitted.space.dimensions == len(z):
        return None
    squared = fitted.space.squared_residual(z, fitted.space.rotate(z))
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def _limit(residuals: NDArray[np.float64]) -> float:
    return max(float(np.quantile(residuals, OUTLIER_QUANTILE)), LEAST_RESIDUAL)


def _profile(
    contract: Contract, frame: pd.DataFrame, mask: NDArray[np.bool_]
) -> dict[str, Profile]:
    profile = {}
    for feature in contract.features:
        if feature.numeric:
            values = frame[feature.name].to_numpy()
            inside = values[mask]
            q1, median, q3 = (float(q) for q in np.quantile(inside, (0.25, 0.5, 0.75)))
            mean = float(inside.mean())
            z = float((mean - values.mean()) / values.std())
            profile[feature.name] = Profile(mean, median, q1, q3, z)
    return profile


def _baseline(customers: Customers) -> dict[str, Any]:
    """Shares of the training customers in bins: deciles of a number, values of a category."""
    features: dict[str, Any] = {}
    for feature in customers.contract.features:
        values = customers.features[feature.name].to_numpy()
        if feature.numeric:
            edges = np.unique(np.quantile(values, _DECILES))
            counts = np.bincount(np.searchsorted(edges, values, "right"), minlength=len(edges) + 1)
            features[feature.name] = {"edges": edges.tolist()}
        else:
            counts = np.array([(values == value).sum() for value in feature.values])
            features[feature.name] = {"values": list(feature.values)}
        features[feature.name]["shares"] = (counts / len(values)).tolist()
    return {"customers": len(customers.features), "features": features}


def _golden_customers(model: ClusterModel) -> list[dict[str, Value]]:
    """A customer at each cluster's medians and one between each two; no real row among them."""
    middles = [
        {name: profile.median for name, profile in cluster.profile.items()}
        for cluster in model.clusters
    ]
    between = [
        {name: a[name] + 0.4 * (b[name] - a[name]) for name in a}
        for index, a in enumerate(middles)
        for b in middles[index + 1 :]
    ]
    return [_customer(model.contract, numbers) for numbers in middles + between]


def _customer(contract: Contract, numbers: dict[str, float]) -> dict[str, Value]:
    customer: dict[str, Value] = {}
    for index, feature in enumerate(contract.features):
        if feature.numeric:
            number = numbers[feature.name]
            customer[feature.name] = float(round(number)) if feature.type == "integer" else number
        else:
            customer[feature.name] = feature.values[index % len(feature.values)]
    return customer
