"""What a run states about its customers: clusters, churn, rejects and drift."""

from typing import Any

from pipeline.model.baseline import median_of_all
from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.scoring.drift import feature_drift, mix_drift
from pipeline.scoring.tally import Tally


def summarise(model: ClusterModel, tally: Tally) -> dict[str, Any]:
    """The whole summary, from counts that may come from any number of blocks.

    `rejected_for` and `rejected_first_rows` are keyed by column and code, most rows first.
    `features` has each feature's distribution here and in training, `drift` how far apart they
    are: `features` (by name) and `clusters` each with `psi`, `critical_psi` and `verdict`, and
    `implausible`, the names of the features whose unit is probably another one.
    """
    assigned, rejected = int(tally.customers.sum()), tally.rejected.total()
    clusters = [
        _cluster(model, tally, position, cluster) for position, cluster in enumerate(model.clusters)
    ]
    expected = [cluster["expected_churners"] for cluster in clusters]
    drift = feature_drift(model, tally)
    reasons = dict(sorted(tally.rejected.items(), key=lambda item: (-item[1], item)))
    return {
        "rows_in": assigned + rejected,
        "rows_assigned": assigned,
        "rows_rejected": rejected,
        "rejected_for": reasons,
        "rejected_first_rows": {reason: tally.first_rejected[reason] for reason in reasons},
        "outliers": int(tally.outliers.sum()),
        "observed_churn": _rate(int(tally.churned.sum()), int(tally.labelled.sum())),
        "expected_churners": None if None in expected else _rounded(sum(expected)),
        "clusters": clusters,
        "features": {
            feature.name: _distribution(model, tally, feature)
            for feature in model.contract.features
        },
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


def _distribution(model: ClusterModel, tally: Tally, feature: Feature) -> dict[str, Any]:
    """Medians, where 8 of 10 training customers lie, and shares by training's bins."""
    known, counts = model.baseline["features"][feature.name], tally.bins[feature.name]
    found: dict[str, Any] = {
        "shares": (counts / max(int(counts.sum()), 1)).tolist(),
        "training_shares": list(known["shares"]),
    }
    if not feature.numeric:
        return {"values": list(known["values"]), **found}
    whole = feature.type == "integer"
    return {
        "median": tally.median(feature.name, None, whole=whole),
        "training_median": median_of_all(known),
        "training_typical": [known["edges"][0], known["edges"][-1]],
        "edges": list(known["edges"]),
        **found,
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
