"""Profiles of single features, side by side for the customers that stayed and that churned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Feature
from pipeline.training.exploring.exploration import (
    GROUPS,
    CategoryCount,
    CategoryProfile,
    NumberProfile,
)
from pipeline.training.statistics.effects import (
    Histogram,
    Spread,
    cohens_d,
    cramers_v,
    share_outside,
    skewness,
)
from pipeline.training.statistics.shapes import ChurnShape, number_shape

Groups = Mapping[str, NDArray[np.bool_]]
"""Which rows belong to `stayed` and to `churned`; empty without a label."""


@dataclass(frozen=True, slots=True)
class FeatureValues:
    """A feature's column: its acceptable values, and on which rows they are."""

    feature: Feature
    values: NDArray[Any]
    good: NDArray[np.bool_]

    def of(self, rows: NDArray[np.bool_]) -> NDArray[Any]:
        """The acceptable values on some rows."""
        return self.values[rows[self.good]]

    def with_gaps(self) -> NDArray[np.float64]:
        """Numbers of all rows, NaN where there is none."""
        values = np.full(len(self.good), np.nan)
        values[self.good] = self.values
        return values


def number_profile(column: FeatureValues, groups: Groups) -> NumberProfile:
    """A numeric feature, of everyone and of the groups."""
    feature, values = column.feature, column.values.astype(float)
    parts = {name: column.of(rows).astype(float) for name, rows in groups.items()}
    flag = len(np.unique(values)) == 2
    return NumberProfile(
        name=feature.name,
        label=feature.label,
        unit=feature.unit,
        everyone=Spread.of(values),
        stayed=Spread.of(parts["stayed"]) if parts else None,
        churned=Spread.of(parts["churned"]) if parts else None,
        cohens_d=cohens_d(parts["stayed"], parts["churned"]) if parts else None,
        skewness=None if flag else skewness(values),
        flag=flag,
        shape=_shape(column, groups),
        outside_typical=share_outside(values, feature.typical),
        histogram=Histogram.of(
            parts or {"everyone": values}, feature.typical, feature.type == "integer"
        ),
    )


def category_profile(column: FeatureValues, groups: Groups) -> CategoryProfile:
    """A categorical feature; a value such as Unknown is a category of its own."""
    values = column.feature.values
    every = _counts(column.values, values)
    parts = {name: _counts(column.of(rows), values) for name, rows in groups.items()}
    stayed, churned = (parts.get(name, np.zeros_like(every)) for name in GROUPS)
    counts = tuple(
        CategoryCount(
            value,
            int(every[i]),
            _share(every, i) or 0.0,
            int(stayed[i]),
            _share(stayed, i),
            int(churned[i]),
            _share(churned, i),
            ChurnRate.of(int(churned[i]), int(stayed[i] + churned[i])),
        )
        for i, value in enumerate(values)
    )
    v = cramers_v(np.column_stack([stayed, churned]))
    return CategoryProfile(column.feature.name, column.feature.label, counts, v)


def _shape(column: FeatureValues, groups: Groups) -> ChurnShape | None:
    """Churn along the acceptable values of the customers of whom it is known."""
    if not groups:
        return None
    churned = groups["churned"]
    known = (groups["stayed"] | churned) & column.good
    return number_shape(column.of(known).astype(float), churned[known])


def _counts(column: NDArray[Any], values: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array([(column == value).sum() for value in values], np.int64)


def _share(counts: NDArray[np.int64], index: int) -> float | None:
    total = int(counts.sum())
    return int(counts[index]) / total if total else None
