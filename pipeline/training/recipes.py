"""Recipes: what to train on and how, written down."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Recipe:
    """Transform and scale some features, rotate to principal axes, then K-Means."""

    name: str
    title: str
    features: tuple[str, ...]
    k: int
    principal_components: int | None = None
    yeo_johnson: tuple[str, ...] = ()
    """The features that are straightened by Yeo-Johnson before they are scaled."""
    scaling: Literal["standard", "robust"] = "standard"
    """By mean and standard deviation, or by median and interquartile range."""
    n_init: int = 50
    seed: int = 42


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
