"""Why many customers belong to their clusters: what `ClusterModel.assign` says of one, for all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel, Points
from pipeline.model.contract import Value
from pipeline.model.many.borders import Array, Indices, first_values_past
from pipeline.model.reasons import (
    NEGLIGIBLE,
    Reason,
    indifferent,
    of_category,
    of_number,
)


class Pairs(NamedTuple):
    """What lies between a cluster and its runner-up, for every pair of them: one element a pair.

    The number of a pair is `own * clusters + runner_up`.
    """

    weights: list[Array]
    """By column: by how much d²(runner-up) - d²(own) grows with it."""
    origins: list[Array]
    """By column: the middle between both centres."""
    signs: list[Array]
    """By feature: which way a number comes nearer to the runner-up."""
    slopes: list[list[Array]]
    """By feature and cluster: how fast that cluster comes nearer that way; 0 where it does not."""


@dataclass(frozen=True, slots=True)
class Explanations:
    """Many customers' reasons: one element a customer in every array."""

    points: Points
    own: Indices
    """Each customer's cluster, as an index of the model's clusters."""
    runner_up: Indices
    """The next one."""
    runner_up_distance: Array
    contributions: Mapping[str, Array]
    """By feature: what it adds to d²(runner-up) - d²(own); above zero it speaks for the cluster."""

    def telling(self) -> NDArray[np.bool_]:
        """Whether each feature makes a difference: a row a feature, a column a customer."""
        parts = list(self.contributions.values())
        lead, weight = np.zeros(len(self.own)), np.zeros(len(self.own))
        for part in parts:
            lead += part
            weight += np.abs(part)
        weight *= NEGLIGIBLE
        return np.stack([(np.abs(p) > weight) | ((p > 0) & (p >= lead)) for p in parts])


@dataclass(frozen=True, slots=True)
class Borders:
    """Where each feature leads to another cluster: a row a feature, a column a customer."""

    value: Array
    """The first round value of another cluster; NaN where there is none."""
    cluster: Indices
    """The index of that cluster, where there is a value."""


def explain_many(
    model: ClusterModel, features: Mapping[str, NDArray[Any]], points: Points | None = None
) -> Explanations:
    """Explain the clusters of many customers.

    Args:
        model: The model that assigns them.
        features: As for `ClusterModel.assign_many`.
        points: Where the customers are, where that is known already.

    Returns:
        The same clusters, runners-up and contributions that `ClusterModel.assign` finds for each
        customer alone.
    """
    points = points or model.points(features)
    own, runner_up, further = _two_nearest(points.squared)
    pairs, between = pairs_of(model), own * len(model.clusters) + runner_up
    contributions: dict[str, Array] = {}
    for column, z, origins, weights in zip(
        model.columns, points.z, pairs.origins, pairs.weights, strict=True
    ):
        term = z - origins.take(between)
        term *= weights.take(between)
        known = contributions.get(column.feature)
        contributions[column.feature] = term if known is None else known + term
    ordered = {feature.name: contributions[feature.name] for feature in model.contract.features}
    return Explanations(points, own, runner_up, np.sqrt(further), ordered)


def find_borders(
    model: ClusterModel,
    features: Mapping[str, NDArray[Any]],
    found: Explanations,
    wanted: NDArray[np.bool_],
    *,
    clusters: bool = True,
) -> Borders:
    """Where another cluster begins, on each number's way to the runner-up.

    Args:
        model: The model that assigns the customers.
        features: Their values, as for `ClusterModel.assign_many`.
        found: Why they belong to their clusters.
        wanted: Of which features they are wanted: a row a feature, a column a customer.
        clusters: Whether the clusters that begin there are wanted too.
    """
    value = np.full(wanted.shape, np.nan)
    cluster = np.full(wanted.shape if clusters else (0, 0), -1, np.intp)
    pairs, numbers = pairs_of(model), len(model.clusters)
    near = np.minimum.reduce(found.points.squared)
    between = found.own * numbers + found.runner_up
    leads = [further - near for further in found.points.squared]
    for index, feature in enumerate(model.contract.features):
        everyone = bool(wanted[index].all())
        rows = slice(None) if everyone else np.flatnonzero(wanted[index])
        if not feature.numeric or (not everyone and not wanted[index].any()):
            continue
        pair = between[rows]
        signs, ways = pairs.signs[index].take(pair), np.full(len(pair), np.inf)
        behind = np.full(len(pair) if clusters else 0, -1, np.intp)
        with np.errstate(divide="ignore", invalid="ignore"):
            for other, slopes in enumerate(pairs.slopes[index]):
                moves = leads[other][rows] / slopes.take(pair)
                if clusters:
                    np.copyto(behind, other, where=moves < ways)
                np.fmin(ways, moves, out=ways)
            column = next(i for i, c in enumerate(model.columns) if c.feature == feature.name)
            borders = model.space.value_at(column, found.points.z[column][rows] + signs * ways)
        at = np.arange(len(found.own))[rows]
        past = first_values_past(
            feature, features[feature.name][rows], borders, signs,
            partial(moves_of, model, features, at, feature.name),
        )  # fmt: skip
        value[index, rows] = past
        if clusters:
            cluster[index, rows] = behind
    return Borders(value, cluster)


def pairs_of(model: ClusterModel) -> Pairs:
    """What lies between each two clusters of a model; worked out once."""
    known = model.worked_out.get("pairs")
    if known is None:
        known = model.worked_out["pairs"] = _pairs(model)
    return cast(Pairs, known)


def _pairs(model: ClusterModel) -> Pairs:
    count = range(len(model.clusters))
    numbers, columns = range(len(model.contract.features)), range(len(model.columns))
    compared = [
        None if own == other else model.comparison(own, other) for own in count for other in count
    ]

    def table(values: Iterable[float]) -> Array:
        """A number a pair; zero between a cluster and itself."""
        given = iter(values)
        return np.array([0.0 if pair is None else next(given) for pair in compared])

    known = [pair for pair in compared if pair is not None]
    return Pairs(
        [table(pair.border.weights[c] for pair in known) for c in columns],
        [table(pair.border.origins[c] for pair in known) for c in columns],
        [table(pair.ways[f].sign for pair in known) for f in numbers],
        [
            [table(dict(pair.ways[f].slopes).get(k, 0.0) for pair in known) for k in count]
            for f in numbers
        ],
    )


def moves_of(
    model: ClusterModel,
    features: Mapping[str, NDArray[Any]],
    rows: Indices,
    name: str,
    index: int,
) -> Callable[[float], bool]:
    """Whether another value of a feature moves one of many customers to another cluster."""
    customer = customer_at(features, int(rows[index]))
    own = model.nearest(customer)
    return lambda value: model.nearest({**customer, name: value}) != own


def customer_at(features: Mapping[str, NDArray[Any]], row: int) -> dict[str, Value]:
    """The values of one of many customers."""
    return {
        name: float(values[row]) if values.dtype.kind == "f" else str(values[row])
        for name, values in features.items()
    }


class ReasonTable(NamedTuple):
    """Many customers' reasons in parts: a row a feature, a column a customer."""

    telling: NDArray[np.bool_]
    """Whether the feature makes a difference."""
    parts: Array
    """What it adds."""
    borders: Borders
    signs: Indices
    """Which way the runner-up comes nearer: 1 upwards, -1 downwards; 0 for neither."""
    order: Indices
    """The features' indices by rank, the weightiest first: a row a rank."""


def reason_table(
    model: ClusterModel, features: Mapping[str, NDArray[Any]], found: Explanations
) -> ReasonTable:
    """The reasons of many customers, without their words."""
    telling = found.telling()
    parts = np.stack(list(found.contributions.values()))
    between = found.own * len(model.clusters) + found.runner_up
    signs = np.stack([of.take(between) for of in pairs_of(model).signs]).astype(np.intp)
    order = np.argsort(-np.abs(parts), axis=0, kind="stable")
    return ReasonTable(telling, parts, find_borders(model, features, found, telling), signs, order)


def reasons_of(
    model: ClusterModel, features: Mapping[str, NDArray[Any]], found: Explanations
) -> list[tuple[Reason, ...]]:
    """Every customer's reasons, a feature each, the weightiest first."""
    telling, parts, borders, signs, order = reason_table(model, features, found)
    customers = zip(*(features[f.name].tolist() for f in model.contract.features), strict=True)
    table = (telling.T.tolist(), parts.T.tolist(), borders.value.T.tolist(),
             borders.cluster.T.tolist(), signs.T.tolist())  # fmt: skip

    def reason(
        index: int, value: Value, part: float, border: float, behind: int, sign: int, *, tells: bool
    ) -> Reason:
        feature = model.contract.features[index]
        if not tells:
            return indifferent(feature, value, part)
        if isinstance(value, str):
            return of_category(feature, value, part)
        cluster, known = model.clusters[behind].id, None if isnan(border) else border
        return of_number(feature, value, part, sign, known, cluster)

    return [
        tuple(
            reason(index, customer[index], adds[index], values[index], clusters[index],
                   ways[index], tells=tells[index])
            for index in ranks
        )
        for customer, ranks, tells, adds, values, clusters, ways in zip(
            customers, order.T.tolist(), *table, strict=True
        )
    ]  # fmt: skip


def _two_nearest(squared: Sequence[Array]) -> tuple[Indices, Indices, Array]:
    """The nearest cluster, the next one, and how far that is; ties go to the lowest id."""
    own = np.zeros(len(squared[0]), np.intp)
    near, runner_up = squared[0].copy(), np.ones_like(own)
    next_near = np.full_like(near, np.inf)
    for index in range(1, len(squared)):
        here = squared[index]
        closer, second = here < near, here < next_near
        np.copyto(runner_up, index, where=second)
        np.copyto(next_near, here, where=second)
        np.copyto(runner_up, own, where=closer)
        np.copyto(next_near, near, where=closer)
        np.copyto(own, index, where=closer)
        np.copyto(near, here, where=closer)
    return own, runner_up, next_near
