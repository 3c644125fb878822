"""Why a customer belongs to one cluster rather than to the runner-up, in numbers and words."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pipeline.model.borders import Slopes, first_border, first_past
from pipeline.model.cluster import Cluster
from pipeline.model.contract import Feature, Value, exact
from pipeline.model.geometry import Border, Space

NEGLIGIBLE = 0.05
"""Of all that features add, whichever way: one that adds less, and without which the cluster would
be the same, makes no difference."""
_WEIGHTY = 0.9
"""Features are named for an unusual combination until they weigh this share of it."""


class Reason(NamedTuple):
    """What one feature adds to d²(runner-up) - d²(own): above zero it speaks for the cluster."""

    feature: str
    value: Value
    contribution: float
    sentence: str
    border: float | None
    """The first round value, on the way to the runner-up, from which on the customer would belong
    to another cluster if nothing else changed; None where no valid value does that, for a
    category, and where the feature makes no difference."""
    border_cluster: int | None
    """The id of the cluster that begins there."""


class Way(NamedTuple):
    """How one feature leads from a cluster towards its runner-up."""

    feature: Feature
    columns: tuple[int, ...]
    """Its columns: one of a number, one a category's value."""
    sign: int
    """1 where a number comes nearer upwards, -1 downwards; 0 for neither, and for a category."""
    slopes: Slopes
    """The clusters that come nearer that way."""


class Comparison(NamedTuple):
    """A cluster and its runner-up."""

    border: Border
    ways: tuple[Way, ...]
    """One a feature, in the order of the contract."""


class Point(NamedTuple):
    """A customer, and where he stands among the clusters."""

    customer: Mapping[str, Value]
    z: Sequence[float]
    leads: Sequence[float]
    """d²(other) - d²(own) of every cluster."""
    own: int
    """The index of his cluster."""


def explain(
    comparison: Comparison,
    point: Point,
    space: Space,
    clusters: Sequence[Cluster],
    nearest: Callable[[Mapping[str, Value]], int],
) -> tuple[Reason, ...]:
    """Why a customer belongs to a cluster rather than to the runner-up.

    Args:
        comparison: Both.
        point: The customer.
        space: Where distances are measured.
        clusters: All of them.
        nearest: The index of a customer's cluster.

    Returns:
        One reason a feature, the weightiest first.
    """
    terms = comparison.border.terms(point.z)
    parts, lead, weight = [], 0.0, 0.0
    for way in comparison.ways:
        part = 0.0
        for column in way.columns:
            part += terms[column]
        parts.append(part)
        lead += part
        weight += abs(part)
    least, reasons = NEGLIGIBLE * weight, []
    for way, part in zip(comparison.ways, parts, strict=True):
        feature = way.feature
        value = point.customer[feature.name]
        if not (abs(part) > least or 0 < part >= lead):
            reason = indifferent(feature, value, part)
        elif isinstance(value, str):
            reason = of_category(feature, value, part)
        else:
            border, behind = _first_border(way, value, point, space, nearest)
            reason = of_number(feature, value, part, way.sign, border, clusters[behind].id)
        reasons.append(reason)
    reasons.sort(key=_weight, reverse=True)  # which keeps the order of equal ones
    return tuple(reasons)


def _first_border(
    way: Way,
    value: float,
    point: Point,
    space: Space,
    nearest: Callable[[Mapping[str, Value]], int],
) -> tuple[float | None, int]:
    """The first round value past a border, and the index of the cluster that begins there."""
    feature, (column,), sign, slopes = way
    distance, behind = first_border(point.leads, slopes)
    border = space.value_at(column, point.z[column] + sign * distance)

    def moves(moved: float) -> bool:
        return nearest({**point.customer, feature.name: moved}) != point.own

    return first_past(feature, value, border, sign, moves), behind


def of_number(
    feature: Feature,
    value: float,
    contribution: float,
    sign: int,
    border: float | None,
    behind: int,
) -> Reason:
    """What a number says; the arguments are those of `number_sentence`."""
    sentence = number_sentence(feature, value, contribution, sign, border, behind)
    cluster = None if border is None else behind
    return Reason(feature.name, value, contribution, sentence, border, cluster)


def number_sentence(
    feature: Feature,
    value: float,
    contribution: float,
    sign: int,
    border: float | None,
    behind: int,
) -> str:
    """What a number says, in words.

    Args:
        feature: The number.
        value: Its value.
        contribution: What it adds.
        sign: Which way the runner-up comes nearer: 1 upwards, -1 downwards.
        border: The value where another cluster begins that way; None for nowhere.
        behind: The id of that cluster.
    """
    verb = "speaks for" if contribution >= 0 else "speaks against"
    if border is None:
        tail = f"no {'higher' if sign > 0 else 'lower'} value alone would change the group"
    else:
        there = exact(border, feature.unit)
        tail = f"group {behind} would begin at {there} if nothing else changed"
    return f"{feature.label}: {exact(value, feature.unit)} {verb} this group; {tail}."


def of_category(feature: Feature, value: str, contribution: float) -> Reason:
    """What a category says."""
    sentence = category_sentence(feature, value, contribution)
    return Reason(feature.name, value, contribution, sentence, None, None)


def category_sentence(feature: Feature, value: str, contribution: float) -> str:
    """What a category says, in words."""
    verb = "speaks for" if contribution >= 0 else "speaks against"
    return f"{feature.label}: {value} {verb} this group."


def indifferent(feature: Feature, value: Value, contribution: float) -> Reason:
    """What a feature says that weighs next to nothing."""
    sentence = indifferent_sentence(feature, value)
    return Reason(feature.name, value, contribution, sentence, None, None)


def indifferent_sentence(feature: Feature, value: Value) -> str:
    """What a feature says that weighs next to nothing, in words."""
    shown = value if isinstance(value, str) else exact(value, feature.unit)
    return f"{feature.label}: {shown} makes no difference here."


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
