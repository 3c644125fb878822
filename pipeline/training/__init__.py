"""Training: clean, fit, evaluate, describe, and hand the artifact to the store."""

from pipeline.training.bars import Bars, load_bars
from pipeline.training.judging import Effort
from pipeline.training.lineage import Ancestor, find_ancestor
from pipeline.training.overrides import override
from pipeline.training.publishing import publish
from pipeline.training.recipes import RECIPES, SEARCH, Recipe
from pipeline.training.repeating import trained_before
from pipeline.training.retraining import retrain
from pipeline.training.train import Trained, name_by, train, train_by_search

__all__ = [
    "RECIPES",
    "SEARCH",
    "Ancestor",
    "Bars",
    "Effort",
    "Recipe",
    "Trained",
    "find_ancestor",
    "load_bars",
    "name_by",
    "override",
    "publish",
    "retrain",
    "train",
    "train_by_search",
    "trained_before",
]
