"""What the API says, as frozen objects with types: the names are those of its JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Value = float | str
"""What a feature may be."""
CustomerId = str | int | None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, as people call it."""

    id: int
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Churn:
    """How many of a cluster's customers left: a historical rate of the group, never one person's.

    `low` and `high` are the ends of the Wilson 95 % interval; `risk` is low, medium or high.
    """

    rate: float
    low: float
    high: float
    churned: int
    customers: int
    risk: str


@dataclass(frozen=True, slots=True)
class RiskScore:
    """Of customers with such values so many churned, with a 95 % interval.

    `parts` add up, with `intercept`, to the logit of the rate: above zero a feature raises it.
    """

    rate: float
    low: float
    high: float
    intercept: float
    parts: Mapping[str, float]
    sentence: str


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The cluster that is nearest but for the customer's own."""

    id: int
    name: str
    distance: float


@dataclass(frozen=True, slots=True)
class Reason:
    """What a feature adds to the difference of squared distances to the runner-up and the cluster.

    Above zero it speaks for the cluster. `border` is the first value on the way to the runner-up
    from which on the customer would belong to `border_cluster`, if nothing else changed.
    """

    feature: str
    value: Value
    contribution: float
    border: float | None
    border_cluster: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which cluster a customer belongs to, and why.

    `warning` is to be read before all else: it says of an outlier why the answer may not hold.
    `margin` is 0 on the border to the runner-up, and 1 at the centre. `reasons` begin with the
    weightiest.
    """

    id: CustomerId
    warning: str | None
    cluster: Cluster
    churn: Churn | None
    risk_score: RiskScore | None
    distance: float
    margin: float
    runner_up: RunnerUp
    outlier: bool
    unusual: tuple[str, ...]
    unusual_combination: tuple[str, ...]
    reasons: tuple[Reason, ...]
    model_version: str
    contract_sha256: str
    challenger: bool = False
    """Whether a challenger has answered, to which a share of the customers goes."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Why a field cannot be used; `code` is stable."""

    field: str
    code: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, found {self.value or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Item:
    """One of many customers: assigned, or rejected with every problem.

    `index` counts from 0, in the order in which the customers were given.
    """

    index: int
    id: CustomerId
    assignment: Assignment | None
    """None where the customer was rejected."""
    errors: tuple[FieldProblem, ...] = ()
    """Why he was; empty where he was assigned."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another value of one feature, and the cluster it leads to.

    `size` counts standard deviations of the transformed features.
    """

    feature: str
    value: Value
    new_value: Value
    cluster: Cluster
    churn: Churn | None
    size: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would change a customer's cluster, one feature at a time, the smallest change first.

    `without_change` names the features of which no possible change alone does that, and those
    that may not change.
    """

    id: CustomerId
    warning: str | None
    cluster: Cluster
    churn: Churn | None
    risk_score: RiskScore | None
    changes: tuple[Change, ...]
    without_change: tuple[str, ...]
    model_version: str
    contract_sha256: str
    challenger: bool = False
    """Whether a challenger has answered, to which a share of the customers goes."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A feature among the cluster's training customers, in its own unit."""

    mean: float
    median: float
    q1: float
    q3: float
    z: float


@dataclass(frozen=True, slots=True)
class ClusterProfile:
    """A cluster with its size, churn rate and profile by feature."""

    id: int
    name: str
    description: str
    customers: int
    share: float
    churn: Churn | None
    profile: Mapping[str, Profile]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Every cluster, and the churn rate of all customers; iterating gives the clusters."""

    clusters: tuple[ClusterProfile, ...]
    churn_rate: float | None
    model_version: str

    def __iter__(self) -> Iterator[ClusterProfile]:
        return iter(self.clusters)

    def __len__(self) -> int:
        return len(self.clusters)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model that answers; `reference` is the alias or version that it was found by."""

    version: str
    reference: str
    created: datetime
    clusters: int
    metrics: Mapping[str, Any]
    recipe: Mapping[str, Any]
    contract: Mapping[str, Any]
    contract_sha256: str

    @property
    def features(self) -> tuple[str, ...]:
        """The names that a customer needs."""
        return tuple(str(feature["name"]) for feature in self.contract["features"])


@dataclass(frozen=True, slots=True)
class Challenger:
    """A version that answers for a share of a model's customers.

    `customers` are the look-ups that it has answered, `unassigned` those of its share that it
    could not assign, and `differ` those that it puts into another cluster; None where nobody
    knows which clusters are the same.
    """

    version: str
    share: float
    customers: int
    unassigned: int
    differ: int | None


@dataclass(frozen=True, slots=True)
class NamedModel:
    """One of the models of a server.

    `state` is loaded, not_loaded or failed; a model is loaded when it is first asked. `failure`
    says why it cannot be loaded, or why a newer version of it could not.
    """

    name: str
    default: bool
    reference: str
    state: str
    version: str | None = None
    title: str | None = None
    failure: str | None = None
    challenger: Challenger | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one scored file has put a customer.

    `as_of` is the day of the period that the file belongs to, `churn_rate` the group's in
    training, and `churned` what the file said of the customer. `implausible` names features whose
    unit in that file is probably another one: then all this means nothing.
    """

    as_of: date
    cluster: int
    cluster_name: str
    churn_rate: float | None
    risk: float | None
    outlier: bool
    churned: bool | None
    implausible: tuple[str, ...]
    input: str
    run: str
    model_version: str


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """Which groups one customer was in, the latest period first."""

    id: str
    places: tuple[Place, ...]
    runs_searched: int
    runs_without_index: int
