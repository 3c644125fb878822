"""What a run states about its customers: clusters, churn, rejects, drift and the challenger."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pipeline.model.baseline import median_of_all
from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.model.crosswalk import adjusted_rand
from pipeline.scoring.challenger import ChallengerCounts
from pipeline.scoring.documents import (
    CategoryDistribution,
    ChallengerCluster,
    ChallengerSummary,
    ClusterSummary,
    DriftSummary,
    FeatureDistribution,
    NumericDistribution,
    ObservedChurn,
    RepeatedIdsDocument,
    Summary,
)
from pipeline.scoring.spec import Challenger
from pipeline.scoring.summary.churn_drift import churn_drift
from pipeline.scoring.summary.contributions import mean_contributions
from pipeline.scoring.summary.drift import cluster_mix_drift, feature_drift
from pipeline.scoring.summary.tally import Tally


def summarise(
    model: ClusterModel,
    tally: Tally,
    repeated_ids: RepeatedIdsDocument | None = None,
    challenger: Challenger | None = None,
) -> Summary:
    """The summary of a run, from counts that may come from any number of blocks.

    Args:
        model: The model that assigned the customers.
        tally: What was counted of the whole input.
        repeated_ids: The ids that several rows have; None where the input has no ids.
        challenger: The model that assigned the same customers as well, if any.
    """
    assigned, rejected = int(tally.customers.sum()), tally.rejected.total()
    clusters = [
        _cluster(model, tally, position, cluster) for position, cluster in enumerate(model.clusters)
    ]
    expected = [cluster["expected_churners"] for cluster in clusters]
    known = [churners for churners in expected if churners is not None]
    rejected_for = _most_first(tally.rejected)
    summary = Summary(
        rows_in=assigned + rejected,
        rows_assigned=assigned,
        rows_rejected=rejected,
        rejected_for=rejected_for,
        rejected_first_rows={key: tally.first_rejected[key] for key in rejected_for},
        outliers=int(tally.outliers.sum()),
        observed_churn=_observed(int(tally.churned.sum()), int(tally.labelled.sum())),
        expected_churners=_rounded(sum(known)) if len(known) == len(expected) else None,
        clusters=clusters,
        features={
            feature.name: _distribution(model, tally, feature)
            for feature in model.contract.features
        },
        drift=_drift(model, tally),
        repeated_ids=repeated_ids,
    )
    if tally.filled:
        summary["filled"] = dict(sorted(tally.filled.items()))
    if challenger is not None and tally.challenger is not None:
        summary["challenger"] = _challenger(model, challenger, tally.challenger)
    if (counts := tally.contributions) is not None:
        summary["contributions"] = mean_contributions(model, counts, tally.customers.tolist())
    return summary


def _cluster(model: ClusterModel, tally: Tally, position: int, cluster: Cluster) -> ClusterSummary:
    total, customers = int(tally.customers.sum()), int(tally.customers[position])
    rate = _training_rate(cluster)
    numeric = [feature for feature in model.contract.features if feature.numeric]
    summary: ClusterSummary = {
        "cluster": cluster.id,
        "cluster_name": cluster.name,
        "customers": customers,
        "share": customers / total if total else 0.0,
        "training_share": cluster.share,
        "training_churn_rate": rate,
        "expected_churners": None if rate is None else _rounded(customers * rate),
        "observed_churn": _observed(int(tally.churned[position]), int(tally.labelled[position])),
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
    if tally.at_risk is not None:
        summary["at_risk"] = int(tally.at_risk[position])
    return summary


def _distribution(model: ClusterModel, tally: Tally, feature: Feature) -> FeatureDistribution:
    baseline, counts = model.baseline["features"][feature.name], tally.bins[feature.name]
    shares: list[float] = (counts / max(int(counts.sum()), 1)).tolist()
    if not feature.numeric:
        return CategoryDistribution(
            values=list(baseline["values"]),
            shares=shares,
            training_shares=list(baseline["shares"]),
        )
    edges = list(baseline["edges"])
    return NumericDistribution(
        median=tally.median(feature.name, None, whole=feature.type == "integer"),
        training_median=median_of_all(baseline),
        training_typical=[edges[0], edges[-1]],
        edges=edges,
        shares=shares,
        training_shares=list(baseline["shares"]),
    )


def _drift(model: ClusterModel, tally: Tally) -> DriftSummary:
    features = feature_drift(model, tally)
    return {
        "features": {drift.name: drift.to_dict() for drift in features},
        "clusters": cluster_mix_drift(model, tally).to_dict(),
        "implausible": [drift.name for drift in features if drift.verdict == "implausible"],
        "churn": churn_drift(model.clusters, tally.churned.tolist(), tally.labelled.tolist()),
    }


def _challenger(
    model: ClusterModel, challenger: Challenger, counts: ChallengerCounts
) -> ChallengerSummary:
    """Where both models agree, and the churn of the same customers under either."""
    both = counts.customers[:, :-1]
    ids = [cluster.id for cluster in model.clusters]
    challenger_ids = [cluster.id for cluster in challenger.model.clusters]
    customers = int(both.sum())
    shared = set(ids) & set(challenger_ids)
    same = sum(int(both[ids.index(each), challenger_ids.index(each)]) for each in shared)
    differ = customers - same if challenger.related else None
    return {
        "version": challenger.version,
        "customers": customers,
        "unassigned": int(counts.customers[:, -1].sum()),
        "unassigned_for": _most_first(counts.unassigned),
        "differ": differ,
        "differ_share": None if differ is None or not customers else differ / customers,
        "ari": adjusted_rand(both),
        "cluster_ids": ids,
        "challenger_ids": challenger_ids,
        "crosstab": both.tolist(),
        "expected_churners": {
            "model": _expected(model, both.sum(axis=1)),
            "challenger": _expected(challenger.model, both.sum(axis=0)),
        },
        "clusters": [
            _challenger_cluster(counts, position, cluster)
            for position, cluster in enumerate(challenger.model.clusters)
        ],
    }


def _challenger_cluster(
    counts: ChallengerCounts, position: int, cluster: Cluster
) -> ChallengerCluster:
    customers, total = int(counts.customers[:, position].sum()), int(counts.customers[:, :-1].sum())
    churned, labelled = counts.churned[:, position], counts.labelled[:, position]
    return {
        "cluster": cluster.id,
        "cluster_name": cluster.name,
        "customers": customers,
        "share": customers / total if total else 0.0,
        "training_churn_rate": _training_rate(cluster),
        "observed_churn": _observed(int(churned.sum()), int(labelled.sum())),
    }


def _expected(model: ClusterModel, customers: NDArray[np.int64]) -> float | None:
    """Churners at training's rates; None where training knew none."""
    rates = [cluster.churn.rate for cluster in model.clusters if cluster.churn]
    if len(rates) < len(model.clusters):
        return None
    return _rounded(float(customers @ np.array(rates)))


def _training_rate(cluster: Cluster) -> float | None:
    return cluster.churn.rate if cluster.churn else None


def _observed(churned: int, labelled: int) -> ObservedChurn | None:
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


def _most_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item)))


def _rounded(value: float) -> float:
    """To ten digits: the last ones of a sum depend on the order of its terms."""
    return float(f"{value:.10g}")
