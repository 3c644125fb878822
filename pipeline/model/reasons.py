"""Why a customer belongs to one cluster rather than to the runner-up, in numbers and words."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.model.cluster import Cluster
from pipeline.model.contract import Contract, Feature, Value, show

_WEIGHTY = 0.9
"""Features are named for an unusual combination until they weigh this share of it."""


class Reason(NamedTuple):
    """What one feature adds to d²(runner-up) - d²(own): above zero it speaks for the cluster."""

    feature: str
    value: Value
    contribution: float
    sentence: str


def explain(
    contract: Contract,
    customer: Mapping[str, Value],
    contributions: Mapping[str, float],
    own: Cluster,
    runner_up: Cluster,
) -> tuple[Reason, ...]:
    """Why a customer belongs to a cluster rather than to the runner-up.

    Args:
        contract: The features, with their labels and units.
        customer: Values that the contract has parsed.
        contributions: What each feature adds to d²(runner-up) - d²(own), by its name.
        own: The customer's cluster.
        runner_up: The next one.

    Returns:
        One reason a feature, the weightiest first.
    """
    reasons = [
        reason(feature, customer[feature.name], contributions[feature.name], own, runner_up)
        for feature in contract.features
    ]
    reasons.sort(key=_weight, reverse=True)  # which keeps the order of equal ones
    return tuple(reasons)


def reason(
    feature: Feature, value: Value, contribution: float, own: Cluster, runner_up: Cluster
) -> Reason:
    """What one feature of a customer says; the arguments are those of `explain`."""
    sentence = _sentence(feature, value, contribution, own, runner_up)
    return Reason(feature.name, value, contribution, sentence)


def _weight(reason: Reason) -> float:
    return abs(reason.contribution)


def combination(features: Sequence[str], residuals: Sequence[float]) -> tuple[str, ...]:
    """The features that weigh most in an unusual combination of values, two at least.

    Args:
        features: The feature of each standardised column.
        residuals: How far off the model's axes each of them lies.

    Returns:
        The names of as few features as make up nine tenths of the squared distance, the weightiest
        first.
    """
    weights = dict.fromkeys(features, 0.0)
    for feature, residual in zip(features, residuals, strict=True):
        weights[feature] += residual * residual
    wanted = _WEIGHTY * sum(weights.values())
    named: list[str] = []
    for feature in sorted(weights, key=lambda name: -weights[name]):
        if len(named) >= 2 and sum(weights[name] for name in named) >= wanted:
            break
        named.append(feature)
    return tuple(named)


def _sentence(
    feature: Feature, value: Value, contribution: float, own: Cluster, runner_up: Cluster
) -> str:
    verb = "speaks for" if contribution >= 0 else "speaks against"
    if isinstance(value, str):
        return f"{feature.label} {value} {verb} this group."
    here, there = own.profile[feature.name].median, runner_up.profile[feature.name].median
    medians = _medians(here, there, feature.unit)
    return f"{feature.label} of {feature.show(value)} {verb} this group: {medians}"


@lru_cache(maxsize=1024)
def _medians(here: float, there: float, unit: str) -> str:
    return f"its median is {show(here, unit)}, the runner-up's {show(there, unit)}."
