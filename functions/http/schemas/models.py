"""Answers about models, their clusters, and the health of a server."""

from typing import Any, Literal, NotRequired

from functions.http.schemas.assignments import Churn
from functions.http.schemas.forms import ClusterId, Count, Digest, Share, Timestamp, TypedDict


class ProfileAnswer(TypedDict):
    """A feature among the cluster's training customers, in its own unit."""

    mean: float
    """Its mean."""
    median: float
    """Its median."""
    q1: float
    """A quarter of them lie below."""
    q3: float
    """A quarter of them lie above."""
    z: float
    """How far the mean is from that of all customers, in standard deviations."""


class ClusterAnswer(TypedDict):
    """A cluster with its size, churn rate and profile by feature."""

    id: ClusterId
    """Stable: the same in every answer of a model version."""
    name: str
    """A few words for people."""
    description: str
    """What its customers have in common."""
    customers: Count
    """How many customers of training it has."""
    share: Share
    """Their share in all customers of training."""
    churn: Churn | None
    """How often they left; null where training knew nothing of it."""
    profile: dict[str, ProfileAnswer]
    """What is typical of them, by feature."""


class ClustersAnswer(TypedDict):
    """Every cluster, and the churn rate of all customers."""

    clusters: list[ClusterAnswer]
    """By id."""
    churn_rate: Share | None
    """The share of all training customers that left; null where training knew nothing of it."""
    model_version: str
    """The version of the model that answered."""


class ModelAnswer(TypedDict):
    """The model that answers."""

    version: str
    """When it was published, and the beginning of its hash; sorts by time."""
    reference: str
    """The alias or version by which the server finds it."""
    created: Timestamp
    """When it was published."""
    clusters: Count
    """How many clusters it has."""
    metrics: dict[str, Any]
    """What training measured, by name."""
    recipe: dict[str, Any]
    """How it was fitted, by option."""
    contract: dict[str, Any]
    """What it expects of customers: columns, units, ranges."""
    contract_sha256: Digest
    """The SHA-256 of the contract."""


class ChallengerState(TypedDict):
    """A second model that answers a share of the look-ups.

    Counts are those of this process, since it has had these two models.
    """

    version: str
    """The challenger's version."""
    share: Share
    """The share of customers whom it answers."""
    customers: Count
    """Look-ups that it has answered."""
    unassigned: Count
    """Look-ups of its share that it could not assign: the first model has answered them."""
    differ: Count | None
    """Those that it puts into another cluster; null where the ids were never matched."""


class ModelState(TypedDict):
    """One of the models that a server answers with."""

    name: str
    """As in `/v1/models/{name}`."""
    default: bool
    """Whether it answers where no name is given."""
    reference: str
    """The alias or version by which the server finds it."""
    state: Literal["loaded", "not_loaded", "failed"]
    """`not_loaded` is loaded with its first request."""
    version: str | None
    """The version that answers; null while it is not loaded."""
    title: str | None
    """What its customers are, by its contract; null while it is not loaded."""
    failure: str | None
    """Why its store gave no model, or no newer one; null where all is well."""
    challenger: ChallengerState | None
    """What stands beside it; null where nothing does."""


class ModelsAnswer(TypedDict):
    """The models that a server answers with."""

    models: list[ModelState]
    """The one that answers where no name is given comes first."""


class LiveAnswer(TypedDict):
    """The process answers."""

    status: Literal["live"]
    """Always the same."""


class ReadyAnswer(TypedDict):
    """A model is loaded and passes its self-test."""

    status: Literal["ready"]
    """Always the same."""
    release: NotRequired[str]
    """The product's version; this and what follows to those who send a key."""
    model_version: NotRequired[str]
    """The version of the model that answers."""
    loaded_at: NotRequired[Timestamp]
    """When this process loaded it."""
    reload_failure: NotRequired[str | None]
    """Why a newer model could not be loaded, while the old one answers; null where all is well."""
    models: NotRequired[list[ModelState]]
    """Every model of this server; those that are not loaded or have failed change nothing else."""
