"""A sample of the customers, with every feature in every form that a recipe may give it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.preprocessing import PowerTransformer, RobustScaler, StandardScaler

from pipeline.training.cleaning import Customers

Points = NDArray[np.float64]
Labels = NDArray[np.intp]
Scaling = Literal["standard", "robust"]


@dataclass(frozen=True)
class Sample:
    """Some of the customers; features are in the order of their names, so no other order counts."""

    frame: pd.DataFrame
    """(customers, features)."""
    numbers: tuple[str, ...]
    churned: NDArray[np.bool_] | None
    seed: int

    @classmethod
    def of(cls, customers: Customers, size: int, seed: int) -> Self:
        """Draw a sample of at most `size` customers; the same one always."""
        frame = customers.features[sorted(str(name) for name in customers.features)]
        rows = np.sort(np.random.default_rng(seed).permutation(len(frame))[:size])
        numbers = sorted(f.name for f in customers.contract.features if f.numeric)
        churned = None if customers.churned is None else customers.churned[rows]
        return cls(frame.iloc[rows].reset_index(drop=True), tuple(numbers), churned, seed)

    @property
    def names(self) -> tuple[str, ...]:
        """Every feature."""
        return tuple(str(name) for name in self.frame)

    @cached_property
    def transformable(self) -> tuple[str, ...]:
        """Numbers with more than two values: two stay as far apart by any transform."""
        return tuple(name for name in self.numbers if self.frame[name].nunique() > 2)

    def points(
        self,
        names: Iterable[str],
        yeo_johnson: Sequence[str] = (),
        scaling: Scaling = "standard",
    ) -> Points:
        """Some features as the columns that a recipe would make of them."""
        return np.column_stack(
            [
                self._numbers[name in yeo_johnson, scaling][name]
                if name in self.numbers
                else self._one_hot[name]
                for name in names
            ]
        )

    @cached_property
    def _numbers(self) -> dict[tuple[bool, Scaling], dict[str, Points]]:
        if not self.numbers:
            return {}
        raw = self.frame[list(self.numbers)].to_numpy(float)
        power_transformed = PowerTransformer(standardize=False).fit_transform(raw)
        forms: dict[tuple[bool, Scaling], dict[str, Points]] = {}
        for power, values in ((False, raw), (True, power_transformed)):
            for scaling in ("standard", "robust"):
                scaler = StandardScaler() if scaling == "standard" else RobustScaler()
                columns = scaler.fit_transform(values)
                forms[power, scaling] = dict(zip(self.numbers, columns.T, strict=True))
        return forms

    @cached_property
    def _one_hot(self) -> dict[str, Points]:
        blocks = {}
        for name in self.names:
            if name not in self.numbers:
                blocks[name] = pd.get_dummies(self.frame[name]).to_numpy(float)
        return blocks


def cluster(points: Points, k: int, restarts: int, seed: int) -> tuple[Labels, Points]:
    """K-Means, good enough to screen by: labels (customers,) and centres (clusters, axes)."""
    kmeans = KMeans(k, n_init=restarts, random_state=seed, max_iter=60, tol=1e-3).fit(points)
    return kmeans.labels_, kmeans.cluster_centers_


def simplified_silhouette(points: Points, centres: Points) -> float:
    """Mean silhouette with distances to centres in place of customers.

    Hruschka, de Castro & Campello 2004 (ICTAI 2004); linear in the number of customers.

    Args:
        points: (customers, axes).
        centres: (clusters, axes), two at least.
    """
    squared = np.stack([((points - centre) ** 2).sum(axis=1) for centre in centres], axis=1)
    nearest = np.sqrt(np.partition(squared, 1, axis=1)[:, :2])
    own, other = nearest[:, 0], nearest[:, 1]
    return float(np.mean((other - own) / np.where(other > 0, other, 1)))
