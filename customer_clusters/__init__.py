"""Find the groups that customers form, from a notebook: tables in, tables of the same kind out.

    >>> import customer_clusters as cc
    >>> model = cc.load("champion")
    >>> model.clusters[4].name, f"{model.clusters[4].churn.rate:.0%}"
    ('Little revolving balance, rare card use', '67%')

Importing it is quick: what a name needs is loaded when the name is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from model_store.errors import CustomerClustersError

if TYPE_CHECKING:
    from customer_clusters import spark as spark
    from customer_clusters.client import Client, NoAnswer, ProblemAnswer
    from customer_clusters.clusters import Clusters
    from customer_clusters.model import Model, load
    from customer_clusters.segmenter import Segmenter
    from customer_clusters.verbs import audience, compare, explore, outcomes, score, train
    from pipeline.errors import WrongFile, WrongRow
    from pipeline.model.contract import Contract
    from pipeline.training.recipes import Recipe

_HOMES = {
    "Client": ".client",
    "Clusters": ".clusters",
    "Contract": ".model",
    "Model": ".model",
    "NoAnswer": ".client",
    "ProblemAnswer": ".client",
    "Recipe": ".fitting",
    "Segmenter": ".segmenter",
    "WrongFile": ".model",
    "WrongRow": ".model",
    "audience": ".verbs",
    "compare": ".verbs",
    "explore": ".verbs",
    "load": ".model",
    "outcomes": ".verbs",
    "score": ".verbs",
    "train": ".verbs",
}
"""Public name → a module that has it."""

__all__ = [
    "Client",
    "Clusters",
    "Contract",
    "CustomerClustersError",
    "Model",
    "NoAnswer",
    "ProblemAnswer",
    "Recipe",
    "Segmenter",
    "WrongFile",
    "WrongRow",
    "audience",
    "compare",
    "explore",
    "load",
    "outcomes",
    "score",
    "spark",
    "train",
]


def __getattr__(name: str) -> Any:
    if name == "spark":
        return importlib.import_module(".spark", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
