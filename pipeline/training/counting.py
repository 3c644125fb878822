"""On which customers churn is counted, so that no rate is flattered by having been chosen."""

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from pipeline.training.recipes import Recipe

MOST_SEEN = 20_000
"""Customers that a search compares recipes on; with more, all others test its choice."""
_SHARE = 0.75

Rows = NDArray[np.intp]  # positions of customers, ascending


def split(customers: int, churned: NDArray[np.bool_] | None, seed: int) -> tuple[Rows, Rows]:
    """The customers that a choice may look at, and those that it may not.

    Without a label there is nothing to be kept for a test but what is too much to look at.

    Args:
        customers: How many there are.
        churned: (customers,): the label, which both parts have in the same shares.
        seed: Of the draw.
    """
    rows = np.arange(customers)
    seen = min(MOST_SEEN, customers if churned is None else int(_SHARE * customers))
    if seen == customers:
        return rows, rows[:0]
    alike = None if churned is None or rarer(churned) < 2 else churned
    chosen, others = train_test_split(rows, train_size=seen, random_state=seed, stratify=alike)
    return np.sort(chosen), np.sort(others)


def rarer(churned: NDArray[np.bool_]) -> int:
    """How many left or stayed, whichever are fewer."""
    return int(min(churned.sum(), (~churned).sum()))


def counted_rows(recipe: Recipe, churned: NDArray[np.bool_] | None, customers: int) -> Rows:
    """The customers whose churn is counted: where churn chose the recipe, those it did not see."""
    if churned is None or not recipe.by_churn:
        return np.arange(customers)
    return split(customers, churned, recipe.seed)[1]
