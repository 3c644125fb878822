"""Why many customers belong to their clusters: what `ClusterModel.assign` says of one, for all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import Assignment, ClusterModel, Points
from pipeline.model.contract import Value
from pipeline.model.many.borders import Array, Indices, first_borders, first_values_past
from pipeline.model.reasons import NEGLIGIBLE, Reason, indifferent, of_category, of_number


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
        parts = np.stack(list(self.contributions.values()))
        lead, weight = np.zeros(parts.shape[1]), np.zeros(parts.shape[1])
        for part in parts:
            lead += part
            weight += np.abs(part)
        return (np.abs(parts) > NEGLIGIBLE * weight) | ((parts > 0) & (parts >= lead))


@dataclass(frozen=True, slots=True)
class Borders:
    """Where each feature leads to another cluster: a row a feature, a column a customer."""

    value: Array
    """The first round value of another cluster; NaN where there is none."""
    cluster: Indices
    """The index of that cluster; -1 where there is none."""


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
    contributions = {f.name: np.zeros(len(own)) for f in model.contract.features}
    for first, second, rows in _pairs(own, runner_up):
        border = model.comparison(first, second).border
        terms = border.terms([column[rows] for column in points.z])
        for column, term in zip(model.columns, terms, strict=True):
            contributions[column.feature][rows] += term
    return Explanations(points, own, runner_up, np.sqrt(further), contributions)


def find_borders(
    model: ClusterModel,
    features: Mapping[str, NDArray[Any]],
    found: Explanations,
    wanted: NDArray[np.bool_],
) -> Borders:
    """Where another cluster begins, on each number's way to the runner-up.

    Args:
        model: The model that assigns the customers.
        features: Their values, as for `ClusterModel.assign_many`.
        found: Why they belong to their clusters.
        wanted: Of which features they are wanted: a row a feature, a column a customer.
    """
    value, cluster = np.full(wanted.shape, np.nan), np.full(wanted.shape, -1, np.intp)
    squared, z = found.points.squared, found.points.z
    for first, second, everyone in _pairs(found.own, found.runner_up):
        for index, way in enumerate(model.comparison(first, second).ways):
            rows = everyone[wanted[index, everyone]]
            if not way.sign or not len(rows):
                continue
            (column,), name = way.columns, way.feature.name
            leads = [further[rows] - squared[first][rows] for further in squared]
            ways, behind = first_borders(leads, way.slopes)
            borders = model.space.value_at(column, z[column][rows] + way.sign * ways)
            moves = partial(moves_of, model, features, rows, name)
            starts = features[name][rows]
            past = first_values_past(way.feature, starts, borders, way.sign, moves)
            value[index, rows] = past
            cluster[index, rows] = np.where(np.isnan(past), -1, behind)
    return Borders(value, cluster)


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


def reasons_of(
    model: ClusterModel, features: Mapping[str, NDArray[Any]], found: Explanations
) -> list[tuple[Reason, ...]]:
    """Every customer's reasons, a feature each, the weightiest first."""
    telling = found.telling()
    borders = find_borders(model, features, found, telling)
    parts = np.stack(list(found.contributions.values()))
    orders = np.argsort(-np.abs(parts), axis=0, kind="stable").T.tolist()
    customers = zip(*(features[f.name].tolist() for f in model.contract.features), strict=True)
    table = (telling.T.tolist(), parts.T.tolist(), borders.value.T.tolist(),
             borders.cluster.T.tolist(), found.own.tolist(), found.runner_up.tolist())  # fmt: skip

    def reasons() -> Iterator[tuple[Reason, ...]]:
        for customer, order, tells, adds, values, clusters, own, runner_up in zip(
            customers, orders, *table, strict=True
        ):
            ways = model.comparison(own, runner_up).ways
            yield tuple(
                reason(index, customer[index], adds[index], values[index], clusters[index],
                       ways[index].sign, tells=tells[index])
                for index in order
            )  # fmt: skip

    def reason(
        index: int, value: Value, part: float, border: float, behind: int, sign: int, *, tells: bool
    ) -> Reason:
        feature = model.contract.features[index]
        if not tells:
            return indifferent(feature, value, part)
        if isinstance(value, str):
            return of_category(feature, value, part)
        cluster = model.clusters[behind].id
        return of_number(feature, value, part, sign, None if behind < 0 else border, cluster)

    return list(reasons())


def locate_many(model: ClusterModel, customers: Sequence[Mapping[str, Value]]) -> list[Assignment]:
    """What `ClusterModel.locate` says of each of many customers, in a third of the time.

    Args:
        model: The model that assigns them.
        customers: Values that the contract has parsed.

    Returns:
        The same clusters and words; numbers differ by rounding only.
    """
    features = {
        feature.name: np.array(
            [customer[feature.name] for customer in customers], float if feature.numeric else object
        )
        for feature in model.contract.features
    }
    points = model.points(features)
    found, answer = explain_many(model, features, points), model.assign_points(features, points)
    reasons = reasons_of(model, features, found)
    own, runner_up = found.own.tolist(), found.runner_up.tolist()
    distance, further = answer.distance.tolist(), found.runner_up_distance.tolist()
    margin, outlier = answer.margin.tolist(), answer.outlier.tolist()
    residual = _residuals(model, points)

    def located(i: int, customer: Mapping[str, Value]) -> Assignment:
        if outlier[i]:  # few are, and why takes words
            return model.locate(customer)
        here, there = model.clusters[own[i]], model.clusters[runner_up[i]]
        return Assignment(
            here, distance[i], there, further[i], margin[i], (), residual[i], (), False, reasons[i]
        )

    return [located(i, customer) for i, customer in enumerate(customers)]


def _residuals(model: ClusterModel, points: Points) -> Sequence[float | None]:
    """How far off the model's axes each customer is; None where that has no limit."""
    if model.clusters[0].outlier_residual is None:
        return [None] * len(points.z[0])
    squared = model.space.squared_residual(points.z, points.u)
    residuals: list[float | None] = np.sqrt(np.maximum(squared, 0)).tolist()
    return residuals


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


def _pairs(own: Indices, runner_up: Indices) -> Iterator[tuple[int, int, Indices]]:
    """Every cluster and runner-up that occur, and the customers between them."""
    if not len(own):
        return
    codes = (own * (int(runner_up.max()) + 1) + runner_up).astype(np.int32)
    order = np.argsort(codes, kind="stable")
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    for rows in np.split(order, cuts):
        yield int(own[rows[0]]), int(runner_up[rows[0]]), rows
