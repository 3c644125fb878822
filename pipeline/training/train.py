"""Training, from a file to a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.crosswalk import Crosswalk
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.training.cleaning import Cleaning, Customers, load_customers
from pipeline.training.clusters.description import build_model
from pipeline.training.clusters.lineage import Descent, ReferenceModel, check_readable, match
from pipeline.training.clusters.overrides import override, texts_in
from pipeline.training.fitting import Fitted, fit, reorder
from pipeline.training.search.evaluation import Budget, judge
from pipeline.training.search.recipes import Recipe
from pipeline.training.search.search import Search, numeric, restrict, search
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.gap import Gap, gap_curve

Progress = Callable[[str], None]


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
    bars: Thresholds
    search: Search | None = None
    """How the recipe was found, where it was not given."""
    descent: Descent | None = None
    """Where the clusters come from, where there was a champion to match them with."""
    by_people: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Of which clusters people gave the name or description."""

    @property
    def cleaning(self) -> Cleaning:
        return self.customers.cleaning

    @property
    def crosswalk(self) -> Crosswalk | None:
        """From the champion's clusters to these."""
        if self.descent is None:
            return None
        return self.descent.crosswalk(self.model, self.customers, self.fitted)


def train(
    path: Path,
    contract: Contract,
    recipe: Recipe,
    progress: Progress,
    budget: Budget | None = None,
    bars: Thresholds | None = None,
    reference_model: ReferenceModel | None = None,
    reading: ReadingOptions = AUTODETECT,
) -> Trained:
    """Clean a customer file, fit a recipe, gather the evidence for it and describe its clusters.

    Clusters that are an ancestor's again keep its ids and names.
    """
    progress(f"reading and cleaning {path.name}")
    customers = load_customers(path, contract, recipe.features, reading)
    if reference_model is not None:
        check_readable(reference_model, customers)
    return _trained(
        customers, recipe, progress, budget or Budget(), bars or Thresholds(), reference_model
    )


def train_by_search(
    path: Path,
    contract: Contract,
    progress: Progress,
    bars: Thresholds | None = None,
    reference_model: ReferenceModel | None = None,
    reading: ReadingOptions = AUTODETECT,
) -> Trained:
    """Find the recipe by evidence, then train it on all customers."""
    progress(f"reading and cleaning {path.name}")
    with open_customers(path, contract, reading, keep_bytes=contract.ascii) as file:
        names = file.schema.names
    features = numeric(contract, names)
    if not features:
        raise WrongFile(path, f"has none of the numeric features of contract {contract.name}")
    customers = load_customers(path, contract, features, reading)
    if reference_model is not None:
        check_readable(reference_model, customers)  # before minutes of work, not after
    found = search(customers, progress, bars)
    narrowed = restrict(customers, found.winner.features)
    trained = _trained(narrowed, found.winner, progress, Budget(), found.bars, reference_model)
    metrics = {**trained.metrics, "churn_auc_untouched": found.untouched_auc}
    return replace(trained, metrics=metrics, gaps=found.gaps, search=found)


def _trained(
    customers: Customers,
    recipe: Recipe,
    progress: Progress,
    budget: Budget,
    bars: Thresholds,
    reference_model: ReferenceModel | None,
) -> Trained:
    cleaning = customers.cleaning
    progress(f"fitting {recipe.title.lower()} on {cleaning.rows_used:,} customers")
    fitted = fit(recipe, customers)
    descent = None
    if reference_model is not None:
        progress(f"matching the clusters with those of the champion {reference_model.version}")
        fitted, descent = _descend(fitted, customers, reference_model)
    progress("measuring separation, stability and churn out of sample")
    judged = judge(recipe, customers, budget, fitted)
    gaps = tuple(gap_curve(fitted.standardised))
    progress("describing the clusters")
    model = build_model(fitted, customers, descent)
    metrics = {**_counts(fitted, customers), **judged.to_dict()}
    by_people = {} if descent is None else descent.by_people
    return Trained(
        recipe, model, customers, fitted, metrics, gaps, bars, descent=descent, by_people=by_people
    )


def _descend(
    fitted: Fitted, customers: Customers, reference_model: ReferenceModel
) -> tuple[Fitted, Descent]:
    """The clusters in the order of the ids that they get from the champion."""
    descent = match(fitted, customers, reference_model)
    order = sorted(range(len(descent.ids)), key=descent.ids.__getitem__)
    ids = tuple(descent.ids[place] for place in order)
    return reorder(fitted, order), replace(descent, ids=ids)


def name_by(trained: Trained, path: Path) -> Trained:
    """With the names and descriptions of a file, which retraining keeps."""
    given = {id: tuple(texts) for id, texts in texts_in(path).items()}
    both = {**trained.by_people}
    for id, kinds in given.items():
        both[id] = tuple(sorted({*both.get(id, ()), *kinds}))
    return replace(trained, model=override(trained.model, path), by_people=both)


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
