"""The number of clusters for features that somebody chose."""

from dataclasses import replace

import numpy as np

from pipeline.errors import WrongFile
from pipeline.training import parallel
from pipeline.training.cleaning import Customers
from pipeline.training.recipes import Recipe
from pipeline.training.search.sample import Sample
from pipeline.training.search.structure import CUSTOMERS, StructureSearch
from pipeline.training.search.thresholds import Thresholds


def choose_number(recipe: Recipe, clusters: tuple[int, int], customers: Customers) -> Recipe:
    """The recipe with the number of clusters that exceeds customers of one group most.

    Args:
        recipe: All but the number.
        clusters: The fewest and the most that are tried.
        customers: On whom; their features are those of the recipe.

    Raises:
        WrongFile: There are fewer different customers than clusters.
    """
    sample = Sample.of(customers, CUSTOMERS, recipe.seed)
    low, most = clusters
    distinct = len(np.unique(sample.points(sample.names), axis=0))
    if distinct < low:
        problem = (
            f"has {distinct:,} different customers; expected at least {low} for {low} clusters"
        )
        raise WrongFile(customers.cleaning.file, problem)
    with parallel.small_fits():
        search = StructureSearch(sample, Thresholds())
        tried = [replace(recipe, k=k) for k in range(low, min(most, distinct) + 1)]
        return max(tried, key=lambda one: (search.excess(one), -one.k))
