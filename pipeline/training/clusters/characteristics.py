"""What else sets clusters apart: features that the model does not read, such as age or income."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model.contract import Feature
from pipeline.training.cleaning import Customers
from pipeline.training.statistics.effects import cramers_v

_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A feature by cluster: the median of a number, or the share of each value of a category."""

    feature: Feature
    association: float
    """Cramér's V with the clusters, 0 to 1; of a number, by the quarters of its distribution."""
    lines: tuple[tuple[str, tuple[float, ...], float], ...]
    """What a line is about, its figure in each cluster, and its figure among all customers."""

    def show(self, figure: float) -> str:
        """A figure as people write it."""
        return self.feature.show(figure) if self.feature.numeric else f"{figure:.1%}"


def characteristics(customers: Customers, labels: NDArray[np.intp]) -> list[Characteristic]:
    """Every known feature that the model does not read, the strongest association first."""
    listed = []
    for feature in customers.unread:
        values = customers.others[feature.name].to_numpy()
        present = ~np.isnan(values) if feature.numeric else values != ""
        if present.sum() and len(set(labels[present].tolist())) == labels.max() + 1:
            listed.append(_characteristic(feature, values[present], labels[present]))
    return sorted(listed, key=lambda characteristic: -characteristic.association)


def association(feature: Feature, values: NDArray[np.generic], labels: NDArray[np.intp]) -> float:
    """Cramér's V of a feature with the clusters; a number counts by its quarters."""
    if feature.numeric:
        numbers = values.astype(float)
        values = np.searchsorted(np.quantile(numbers, _QUARTILES), numbers)
    kinds, codes = np.unique(values.astype(str), return_inverse=True)
    shape = (int(labels.max()) + 1, len(kinds))
    counts = np.bincount(labels * shape[1] + codes, minlength=shape[0] * shape[1])
    return cramers_v(counts.reshape(shape)) or 0.0


def _characteristic(
    feature: Feature, values: NDArray[np.generic], labels: NDArray[np.intp]
) -> Characteristic:
    clusters = range(int(labels.max()) + 1)
    if feature.numeric:
        numbers = values.astype(float)
        medians = tuple(float(np.median(numbers[labels == k])) for k in clusters)
        lines = [("median", medians, float(np.median(numbers)))]
    else:
        lines = [
            (
                value,
                tuple(float((values[labels == k] == value).mean()) for k in clusters),
                float((values == value).mean()),
            )
            for value in feature.values
        ]
    return Characteristic(feature, association(feature, values, labels), tuple(lines))
