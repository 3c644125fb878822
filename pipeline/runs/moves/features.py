"""Which feature moved a customer: the exact difference of two assignments, feature by feature.

d²(new group) - d²(old group) is affine in the standardised columns, so the difference between two
dates splits into one term a feature, and nothing is left over. The most negative term is that of
the feature which brought the customer nearer to the new group most.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.many.explanations import pairs_of
from pipeline.reading.validation import Checked, check
from pipeline.runs.rows import RunRows, numbers_of

Values = NDArray[np.float64]
"""A row a customer, a column a feature; a category by its place among the contract's values."""
_NEAR = 8
"""Rows that are read at once may be so many times those that are asked for."""


class FeatureReader:
    """Reads the features of customers from the rows of a run, as a model's contract says."""

    def __init__(self, model: ClusterModel, rows: RunRows) -> None:
        """Bind the features to columns.

        Raises:
            WrongFile: The run lacks one of them.
        """
        names = [feature.name for feature in model.contract.features]
        found = {name: rows.position(name) for name in names}
        missing = [name for name, position in found.items() if position is None]
        if missing:
            columns = ", ".join(missing)
            raise WrongFile(
                rows.run.address, f"has no column {columns}, which the model of the other run reads"
            )
        self.columns = [position for position in found.values() if position is not None]
        """Their positions, in the order of the contract."""
        self._model, self._names, self._numbers = model, names, numbers_of(rows.run.manifest)
        self._address = rows.run.address

    def check(self, columns: Sequence[pa.Array]) -> Checked:
        """Check the columns that `columns` names."""
        features = dict(zip(self._names, columns, strict=True))
        return check(self._model.contract, features, self._numbers)

    def values(self, columns: Sequence[pa.Array]) -> Values:
        """The features of customers who were assigned by them.

        Raises:
            WrongFile: They cannot be what was assigned.
        """
        checked = self.check(columns)
        if checked.problems:
            raise WrongFile(self._address, "has assigned rows that are not what was written")
        made = np.empty((len(checked.good), len(self._names)))
        for index, feature in enumerate(self._model.contract.features):
            values = checked.features[feature.name]
            if not feature.numeric:
                places = {value: place for place, value in enumerate(feature.values)}
                values = np.array([places[value] for value in values], float)
            made[:, index] = values
        return made


@dataclass(frozen=True, slots=True)
class Causes:
    """What moved some customers: one element a customer."""

    feature: NDArray[np.intp]
    """The index of the feature."""
    share: NDArray[np.float64]
    """Its share of all that brought the customer nearer to the new group."""
    before: NDArray[np.float64]
    """Its value then."""
    after: NDArray[np.float64]


def terms_of(
    model: ClusterModel,
    before: Values,
    after: Values,
    own: NDArray[np.intp],
    other: NDArray[np.intp],
) -> NDArray[np.float64]:
    """By how much each feature changed d²(other) - d²(own): a row a feature, a column a customer.

    Args:
        model: The model that both assignments are of.
        before: The features then.
        after: The features now.
        own: The old cluster of each customer, as an index of the model's clusters.
        other: The new one.

    Returns:
        Terms whose sum is the whole difference; below zero brings nearer to the new cluster.
    """
    then, now = (_standardised(model, values) for values in (before, after))
    weights, between = pairs_of(model).weights, own * len(model.clusters) + other
    index_of = {feature.name: at for at, feature in enumerate(model.contract.features)}
    terms = np.zeros((len(index_of), len(before)))
    for at, column in enumerate(model.columns):
        terms[index_of[column.feature]] += (now[at] - then[at]) * weights[at].take(between)
    return terms


def causes_of(
    model: ClusterModel,
    before: Values,
    after: Values,
    own: NDArray[np.intp],
    other: NDArray[np.intp],
) -> Causes:
    """The feature that moved each customer most; arguments as for `terms_of`."""
    terms = terms_of(model, before, after, own, other)
    feature = terms.argmin(axis=0)
    customers = np.arange(len(before))
    pushing = np.minimum(terms, 0).sum(axis=0)
    share = np.divide(
        terms[feature, customers], pushing, out=np.zeros(len(before)), where=pushing < 0
    )
    return Causes(feature, share, before[customers, feature], after[customers, feature])


def texts_of_values(
    model: ClusterModel, feature: NDArray[np.intp], values: NDArray[np.float64], decimal: str
) -> list[str]:
    """Values of features as text: a number in the fewest digits, a category by its word."""
    known = model.contract.features

    def text(index: int, value: float) -> str:
        if not known[index].numeric:
            return known[index].values[int(value)]
        whole = value.is_integer() and abs(value) < 1e15
        return str(int(value)) if whole else repr(value).replace(".", decimal)

    return list(map(text, feature.tolist(), values.tolist()))


class StoredValues:
    """The features of many customers in a file, by their number in it."""

    def __init__(self, path: Path, features: int) -> None:
        """Begin without customers."""
        self._path, self._width = path, features

    def append(self, values: Values) -> None:
        """Add the next customers."""
        with self._path.open("ab") as file:
            values.tofile(file)

    def take(self, numbers: NDArray[Any]) -> Values:
        """The features of some customers.

        They are read and not mapped: of a mapped file far more than what is asked for would stay in
        memory. Those that lie near together, as in files of one order, are read at once.
        """
        count, size = len(numbers), 8 * self._width
        if not count:
            return np.empty((0, self._width))
        first, span = int(numbers.min()), int(numbers.max()) - int(numbers.min()) + 1
        with self._path.open("rb") as file:
            if span <= _NEAR * count:
                read = os.pread(file.fileno(), span * size, first * size)
                rows = numbers.astype(np.int64) - first
                return np.array(np.frombuffer(read).reshape(-1, self._width)[rows])
            number = file.fileno()
            found = [os.pread(number, size, at * size) for at in numbers.tolist()]
        return np.frombuffer(b"".join(found)).reshape(-1, self._width)


def _standardised(model: ClusterModel, values: Values) -> list[NDArray[np.float64]]:
    features: Mapping[str, NDArray[Any]] = {
        feature.name: values[:, index] for index, feature in enumerate(model.contract.features)
    }
    places = {f.name: {v: i for i, v in enumerate(f.values)} for f in model.contract.features}
    encoded = [
        features[column.feature]
        if column.value is None
        else (features[column.feature] == places[column.feature][column.value]).astype(float)
        for column in model.columns
    ]
    return model.space.standardise(encoded)
