"""A customer file before anything is trained on it: what it holds, as a page and as JSON."""

from pipeline.training.exploring.exploration import Exploration
from pipeline.training.exploring.explore import explore
from pipeline.training.exploring.highlights import highlights
from pipeline.training.exploring.page import render, write

__all__ = ["Exploration", "explore", "highlights", "render", "write"]
