"""The shapes of answers for machines: the same over HTTP and from the command line."""

import sys
from typing import Any, Literal, NotRequired

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads only this one before 3.12
    from typing_extensions import TypedDict


class ClusterName(TypedDict):
    """A cluster, as people call it."""

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


class RiskScoreAnswer(TypedDict):
    """Of customers with such values so many churned, with a 95 % interval.

    `parts` add up, with `intercept`, to the logit of the rate: above zero a feature raises it.
    """

    rate: float
    low: float
    high: float
    intercept: float
    parts: dict[str, float]
    sentence: str


class RunnerUp(TypedDict):
    """The cluster that is nearest but for the customer's own."""

    id: int
    name: str
    distance: float


class ReasonAnswer(TypedDict):
    """What a feature adds to d²(runner-up) - d²(own): above zero it speaks for the cluster.

    `border` is the first value, on the way to the runner-up, from which on the customer would
    belong to `border_cluster` if nothing else changed; null where no value does that, for a
    category, and where the feature makes no difference.
    """

    feature: str
    value: float | str
    contribution: float
    border: float | None
    border_cluster: int | None
    sentence: str


class AssignmentAnswer(TypedDict):
    """Which cluster a customer belongs to, and why.

    `warning` is to be read before all else: it says of an outlier why the answer may not hold.
    """

    id: str | int | None
    warning: str | None
    cluster: ClusterName
    churn: Churn | None
    risk_score: RiskScoreAnswer | None
    distance: float
    margin: float
    runner_up: RunnerUp
    outlier: bool
    unusual: list[str]
    unusual_combination: list[str]
    reasons: list[ReasonAnswer]
    model_version: str
    contract_sha256: str


class ChangeAnswer(TypedDict):
    """Another value of one feature, the cluster it leads to, and how far that is.

    `size` counts standard deviations of the transformed features.
    """

    feature: str
    value: float | str
    new_value: float | str
    cluster: ClusterName
    churn: Churn | None
    size: float


class WhatIfAnswer(TypedDict):
    """What would change a customer's cluster: one feature at a time, the smallest change first.

    `warning` is to be read before all else, as that of an assignment. `without_change` names the
    features of which no possible change alone does that, and those that may not change.
    """

    id: str | int | None
    warning: str | None
    cluster: ClusterName
    churn: Churn | None
    risk_score: RiskScoreAnswer | None
    changes: list[ChangeAnswer]
    without_change: list[str]
    model_version: str
    contract_sha256: str


class FieldProblem(TypedDict):
    """Why a field cannot be used."""

    field: str
    code: str
    value: str
    expected: str


class AssignedItem(TypedDict):
    """A customer of a batch that was assigned."""

    index: int
    assignment: AssignmentAnswer


class RejectedItem(TypedDict):
    """A customer of a batch that could not be assigned."""

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
    """A cluster with its size, churn rate and profile by feature."""

    id: int
    name: str
    description: str
    customers: int
    share: float
    churn: Churn | None
    profile: dict[str, ProfileAnswer]


class ClustersAnswer(TypedDict):
    """Every cluster, and the churn rate of all customers."""

    clusters: list[ClusterAnswer]
    churn_rate: float | None
    model_version: str


class ModelAnswer(TypedDict):
    """The model that answers; `reference` is the alias or version that it was found by."""

    version: str
    reference: str
    created: str
    clusters: int
    metrics: dict[str, Any]
    recipe: dict[str, Any]
    contract: dict[str, Any]
    contract_sha256: str


class ModelState(TypedDict):
    """One of the models that a server answers with.

    `version` and `title` are null while it is not loaded, which its first request does; `failure`
    says why its store gave none, or no newer one.
    """

    name: str
    default: bool
    reference: str
    state: Literal["loaded", "not_loaded", "failed"]
    version: str | None
    title: str | None
    failure: str | None


class ModelsAnswer(TypedDict):
    """The models that a server answers with, that of addresses without a name first."""

    models: list[ModelState]


class PlaceAnswer(TypedDict):
    """Where one run has put a customer.

    `as_of` is the date of the period that the file belongs to, `churn_rate` the group's of
    training, `risk` the customer's own, and `churned` what the file said of him. `implausible`
    names features whose unit in that file is probably another one: then all this means nothing.
    """

    as_of: str
    cluster: int
    cluster_name: str
    churn_rate: float | None
    risk: float | None
    outlier: bool
    churned: bool | None
    implausible: list[str]
    input: str
    run: str
    model_version: str


class CustomerAnswer(TypedDict):
    """Which groups one customer was in, the latest period first.

    Runs without an index under the server's key were not searched.
    """

    id: str
    places: list[PlaceAnswer]
    runs_searched: int
    runs_without_index: int


class LiveAnswer(TypedDict):
    """The process answers."""

    status: Literal["live"]


class ReadyAnswer(TypedDict):
    """`reload_failure` says why a newer model could not be loaded; the old one answers then.

    `models` lists all of them; those that are not loaded or have failed change nothing else here.
    """

    status: Literal["ready"]
    model_version: str
    loaded_at: str
    reload_failure: str | None
    models: list[ModelState]


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
    CustomerAnswer,
    LiveAnswer,
    ModelAnswer,
    ModelsAnswer,
    ReadyAnswer,
    WhatIfAnswer,
    ProblemDocument,
)
"""What the API answers with, for its OpenAPI document."""
