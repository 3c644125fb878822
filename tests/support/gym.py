"""The invented gym: how its members are trained on, as lightly as a test can do with."""

from pipeline.training import Budget, Recipe

RECIPE = Recipe("gym", "A gym's members", ("visits", "fee", "plan"), 3, 2, n_init=5)
LIGHT = Budget(bootstraps=2, repeats=1, silhouette_sample=1_000)
"""Evidence from few samples, for tests that ask for none of its figures."""
