"""Answers about customers that are sent along."""

from typing import Literal, NotRequired

from functions.http.schemas.forms import ClusterId, Count, Digest, Share, Size, TypedDict
from functions.http.schemas.problems import FieldProblem
from pipeline.model.churn import RiskWord


class ClusterName(TypedDict):
    """A cluster, as people call it."""

    id: ClusterId
    """Stable: the same in every answer of a model version."""
    name: str
    """A few words for people."""
    description: str
    """What its customers have in common."""


class Churn(TypedDict):
    """A historical rate of the group with its Wilson 95 % interval; never one person's."""

    rate: Share
    """The share of the cluster's customers that left, of those who were counted."""
    low: Share
    """The lower end of the interval."""
    high: Share
    """The upper end of the interval."""
    churned: Count
    """How many of those who were counted left."""
    customers: Count
    """How many of the cluster's training customers were counted: all whose churn is known, or,
    where churn chose the features, those that took no part in choosing."""
    risk: RiskWord
    """How the interval compares with the rate of all customers."""


class RiskScoreAnswer(TypedDict):
    """Of customers with such values so many churned, with a 95 % interval."""

    rate: Share
    """The share of customers with such values that churned."""
    low: Share
    """The lower end of the interval."""
    high: Share
    """The upper end of the interval."""
    intercept: float
    """What the parts are added to."""
    parts: dict[str, float]
    """By feature: with `intercept` they add up to the logit of the rate; above zero raises it."""
    sentence: str
    """The score in words, for people."""


class RunnerUp(TypedDict):
    """The cluster that is nearest but for the customer's own."""

    id: ClusterId
    """Its id."""
    name: str
    """Its name."""
    distance: Size
    """How far the customer is from its centre, in the same unit as the own distance."""


class ReasonAnswer(TypedDict):
    """One feature's exact part in an assignment."""

    feature: str
    """The column of the customer."""
    value: float | str
    """What the customer has there."""
    contribution: float
    """What it adds to d²(runner-up) - d²(own): above zero it speaks for the cluster."""
    border: float | None
    """The first value, on the way to the runner-up, from which on the customer would belong to
    `border_cluster` if nothing else changed; null where no value does that, and for a category."""
    border_cluster: ClusterId | None
    """The id of the cluster beyond the border."""
    sentence: str
    """The reason in words, for people."""


class AssignmentAnswer(TypedDict):
    """Which cluster a customer belongs to, and why."""

    id: str | int | None
    """The customer's id as it was sent; null where none was, or the contract has no id column."""
    warning: str | None
    """To be read before all else: says of an outlier why the answer may not hold."""
    cluster: ClusterName
    """The cluster whose centre is nearest."""
    churn: Churn | None
    """How often customers of this cluster left; null where training knew nothing of it."""
    risk_score: RiskScoreAnswer | None
    """The customer's own risk; null where the model has no such score."""
    distance: Size
    """From the cluster's centre, in standard deviations of the transformed features."""
    margin: Share
    """How clearly the customer belongs there: 0 on the border to the runner-up, 1 at the centre.
    It is closeness, never a probability."""
    runner_up: RunnerUp
    """The second nearest cluster."""
    outlier: bool
    """Whether the customer is unlike those of training."""
    unusual: list[str]
    """Features outside the range that is typical."""
    unusual_combination: list[str]
    """Features that are usual alone, and make the customer an outlier together."""
    reasons: list[ReasonAnswer]
    """Every feature's part, the weightiest first."""
    model_version: str
    """The version of the model that answered."""
    contract_sha256: Digest
    """The SHA-256 of its contract: the same for models that read the same columns alike."""
    challenger: NotRequired[Literal[True]]
    """There where the answer is a challenger's: a share of the customers may go to one."""


class ChangeAnswer(TypedDict):
    """Another value of one feature, and the cluster it leads to."""

    feature: str
    """The column that changes."""
    value: float | str
    """What the customer has there now."""
    new_value: float | str
    """The nearest value that leads to another cluster."""
    cluster: ClusterName
    """The cluster it leads to."""
    churn: Churn | None
    """How often customers of that cluster left."""
    size: Size
    """How far the change is, in standard deviations of the transformed features."""


class WhatIfAnswer(TypedDict):
    """What would change a customer's cluster: one feature at a time."""

    id: str | int | None
    """The customer's id as it was sent."""
    warning: str | None
    """To be read before all else, as that of an assignment."""
    cluster: ClusterName
    """The cluster the customer belongs to now."""
    churn: Churn | None
    """How often customers of this cluster left."""
    risk_score: RiskScoreAnswer | None
    """The customer's own risk; null where the model has no such score."""
    changes: list[ChangeAnswer]
    """The smallest change first."""
    without_change: list[str]
    """Features of which no possible change alone leads elsewhere, or that may not change."""
    model_version: str
    """The version of the model that answered."""
    contract_sha256: Digest
    """The SHA-256 of its contract."""
    challenger: NotRequired[Literal[True]]
    """There where the answer is a challenger's."""


class BatchCluster(TypedDict):
    """A cluster with what it says of each of its customers in a batch."""

    id: ClusterId
    """The key under which it stands."""
    name: str
    """A few words for people."""
    description: str
    """What its customers have in common."""
    churn: Churn | None
    """How often its customers left; null where training knew nothing of it."""


class RunnerUpItem(TypedDict):
    """The cluster that is nearest but for the customer's own."""

    id: ClusterId
    """Its key in `clusters`."""
    distance: Size
    """How far the customer is from its centre, in the same unit as the own distance."""


class RiskScoreItem(TypedDict):
    """Of customers with such values so many churned, with a 95 % interval."""

    rate: Share
    """The share of customers with such values that churned."""
    low: Share
    """The lower end of the interval."""
    high: Share
    """The upper end of the interval."""
    parts: dict[str, float]
    """By feature: with the batch's `risk_intercept` they add up to the logit of the rate."""
    sentence: str
    """The score in words, for people."""


class AssignedItem(TypedDict):
    """A customer of a batch that was assigned: as one alone, but for what stands once for all."""

    index: Count
    """Where the customer was in the request, from 0."""
    id: str | int | None
    """The customer's id as it was sent; null where none was, or the contract has no id column."""
    warning: str | None
    """To be read before all else: says of an outlier why the answer may not hold."""
    cluster: ClusterId
    """The cluster whose centre is nearest: the key of its name in `clusters`."""
    risk_score: RiskScoreItem | None
    """The customer's own risk; null where the model has no such score."""
    distance: Size
    """From the cluster's centre, in standard deviations of the transformed features."""
    margin: Share
    """How clearly the customer belongs there: 0 on the border to the runner-up, 1 at the centre."""
    runner_up: RunnerUpItem
    """The second nearest cluster."""
    outlier: bool
    """Whether the customer is unlike those of training."""
    unusual: list[str]
    """Features outside the range that is typical."""
    unusual_combination: list[str]
    """Features that are usual alone, and make the customer an outlier together."""
    reasons: list[ReasonAnswer]
    """Every feature's part, the weightiest first."""


class RejectedItem(TypedDict):
    """A customer of a batch that could not be assigned."""

    index: Count
    """Where the customer was in the request, from 0."""
    id: str | int | None
    """The customer's id as it was sent, where it is one."""
    errors: list[FieldProblem]
    """Everything that is wrong, a field each."""


class BatchAnswer(TypedDict):
    """Every customer is in exactly one of the two lists; what is the same for all stands once."""

    model_version: str
    """The version of the model that answered for all of them."""
    contract_sha256: Digest
    """The SHA-256 of its contract."""
    clusters: dict[str, BatchCluster]
    """Every cluster of the model, by its id."""
    risk_intercept: float | None
    """What the parts of risk scores are added to; null where the model has no such score."""
    assigned: list[AssignedItem]
    """Customers that have a cluster, in the order they were sent."""
    rejected: list[RejectedItem]
    """Customers that are wrong, in the order they were sent."""
