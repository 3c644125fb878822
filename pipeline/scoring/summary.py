"""What a run states about its customers: clusters, churn, rejects and drift."""

from typing import Any

from pipeline.churn import ChurnRate
from pipeline.cluster import Cluster
from pipeline.model import ClusterModel
from pipeline.scoring.drift import feature_drift, mix_drift
from pipeline.scoring.tally import Tally


def summarise(model: ClusterModel, tally: Tally) -> dict[str, Any]:
    """The whole summary, from counts that may come from any number of blocks."""
    assigned, rejected = int(tally.customers.sum()), tally.rejected.total()
    clusters = [
        _cluster(model, tally, position, cluster) for position, cluster in enumerate(model.clusters)
    ]
    expected = [cluster["expected_churners"] for cluster in clusters]
    drift = feature_drift(model, tally)
    return {
        "rows_in": assigned + rejected,
        "rows_assigned": assigned,
        "rows_rejected": rejected,
        "rejected_for": dict(sorted(tally.rejected.items(), key=lambda item: (-item[1], item))),
        "outliers": int(tally.outliers.sum()),
        "observed_churn": _rate(int(tally.churned.sum()), int(tally.labelled.sum())),
        "expected_churners": None if None in expected else _rounded(sum(expected)),
        "clusters": clusters,
        "drift": {
            "features": {found.name: found.to_dict() for found in drift},
            "clusters": mix_drift(model, tally).to_dict(),
            "implausible": [found.name for found in drift if found.verdict == "implausible"],
        },
    }


def _cluster(model: ClusterModel, tally: Tally, position: int, cluster: Cluster) -> dict[str, Any]:
    total, customers = int(tally.customers.sum()), int(tally.customers[position])
    rate = cluster.churn.rate if cluster.churn else None
    numeric = [feature for feature in model.contract.features if feature.numeric]
    return {
        "cluster": cluster.id,
        "cluster_name": cluster.name,
        "customers": customers,
        "share": customers / total if total else 0.0,
        "training_share": cluster.share,
        "training_churn_rate": rate,
        "expected_churners": None if rate is None else _rounded(customers * rate),
        "observed_churn": _rate(int(tally.churned[position]), int(tally.labelled[position])),
        "outliers": int(tally.outliers[position]),
        "means": {
            feature.name: _rounded(float(tally.sums[feature.name][position]) / customers)
            if customers
            else None
            for feature in numeric
        },
        "medians": {
            feature.name: tally.median(feature.name, position, whole=feature.type == "integer")
            for feature in numeric
        },
    }


def _rounded(value: float) -> float:
    """To ten digits: the last ones of a sum depend on the order of its terms."""
    return float(f"{value:.10g}")


def _rate(churned: int, labelled: int) -> dict[str, Any] | None:
    rate = ChurnRate.of(churned, labelled)
    if rate is None:
        return None
    return {
        "churned": rate.churned,
        "customers": rate.customers,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
    }
