"""The smallest change that moves each of many customers elsewhere.

What `pipeline.model.counterfactuals` finds for one, by numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.borders import Slopes, neighbours_of
from pipeline.model.cluster_model import ClusterModel, Points
from pipeline.model.contract import Feature
from pipeline.model.counterfactuals import find_counterfactuals, smallest_counterfactual, ways_of
from pipeline.model.geometry import yeo_johnson
from pipeline.model.many.borders import Array, Indices, first_borders, first_values_past
from pipeline.model.many.explanations import customer_at, moves_of


@dataclass(frozen=True, slots=True)
class Changes:
    """Each customer's smallest change of one feature: one element a customer in every array."""

    feature: Indices
    """The index of the feature; -1 where no change of one feature alone moves the customer."""
    number: Array
    """The other value; NaN for a category."""
    category: Indices
    """The index of the other category among the feature's values; -1 for a number."""
    cluster: Indices
    """The index of the cluster that it leads to."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One way to change one feature, of the customers of one cluster."""

    index: int
    """Of the feature."""
    feature: Feature
    columns: tuple[int, ...]
    sign: int = 0
    """Which way a number changes."""
    slopes: Slopes = ()
    category: int = -1
    """The other category."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """Customers after one change: how far it is in standard deviations, and where it leads."""

    size: Array
    number: Array
    cluster: Indices


def smallest_changes(
    model: ClusterModel, features: Mapping[str, NDArray[Any]], points: Points, own: Indices
) -> Changes:
    """The smallest change of one feature alone that moves each customer to another cluster.

    Args:
        model: The model that assigns the customers.
        features: Their values, as for `ClusterModel.assign_many`.
        points: Where they are among the clusters.
        own: The index of each customer's cluster.
    """
    count = len(own)
    changes = Changes(*(np.full(count, kind) for kind in (-1, np.nan, -1, -1)))
    for cluster in np.unique(own).tolist():
        rows = np.flatnonzero(own == cluster)
        _Group(model, features, points, cluster, rows).write(changes)
    return changes


class _Group:
    """The customers of one cluster."""

    def __init__(
        self,
        model: ClusterModel,
        features: Mapping[str, NDArray[Any]],
        points: Points,
        own: int,
        rows: Indices,
    ) -> None:
        self.model, self.features, self.own, self.rows = model, features, own, rows
        self.z = [column[rows] for column in points.z]
        near = points.squared[own][rows]
        self.leads = [further[rows] - near for further in points.squared]
        centre = model.clusters[own].centre
        self.weights = [model.space.weights(centre, other.centre) for other in model.clusters]
        self.candidates = self._candidates()

    def _candidates(self) -> list[_Candidate]:
        """In the order in which one customer's are tried: the first of equal ones is taken."""
        model, ways = self.model, ways_of(self.model.contract)
        around = neighbours_of(model.space, [each.centre for each in model.clusters], self.own)
        candidates = []
        for index, feature in enumerate(model.contract.features):
            columns = tuple(i for i, c in enumerate(model.columns) if c.feature == feature.name)
            way = ways[feature.name]
            if feature.numeric:
                candidates += [
                    _Candidate(index, feature, columns, sign, around.slopes(columns[0], sign))
                    for sign, name in ((1, "up"), (-1, "down"))
                    if way in ("both", name)
                ]
            elif way != "no":
                candidates += [
                    _Candidate(index, feature, columns, category=category)
                    for category in range(len(feature.values))
                ]
        return candidates

    def write(self, changes: Changes) -> None:
        """Write the smallest change of every customer of the group."""
        if not self.candidates:
            return
        least = np.stack([self._at_least(candidate) for candidate in self.candidates])
        best, count = np.full(len(self.rows), np.inf), len(self.candidates)
        first = np.argmin(least, axis=0)
        tried: list[Indices] = [np.flatnonzero(first == c) for c in range(count)]
        self._try(tried, least, best, changes)
        others = [np.flatnonzero((least[c] < best) & (first != c)) for c in range(count)]
        self._try(others, least, best, changes)

    def _try(self, tried: Sequence[Indices], least: Array, best: Array, changes: Changes) -> None:
        """Take each candidate for the customers for whom it is smaller than what they have."""
        for candidate, bounds, at in zip(self.candidates, least, tried, strict=True):
            at = at[np.isfinite(bounds[at])]
            if not len(at):
                continue
            moved = self._moved(candidate, at)
            failed = np.isnan(moved.size)
            smaller = moved.size < best[at]
            taken, rows = at[smaller], self.rows[at[smaller]]
            best[taken] = moved.size[smaller]
            changes.feature[rows] = candidate.index
            changes.number[rows] = moved.number[smaller]
            changes.category[rows] = candidate.category
            changes.cluster[rows] = moved.cluster[smaller]
            for index in at[failed].tolist():
                best[index] = -np.inf
                self._write_alone(int(self.rows[index]), changes)

    def _write_alone(self, row: int, changes: Changes) -> None:
        """The change of one customer, where rounding leaves a border open."""
        found = find_counterfactuals(self.model, customer_at(self.features, row)).values()
        change = smallest_counterfactual(found)
        changes.feature[row], changes.number[row] = -1, np.nan
        changes.category[row] = changes.cluster[row] = -1
        if change is not None:
            features = {feature.name: feature for feature in self.model.contract.features}
            feature = features[change.feature]
            changes.feature[row] = list(features).index(change.feature)
            changes.cluster[row] = self.model.clusters.index(change.cluster)
            if isinstance(change.value, str):
                changes.category[row] = feature.values.index(change.value)
            else:
                changes.number[row] = change.value

    def _at_least(self, candidate: _Candidate) -> Array:
        """How far a change is at least; infinite where there is none."""
        if candidate.category >= 0:
            return self._of_category(candidate, np.arange(len(self.rows))).size
        ways, _ = first_borders(self.leads, candidate.slopes)
        (column,), sign, valid = candidate.columns, candidate.sign, candidate.feature.valid
        end = valid.high if sign > 0 else valid.low
        if end is not None:
            space = self.model.space
            z = yeo_johnson(float(end), space.lambdas[column]) - space.mean[column]
            room = sign * (z / space.scale[column] - self.z[column])
            ways[ways > room + 1e-9] = np.inf
        return ways

    def _moved(self, candidate: _Candidate, at: Indices) -> _Moved:
        if candidate.category >= 0:
            return self._of_category(candidate, at)
        (column,), sign, space = candidate.columns, candidate.sign, self.model.space
        leads, z = [lead[at] for lead in self.leads], self.z[column][at]
        ways, _ = first_borders(leads, candidate.slopes)
        borders = space.value_at(column, z + sign * ways)
        rows, feature = self.rows[at], candidate.feature
        starts = self.features[feature.name][rows]
        moves = partial(moves_of, self.model, self.features, rows, feature.name)
        past = first_values_past(feature, starts, borders, np.full(len(at), float(sign)), moves)
        there = yeo_johnson(past, space.lambdas[column]) - space.mean[column]
        steps = there / space.scale[column] - z
        cluster = self._cluster_after(leads, [(column, steps)])
        size = np.where(cluster == self.own, np.nan, np.abs(steps))
        return _Moved(size, past, cluster)

    def _of_category(self, candidate: _Candidate, at: Indices) -> _Moved:
        """Every customer with another category; those who have it already do not move."""
        space, model = self.model.space, self.model
        value = candidate.feature.values[candidate.category]
        steps = []
        for column in candidate.columns:
            flag = 1.0 if model.columns[column].value == value else 0.0
            there = yeo_johnson(flag, space.lambdas[column]) - space.mean[column]
            steps.append((column, there / space.scale[column] - self.z[column][at]))
        cluster = self._cluster_after([lead[at] for lead in self.leads], steps)
        size = np.sqrt(sum(step * step for _, step in steps))
        size = np.where(cluster == self.own, np.inf, size)
        return _Moved(size, np.full(len(at), np.nan), cluster)

    def _cluster_after(self, leads: Sequence[Array], steps: Sequence[tuple[int, Array]]) -> Indices:
        """The index of the nearest cluster after steps along columns; ties go to the lowest."""
        nearest, cluster = np.full(len(leads[0]), np.inf), np.zeros(len(leads[0]), np.intp)
        for index, lead in enumerate(leads):
            here = lead
            for column, step in steps:
                here = here + self.weights[index][column] * step
            closer = here < nearest
            np.copyto(nearest, here, where=closer)
            np.copyto(cluster, index, where=closer)
        return cluster
