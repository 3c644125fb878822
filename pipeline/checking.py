"""Checking many customers against the contract at once.

Fast where values are plainly right; every other value is judged by `Feature.parse`, the one place
that knows the rules, so a file and a single look-up refuse the same values with the same words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.contract import LARGEST, Contract, Feature
from pipeline.errors import Problem
from pipeline.reading import is_text, plain
from pipeline.reading.table import as_text

_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"


@dataclass(frozen=True, slots=True)
class Checked:
    """What `ClusterModel.assign_many` reads, for the customers that are `good`."""

    features: Mapping[str, NDArray[Any]]
    good: NDArray[np.bool_]
    problems: Mapping[int, list[Problem]]
    """By position in the block, for every customer that is not good."""


def check(contract: Contract, columns: Mapping[str, pa.Array], decimal: str = ".") -> Checked:
    """Parse the features of equally many customers; `features` holds the good ones only.

    `decimal` is the mark in numbers that come as text.
    """
    problems: dict[int, list[Problem]] = {}
    parsed = {}
    for feature in contract.features:
        column = as_text(plain(columns[feature.name]))
        values, sure = (
            _numbers(feature, column, decimal) if feature.numeric else _texts(feature, column)
        )
        for position in np.flatnonzero(~sure).tolist():
            found = feature.parse(column[position].as_py(), decimal)
            if isinstance(found, Problem):
                problems.setdefault(position, []).append(found)
            else:
                values[position] = found
        parsed[feature.name] = values
    good = np.ones(len(next(iter(parsed.values()))), bool)
    if not problems:
        return Checked(parsed, good, problems)
    good[list(problems)] = False
    return Checked({name: values[good] for name, values in parsed.items()}, good, problems)


def _numbers(
    feature: Feature, column: pa.Array, decimal: str
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The column as float64, and which elements are certainly acceptable."""
    kind = column.type
    if is_text(column):
        column = _cast_text(column, decimal)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64(), safe=False)
    else:
        column = pa.nulls(len(column), pa.float64())
    values = np.array(column.to_numpy(zero_copy_only=False), float)
    low, high = feature.valid.low, feature.valid.high
    sure = np.abs(values) <= LARGEST  # false for NaN
    if low is not None:
        sure &= values >= low
    if high is not None:
        sure &= values <= high
    if feature.type == "integer":
        sure &= np.floor(values) == values
    return values, sure


def _cast_text(column: pa.Array, decimal: str) -> pa.Array:
    if decimal == ",":
        pointed = pc.match_substring(column, ".")
        column = pc.if_else(pointed, None, pc.replace_substring(column, ",", "."))
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        numeric = pc.match_substring_regex(column, _NUMBER)
        return pc.if_else(numeric, column, None).cast(pa.float64())


def _texts(feature: Feature, column: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if not is_text(column):
        return np.full(len(column), "", object), np.zeros(len(column), bool)
    known = pc.is_in(column, pa.array(feature.values, column.type))
    values = np.array(column.to_numpy(zero_copy_only=False), object)
    return values, np.array(known.to_numpy(zero_copy_only=False), bool)
