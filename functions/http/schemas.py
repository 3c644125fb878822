"""The shapes of answers, for machines: the same over HTTP and from the command line."""

import sys
from typing import Any, Literal, NotRequired

from pipeline.model.churn import ChurnRate, risk
from pipeline.model.cluster import Cluster, Profile
from pipeline.model.cluster_model import Assignment, ClusterModel

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads only this one before 3.12
    from typing_extensions import TypedDict


class ClusterName(TypedDict):
    id: int
    name: str
    description: str


class Churn(TypedDict):
    """A historical rate of the group with its Wilson 95 % interval; never one person's."""

    rate: float
    low: float
    high: float
    churned: int
    customers: int
    risk: str


class RunnerUp(TypedDict):
    id: int
    name: str
    distance: float


class ReasonAnswer(TypedDict):
    """What a feature adds to d²(runner-up) - d²(own): above zero it speaks for the cluster."""

    feature: str
    value: float | str
    contribution: float
    sentence: str


class AssignmentAnswer(TypedDict):
    """Which cluster a customer belongs to, and why."""

    id: str | int | None
    cluster: ClusterName
    churn: Churn | None
    distance: float
    margin: float
    runner_up: RunnerUp
    outlier: bool
    unusual: list[str]
    reasons: list[ReasonAnswer]
    model_version: str
    contract_sha256: str


class FieldProblem(TypedDict):
    """Why a field cannot be used."""

    field: str
    code: str
    value: str
    expected: str


class AssignedItem(TypedDict):
    index: int
    assignment: AssignmentAnswer


class RejectedItem(TypedDict):
    index: int
    id: str | int | None
    errors: list[FieldProblem]


class BatchAnswer(TypedDict):
    """Every customer is in exactly one of the two lists; `index` counts from 0."""

    assigned: list[AssignedItem]
    rejected: list[RejectedItem]
    model_version: str
    contract_sha256: str


class ProfileAnswer(TypedDict):
    """A feature among the cluster's training customers, in its own unit."""

    mean: float
    median: float
    q1: float
    q3: float
    z: float


class ClusterAnswer(TypedDict):
    id: int
    name: str
    description: str
    customers: int
    share: float
    churn: Churn | None
    profile: dict[str, ProfileAnswer]


class ClustersAnswer(TypedDict):
    clusters: list[ClusterAnswer]
    churn_rate: float | None
    model_version: str


class ModelAnswer(TypedDict):
    version: str
    reference: str
    created: str
    clusters: int
    metrics: dict[str, Any]
    recipe: dict[str, Any]
    contract: dict[str, Any]
    contract_sha256: str


class LiveAnswer(TypedDict):
    status: Literal["live"]


class ReadyAnswer(TypedDict):
    """`reload_failure` says why a newer model could not be loaded; the old one answers then."""

    status: Literal["ready"]
    model_version: str
    loaded_at: str
    reload_failure: str | None


class ProblemDocument(TypedDict):
    """RFC 9457. `code` is stable; `errors` names the fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: NotRequired[list[FieldProblem]]


ANSWERS: tuple[type, ...] = (
    AssignmentAnswer,
    BatchAnswer,
    ClusterAnswer,
    ClustersAnswer,
    LiveAnswer,
    ModelAnswer,
    ReadyAnswer,
    ProblemDocument,
)
"""What the API answers with, for its OpenAPI document."""


class Answers:
    """A model with the parts of its answers that are the same for every customer."""

    def __init__(self, model: ClusterModel, version: str) -> None:
        self.model, self.version = model, version
        self.contract_sha256 = model.contract.digest
        self.churn_rate = model.churn_rate
        self._names = {cluster.id: _name(cluster) for cluster in model.clusters}
        self._churn = {c.id: churn_answer(c.churn, self.churn_rate) for c in model.clusters}

    def assignment(self, found: Assignment, id: str | int | None = None) -> AssignmentAnswer:
        cluster, runner_up = found.cluster, found.runner_up
        return {
            "id": id,
            "cluster": self._names[cluster.id],
            "churn": self._churn[cluster.id],
            "distance": found.distance,
            "margin": found.margin,
            "runner_up": {
                "id": runner_up.id,
                "name": runner_up.name,
                "distance": found.runner_up_distance,
            },
            "outlier": found.outlier,
            "unusual": list(found.unusual),
            "reasons": [
                {
                    "feature": reason.feature,
                    "value": reason.value,
                    "contribution": reason.contribution,
                    "sentence": reason.sentence,
                }
                for reason in found.reasons
            ],
            "model_version": self.version,
            "contract_sha256": self.contract_sha256,
        }

    def cluster(self, cluster: Cluster) -> ClusterAnswer:
        return {
            **self._names[cluster.id],
            "customers": cluster.size,
            "share": cluster.share,
            "churn": self._churn[cluster.id],
            "profile": {name: _profile(item) for name, item in cluster.profile.items()},
        }

    def clusters(self) -> ClustersAnswer:
        return {
            "clusters": [self.cluster(cluster) for cluster in self.model.clusters],
            "churn_rate": self.churn_rate,
            "model_version": self.version,
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
