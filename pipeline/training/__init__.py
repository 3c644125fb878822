"""Training: clean, fit, evaluate, describe, and hand the artifact to the store."""

from pipeline.training.clusters.lineage import ReferenceModel, find_reference
from pipeline.training.evaluation import Budget
from pipeline.training.publish import publish
from pipeline.training.recipe_file import AskedRecipe, load_recipe, quick_recipe
from pipeline.training.recipes import RECIPES, SEARCH, Recipe
from pipeline.training.retrain import Retrained, retrain_champion
from pipeline.training.search.thresholds import Thresholds, load_thresholds
from pipeline.training.train import Trained, fit_model, rename_clusters, train, train_by_search

__all__ = [
    "RECIPES",
    "SEARCH",
    "AskedRecipe",
    "Budget",
    "Recipe",
    "ReferenceModel",
    "Retrained",
    "Thresholds",
    "Trained",
    "find_reference",
    "fit_model",
    "load_recipe",
    "load_thresholds",
    "publish",
    "quick_recipe",
    "rename_clusters",
    "retrain_champion",
    "train",
    "train_by_search",
]
