"""Training: clean, fit, evaluate, describe, and hand the artifact to the store."""

from pipeline.training.bars import Bars, load_bars
from pipeline.training.judging import Effort
from pipeline.training.overrides import override
from pipeline.training.recipes import RECIPES, SEARCH, Recipe
from pipeline.training.train import Trained, publish, train, train_by_search

__all__ = [
    "RECIPES",
    "SEARCH",
    "Bars",
    "Effort",
    "Recipe",
    "Trained",
    "load_bars",
    "override",
    "publish",
    "train",
    "train_by_search",
]
