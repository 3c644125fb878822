"""Why a customer belongs to one cluster rather than to the runner-up, in numbers and words."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.cluster import Cluster
from pipeline.contract import Contract, Feature, Value


@dataclass(frozen=True, slots=True)
class Reason:
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
    """One reason a feature, the weightiest first."""
    reasons = []
    for feature in contract.features:
        value, contribution = customer[feature.name], contributions[feature.name]
        sentence = _sentence(feature, value, contribution, own, runner_up)
        reasons.append(Reason(feature.name, value, contribution, sentence))
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.contribution)))


def _sentence(
    feature: Feature, value: Value, contribution: float, own: Cluster, runner_up: Cluster
) -> str:
    verb = "speaks for" if contribution >= 0 else "speaks against"
    if isinstance(value, str):
        return f"{feature.label} {value} {verb} this group."
    here, there = (cluster.profile[feature.name].median for cluster in (own, runner_up))
    return (
        f"{feature.label} of {feature.show(value)} {verb} this group: "
        f"its median is {feature.show(here)}, the runner-up's {feature.show(there)}."
    )
