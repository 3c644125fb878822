"""Training: clean, fit, evaluate, describe, and hand the artifact to the store."""

from pipeline.training.recipes import RECIPES, Recipe
from pipeline.training.train import Trained, publish, train

__all__ = ["RECIPES", "Recipe", "Trained", "publish", "train"]
