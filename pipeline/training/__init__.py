"""Training: clean, fit, evaluate, describe, and hand the artifact to the store."""

from pipeline.training.clusters.lineage import ReferenceModel, find_reference
from pipeline.training.clusters.overrides import override
from pipeline.training.publish import publish
from pipeline.training.repeat import trained_before
from pipeline.training.retrain import retrain
from pipeline.training.search.evaluation import Budget
from pipeline.training.search.recipes import RECIPES, SEARCH, Recipe
from pipeline.training.search.thresholds import Thresholds, load_thresholds
from pipeline.training.train import Trained, name_by, train, train_by_search

__all__ = [
    "RECIPES",
    "SEARCH",
    "Budget",
    "Recipe",
    "ReferenceModel",
    "Thresholds",
    "Trained",
    "find_reference",
    "load_thresholds",
    "name_by",
    "override",
    "publish",
    "retrain",
    "train",
    "train_by_search",
    "trained_before",
]
