"""Recipes: what to train on and how, written down.

Algorithms that can be trained have one centre for each cluster and put a customer where the
nearest centre is: all that serving has to know. k-medoids would qualify and is left out on
purpose. Its centres are customers, so every artifact would carry the figures of real people, and
the maintained library for it (kmedoids) is under the GPL. Nothing is lost: on the best finalists of
the real customers FasterPAM was never better than K-Means in silhouette, stability and churn
together, and ten times slower.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Algorithm = Literal["kmeans", "minibatch"]

ALGORITHMS: dict[Algorithm, str] = {"kmeans": "K-Means", "minibatch": "Mini-batch K-Means"}
"""What people call them, the simplest first."""
LISTS = ("features", "yeo_johnson", "risk_features")
"""The fields of a recipe that are lists of features."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Transform and scale some features, rotate to principal axes, then look for centres."""

    name: str
    title: str
    features: tuple[str, ...]
    k: int
    principal_components: int | None = None
    yeo_johnson: tuple[str, ...] = ()
    """The features that are transformed by Yeo-Johnson before they are scaled."""
    scaling: Literal["standard", "robust"] = "standard"
    """By mean and standard deviation, or by median and interquartile range."""
    n_init: int = 50
    seed: int = 42
    algorithm: Algorithm = "kmeans"
    by_churn: bool = False
    """Whether churn took part in choosing it: then rates are counted on other customers."""
    risk: bool = True
    """Whether a risk score is fitted, where there is a label."""
    risk_features: tuple[str, ...] = ()
    """The features that it reads; none named: all that are not sensitive."""

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what a manifest states; TypeError or KeyError when it is no recipe."""
        lists = {name: tuple(document.get(name, ())) for name in LISTS}
        return cls(**{**document, **lists})


_ORIGINAL = (
    "Contacts_Count_12_mon",
    "Credit_Limit",
    "Total_Revolving_Bal",
    "Avg_Utilization_Ratio",
)

SEARCH = "search"
"""The recipe that is not written down but found by evidence."""

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("original", "The published model: four features, k = 3", _ORIGINAL, 3, 2),
        Recipe("original-onehot", "The same with gender", (*_ORIGINAL, "Gender"), 3, 2),
    )
}
