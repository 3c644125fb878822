"""Training from file to artifact."""

import importlib.metadata
import io
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

from model_store import CANDIDATE, CHAMPION, Artifact, Store
from pipeline.contract import Contract
from pipeline.model import ClusterModel
from pipeline.training.cleaning import Cleaning, load_customers
from pipeline.training.describing import build_model
from pipeline.training.evaluating import evaluate
from pipeline.training.fitting import fit
from pipeline.training.recipes import Recipe

Progress = Callable[[str], None]
_LIBRARIES = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, not yet published."""

    recipe: Recipe
    cleaning: Cleaning
    model: ClusterModel
    pipeline: Pipeline
    metrics: dict[str, Any]


def train(path: Path, contract: Contract, recipe: Recipe, progress: Progress) -> Trained:
    """Clean a customer file, fit a recipe, evaluate and describe its clusters."""
    progress(f"reading and cleaning {path.name}")
    customers = load_customers(path, contract.select(recipe.features))
    cleaning = customers.cleaning
    progress(f"fitting {recipe.title.lower()} on {cleaning.rows_used:,} customers")
    fitted = fit(recipe, customers)
    progress("measuring how well the clusters separate")
    metrics = evaluate(fitted, customers.churned, recipe.seed)
    progress("describing the clusters")
    return Trained(recipe, cleaning, build_model(fitted, customers), fitted.pipeline, metrics)


def publish(trained: Trained, store: Store, alias: str = CANDIDATE) -> Artifact:
    """Publish an artifact under an alias; the first one in a store becomes its champion."""
    buffer = io.BytesIO()
    joblib.dump(trained.pipeline, buffer, compress=("zlib", 6))
    artifact = store.publish(
        {"model.json": trained.model.to_json(), "pipeline.joblib": buffer.getvalue()},
        {
            "recipe": asdict(trained.recipe),
            "training": asdict(trained.cleaning),
            "metrics": trained.metrics,
            "contract_sha256": trained.model.contract.digest,
            "libraries": {
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in _LIBRARIES},
            },
        },
    )
    store.point(alias, artifact.version)
    if CHAMPION not in store.aliases():
        store.point(CHAMPION, artifact.version)
    return artifact
