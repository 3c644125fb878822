"""Answers for machines, made of what a model says."""

from functions.http.schemas import (
    AssignmentAnswer,
    Churn,
    ClusterAnswer,
    ClusterName,
    ClustersAnswer,
    ModelAnswer,
    ProfileAnswer,
    RiskScoreAnswer,
)
from functions.live_model import LoadedModel
from pipeline.model.churn import ChurnRate, risk
from pipeline.model.cluster import Cluster, Profile
from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.outlier import warning
from pipeline.model.risk import Risk, in_words


class Presenter:
    """A model with the parts of its answers that are the same for every customer."""

    def __init__(self, model: ClusterModel, version: str) -> None:
        self.model, self.version = model, version
        self.contract_sha256 = model.contract.digest
        self.churn_rate = model.churn_rate
        self._names = {cluster.id: _name(cluster) for cluster in model.clusters}
        self._churn = {c.id: churn_answer(c.churn, self.churn_rate) for c in model.clusters}
        self._terms = model.risk.features if model.risk else ()

    def name(self, cluster: Cluster) -> ClusterName:
        """A cluster, as people call it."""
        return self._names[cluster.id]

    def churn(self, cluster: Cluster) -> Churn | None:
        """A cluster's churn rate; None where training had no label."""
        return self._churn[cluster.id]

    def risk(self, risk: Risk | None) -> RiskScoreAnswer | None:
        """A customer's risk beside the rate of the group; None where the model has no score."""
        if risk is None or self.model.risk is None:
            return None
        return {
            "rate": risk.rate,
            "low": risk.low,
            "high": risk.high,
            "intercept": self.model.risk.intercept,
            "parts": dict(zip(self._terms, risk.parts, strict=True)),
            "sentence": in_words(risk, self.model.contract.churned_word),
        }

    def assignment(
        self, assignment: Assignment, customer_id: str | int | None = None
    ) -> AssignmentAnswer:
        """One customer's cluster, and why."""
        cluster, runner_up = assignment.cluster, assignment.runner_up
        return {
            "id": customer_id,
            "warning": warning(self.model.contract, assignment),
            "cluster": self._names[cluster.id],
            "churn": self._churn[cluster.id],
            "risk_score": self.risk(assignment.risk),
            "distance": assignment.distance,
            "margin": assignment.margin,
            "runner_up": {
                "id": runner_up.id,
                "name": runner_up.name,
                "distance": assignment.runner_up_distance,
            },
            "outlier": assignment.outlier,
            "unusual": list(assignment.unusual),
            "unusual_combination": list(assignment.combination),
            "reasons": [
                {
                    "feature": reason.feature,
                    "value": reason.value,
                    "contribution": reason.contribution,
                    "border": reason.border,
                    "border_cluster": reason.border_cluster,
                    "sentence": reason.sentence,
                }
                for reason in assignment.reasons
            ],
            "model_version": self.version,
            "contract_sha256": self.contract_sha256,
        }

    def cluster(self, cluster: Cluster) -> ClusterAnswer:
        """A cluster with its size, churn rate and profile."""
        return {
            **self._names[cluster.id],
            "customers": cluster.size,
            "share": cluster.share,
            "churn": self._churn[cluster.id],
            "profile": {name: _profile(item) for name, item in cluster.profile.items()},
        }

    def clusters(self) -> ClustersAnswer:
        """Every cluster, and the churn rate of all customers."""
        return {
            "clusters": [self.cluster(cluster) for cluster in self.model.clusters],
            "churn_rate": self.churn_rate,
            "model_version": self.version,
        }


def presenter_of(loaded: LoadedModel) -> Presenter:
    """The presenter of a loaded model, made once."""
    presenter: Presenter | None = loaded.made.get("presenter")
    if presenter is None:
        presenter = loaded.made["presenter"] = Presenter(loaded.model, loaded.version)
    return presenter


def model_answer(loaded: LoadedModel, reference: str) -> ModelAnswer:
    """A model with what its manifest knows of it.

    Args:
        loaded: The model.
        reference: The alias or version that it was found by.
    """
    facts = loaded.artifact.manifest.facts
    return {
        "version": loaded.version,
        "reference": reference,
        "created": loaded.artifact.manifest.version.published.isoformat(),
        "clusters": len(loaded.model.clusters),
        "metrics": dict(facts.get("metrics", {})),
        "recipe": dict(facts.get("recipe", {})),
        "contract": loaded.model.contract.to_dict(),
        "contract_sha256": presenter_of(loaded).contract_sha256,
    }


def churn_answer(churn: ChurnRate | None, overall: float | None) -> Churn | None:
    """A cluster's churn rate with its risk word; None where training had no label."""
    if churn is None or overall is None:
        return None
    return {
        "rate": churn.rate,
        "low": churn.low,
        "high": churn.high,
        "churned": churn.churned,
        "customers": churn.customers,
        "risk": risk(churn, overall),
    }


def _name(cluster: Cluster) -> ClusterName:
    return {"id": cluster.id, "name": cluster.name, "description": cluster.description}


def _profile(item: Profile) -> ProfileAnswer:
    return {
        "mean": item.mean,
        "median": item.median,
        "q1": item.q1,
        "q3": item.q3,
        "z": item.z,
    }
