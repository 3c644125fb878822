"""Checking many customers with types, as from JSON, against the contract at once.

Fast where values are plainly right; every other value is decided by `Feature.parse_typed`, so that
many customers and a single one are refused for the same values with the same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Problem
from pipeline.model.contract import LARGEST, Contract, Feature

_NUMBERS = {int, float}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What `Contract.parse` says of each of many customers."""

    features: Mapping[str, NDArray[Any]]
    """Of the good ones, as for `ClusterModel.assign_many`."""
    good: NDArray[np.bool_]
    problems: Mapping[int, list[Problem]]
    """By position, for every customer that is not good."""


def parse_many(contract: Contract, customers: Sequence[Mapping[str, object]]) -> Parsed:
    """Parse customers from a source with types, where a text is no number.

    Args:
        contract: What their values may be.
        customers: Values by the names of columns; those that are no features are ignored.
    """
    problems: dict[int, list[Problem]] = {}
    features: dict[str, NDArray[Any]] = {}
    for feature in contract.features:
        cells = [customer.get(feature.name) for customer in customers]
        values, sure = _numbers(feature, cells) if feature.numeric else _texts(feature, cells)
        if not sure.all():
            for position in np.flatnonzero(~sure).tolist():
                value = feature.parse_typed(cells[position])
                if isinstance(value, Problem):
                    problems.setdefault(position, []).append(value)
                else:
                    values[position] = value
        features[feature.name] = values
    good = np.ones(len(customers), bool)
    if problems:
        good[list(problems)] = False
        features = {name: values[good] for name, values in features.items()}
    return Parsed(features, good, problems)


def _numbers(
    feature: Feature, cells: list[object]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The cells as numbers, and which of them are certainly acceptable."""
    if not set(map(type, cells)) <= _NUMBERS:  # a truth value is no number, though Python says so
        cells = [cell if type(cell) in _NUMBERS else np.nan for cell in cells]
    try:
        values = np.array(cells, np.float64)
    except OverflowError:  # of a whole number
        return np.full(len(cells), np.nan), np.zeros(len(cells), bool)
    low, high = feature.valid.low, feature.valid.high
    sure = np.abs(values) <= LARGEST  # false for NaN
    if low is not None:
        sure &= values >= low
    if high is not None:
        sure &= values <= high
    if feature.type == "integer":
        sure &= np.floor(values) == values
    return values, sure


def _texts(feature: Feature, cells: list[object]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    known = set(feature.values)
    sure = [type(cell) is str and cell in known for cell in cells]
    values = np.empty(len(cells), object)
    values[:] = cells
    return values, np.array(sure, bool)
