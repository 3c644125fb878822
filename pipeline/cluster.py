"""A cluster: a group of customers that training found, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.churn import ChurnRate


@dataclass(frozen=True, slots=True)
class Profile:
    """How a feature is distributed among a cluster's training customers, in its own unit."""

    mean: float
    median: float
    q1: float
    q3: float
    z: float
    """The mean's distance from the mean of all customers, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group found by training."""

    id: int
    name: str
    description: str
    centre: tuple[float, ...]
    size: int
    share: float
    churn: ChurnRate | None
    outlier_distance: float
    """The 99.5 % quantile of the training customers' distances to the centre."""
    profile: Mapping[str, Profile]

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` made; KeyError or TypeError when it is not that."""
        churn = document["churn"]
        profile = {name: Profile(**item) for name, item in document["profile"].items()}
        known = {**document, "churn": churn and ChurnRate(**churn), "profile": profile}
        return cls(**{**known, "centre": tuple(document["centre"])})
