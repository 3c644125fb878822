"""Training from file to artifact."""

import importlib.metadata
import io
import json
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

from model_store import CANDIDATE, CHAMPION, Artifact, Conflict, Reason, Store
from pipeline.contract import Contract
from pipeline.errors import WrongFile
from pipeline.model import ClusterModel
from pipeline.reading import open_customers
from pipeline.training import report
from pipeline.training.bars import Bars
from pipeline.training.cleaning import Cleaning, Customers, load_customers
from pipeline.training.describing import build_model
from pipeline.training.fitting import Fitted, fit
from pipeline.training.gap import Gap, gap_curve
from pipeline.training.judging import Effort, judge
from pipeline.training.recipes import Recipe
from pipeline.training.searching import Search, numeric, restrict, search

if TYPE_CHECKING:
    from model_store.signing import Signer

Progress = Callable[[str], None]
_LIBRARIES = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, not yet published."""

    recipe: Recipe
    model: ClusterModel
    customers: Customers
    fitted: Fitted
    metrics: dict[str, Any]
    gaps: tuple[Gap, ...]
    """From a single group on; after a search those of the customers that it saw."""
    bars: Bars
    search: Search | None = None
    """How the recipe was found, where it was not given."""

    @property
    def cleaning(self) -> Cleaning:
        return self.customers.cleaning


def train(
    path: Path,
    contract: Contract,
    recipe: Recipe,
    progress: Progress,
    effort: Effort | None = None,
    bars: Bars | None = None,
) -> Trained:
    """Clean a customer file, fit a recipe, gather the evidence for it and describe its clusters."""
    progress(f"reading and cleaning {path.name}")
    customers = load_customers(path, contract, recipe.features)
    return _trained(customers, recipe, progress, effort or Effort(), bars or Bars())


def train_by_search(
    path: Path, contract: Contract, progress: Progress, bars: Bars | None = None
) -> Trained:
    """Find the recipe by evidence, then train it on all customers."""
    progress(f"reading and cleaning {path.name}")
    with open_customers(path, contract.columns) as file:
        names = file.schema.names
    features = numeric(contract, names)
    if not features:
        raise WrongFile(path, f"has none of the numeric features of contract {contract.name}")
    customers = load_customers(path, contract, features)
    found = search(customers, progress, bars)
    narrowed = restrict(customers, found.winner.features)
    trained = _trained(narrowed, found.winner, progress, Effort(), found.bars)
    metrics = {**trained.metrics, "churn_auc_untouched": found.untouched_auc}
    return replace(trained, metrics=metrics, gaps=found.gaps, search=found)


def _trained(
    customers: Customers, recipe: Recipe, progress: Progress, effort: Effort, bars: Bars
) -> Trained:
    cleaning = customers.cleaning
    progress(f"fitting {recipe.title.lower()} on {cleaning.rows_used:,} customers")
    fitted = fit(recipe, customers)
    progress("measuring separation, stability and churn out of sample")
    judged = judge(recipe, customers, effort, fitted)
    gaps = tuple(gap_curve(fitted.standardised))
    progress("describing the clusters")
    model = build_model(fitted, customers)
    metrics = {**_counts(fitted, customers), **judged.to_dict()}
    return Trained(recipe, model, customers, fitted, metrics, gaps, bars)


def _counts(fitted: Fitted, customers: Customers) -> dict[str, Any]:
    sizes, churned = np.bincount(fitted.labels), customers.churned
    rates = None if churned is None else np.bincount(fitted.labels, churned) / sizes
    return {
        "customers": len(fitted.labels),
        "cluster_sizes": sizes.tolist(),
        "cluster_churn_rates": None if rates is None else rates.tolist(),
        "churn_rate": None if churned is None else float(churned.mean()),
        "inertia": float(fitted.pipeline["cluster"].inertia_),
    }


def publish(
    trained: Trained,
    store: Store,
    alias: str = CANDIDATE,
    who: str = "",
    signer: "Signer | None" = None,
) -> Artifact:
    """Publish an artifact under an alias; the first one in a store becomes its champion."""
    buffer = io.BytesIO()
    joblib.dump(trained.fitted.pipeline, buffer, compress=("zlib", 6))
    files = {"model.json": trained.model.to_json(), "pipeline.joblib": buffer.getvalue()}
    files["report.html"] = report.render(trained).encode()
    files |= {name: figure.encode() for name, figure in report.figures(trained).items()}
    if trained.search is not None:
        text = json.dumps(trained.search.to_dict(), indent=1, allow_nan=False)
        files["leaderboard.json"] = (text + "\n").encode()
    artifact = store.publish(
        files,
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
        signer=signer,
    )
    store.point(alias, artifact.version, Reason(who, f"trained on {trained.cleaning.file}"))
    if CHAMPION not in store.aliases():
        with suppress(Conflict):  # another one was the first
            store.promote(artifact.version, "the first model of this store", who, instead_of=None)
    return artifact
