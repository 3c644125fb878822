"""The charts of the pages: what they show, and where its marks go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.http.presenter import churn_answer
from functions.http.schemas import Churn
from pipeline.model.baseline import median_of_all
from pipeline.model.cluster import Cluster, Profile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature, Value
from pipeline.model.reasons import Reason
from pipeline.pages.scale import Interval, Scale, share_scale


@dataclass(frozen=True, slots=True)
class RateMark:
    """A group's churn rate with its interval."""

    cluster: Cluster
    churn: Churn
    interval: Interval


@dataclass(frozen=True, slots=True)
class RateChart:
    """Every group's churn rate on one scale, beside the rate of all customers."""

    marks: Sequence[RateMark]
    overall: float
    overall_at: float
    ticks: Sequence[tuple[float, float]]
    """Rate and position in percent of the scale's length."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What one feature says for (right of the middle) or against (left of it) the group."""

    feature: Feature
    reason: Reason
    start: float
    length: float


@dataclass(frozen=True, slots=True)
class Strip:
    """Where a group's customers lie along one feature, and where one customer does."""

    feature: Feature
    profile: Profile
    everyone: float
    q1: float
    q3: float
    median: float
    everyone_at: float
    value: Value | None
    value_at: float
    beyond: bool
    """Whether the customer's value lies beyond the scale."""


def rate_chart(model: ClusterModel) -> RateChart | None:
    """None where training had no churn label."""
    overall = model.churn_rate
    if overall is None:
        return None
    answers = [(cluster, churn_answer(cluster.churn, overall)) for cluster in model.clusters]
    known = [(cluster, churn) for cluster, churn in answers if churn is not None]
    highest = max(overall, *(churn["high"] for _, churn in known))
    scale, ticks = share_scale(highest)
    marks = [
        RateMark(cluster, churn, scale.interval(churn["rate"], churn["low"], churn["high"]))
        for cluster, churn in known
    ]
    return RateChart(marks, overall, scale.at(overall), ticks)


def bars(features: Mapping[str, Feature], reasons: Sequence[Reason]) -> list[Bar]:
    """One bar a feature, the weightiest first."""
    greatest = max((abs(reason.contribution) for reason in reasons), default=0.0) or 1.0
    drawn = []
    for reason in reasons:
        length = round(49 * abs(reason.contribution) / greatest, 2)
        start = 50.0 if reason.contribution >= 0 else 50 - length
        drawn.append(Bar(features[reason.feature], reason, start, length))
    return drawn


def strips(
    model: ClusterModel, cluster: Cluster, customer: Mapping[str, Value] | None = None
) -> list[Strip]:
    """One strip a numeric feature, on the same scale for every group."""
    return [
        _strip(
            model,
            feature,
            cluster.profile[feature.name],
            customer[feature.name] if customer else None,
        )
        for feature in model.contract.features
        if feature.numeric
    ]


def _strip(model: ClusterModel, feature: Feature, own: Profile, value: Value | None) -> Strip:
    everyone = median_of_all(model.baseline["features"][feature.name])
    profiles = [cluster.profile[feature.name] for cluster in model.clusters]
    ends = [everyone, *(profile.q1 for profile in profiles), *(profile.q3 for profile in profiles)]
    padding = 0.08 * (max(ends) - min(ends))
    scale = Scale(min(ends) - padding, max(ends) + padding)
    number = everyone if value is None else float(value)
    return Strip(
        feature=feature,
        profile=own,
        everyone=everyone,
        q1=scale.at(own.q1),
        q3=scale.at(own.q3),
        median=scale.at(own.median),
        everyone_at=scale.at(everyone),
        value=value,
        value_at=scale.at(number),
        beyond=not scale.low <= number <= scale.high,
    )
