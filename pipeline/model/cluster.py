"""A cluster: a group of customers that training found, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.model import typed_values as typed
from pipeline.model.churn import ChurnRate


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
    outlier_residual: float | None = None
    """The same quantile of how far they lie off the axes that PCA keeps, in standard deviations.

    None where nothing is dropped, and in artifacts of format 1, which do not know of it."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` made; ValueError, KeyError or TypeError when it is not."""
        what = f"cluster {given.get('id')}"
        profile = typed.table(given["profile"], f"{what}.profile")
        known = {
            "id": typed.whole(given["id"], f"{what}.id", 1),
            "name": typed.text(given["name"], f"{what}.name"),
            "description": typed.text(given["description"], f"{what}.description"),
            "centre": typed.numbers(given["centre"], f"{what}.centre"),
            "size": typed.whole(given["size"], f"{what}.size"),
            "share": typed.number(given["share"], f"{what}.share"),
            "churn": given["churn"] and ChurnRate.from_dict(given["churn"], f"{what}.churn"),
            "outlier_distance": typed.number(given["outlier_distance"], f"{what}.outlier_distance"),
            "profile": {name: _profile(item, f"{what}.profile") for name, item in profile.items()},
        }
        if given.get("outlier_residual") is not None:
            typed.number(given["outlier_residual"], f"{what}.outlier_residual")
        return cls(**{**given, **known})


def _profile(given: Mapping[str, Any], what: str) -> Profile:
    return Profile(**{key: typed.number(value, what) for key, value in given.items()})
