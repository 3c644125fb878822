"""Training, from a file to a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract, Feature
from pipeline.model.crosswalk import Crosswalk
from pipeline.model.published.facts import Metrics
from pipeline.reading.memory import MemoryTable
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.training.cleaning import Cleaning, Customers, CustomerTable, clean, read_customers
from pipeline.training.clusters.description import build_model
from pipeline.training.clusters.lineage import Lineage, ReferenceModel, check_readable, match
from pipeline.training.clusters.overrides import Overrides
from pipeline.training.counting import Rows, counted_rows
from pipeline.training.evaluation import Budget, evaluate, rates_by_cluster
from pipeline.training.fitting import Fitted, fit, reorder
from pipeline.training.recipes import Recipe
from pipeline.training.risk.score import Scored, check_risk_features, fit_risk, with_risk
from pipeline.training.search.number import choose_number
from pipeline.training.search.result import SearchResult
from pipeline.training.search.search import search
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.gap import Gap, gap_curve

Progress = Callable[[str], None]
"""Called with each step of a training, in words."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, not yet published."""

    recipe: Recipe
    model: ClusterModel
    customers: Customers
    fitted: Fitted
    metrics: Metrics
    gaps: tuple[Gap, ...]
    """From a single group on; after a search those of the customers that it saw."""
    thresholds: Thresholds
    counted: Rows
    """The customers whose churn is counted, by position."""
    search: SearchResult | None = None
    """How the recipe was found, where it was not given."""
    lineage: Lineage | None = None
    """Where the cluster ids come from, where there was a champion to match the clusters with."""
    texts_by_people: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Cluster id → which of name and description people gave."""
    risk: Scored | None = None
    """The risk score and what is known of it; None where none was asked for, or nobody says who
    left."""

    @property
    def cleaning(self) -> Cleaning:
        """What was read, and what was left out."""
        return self.customers.cleaning

    @property
    def crosswalk(self) -> Crosswalk | None:
        """From the champion's clusters to these."""
        if self.lineage is None:
            return None
        return self.lineage.crosswalk(self.model, self.customers, self.fitted)


def train(
    path: Path | MemoryTable,
    contract: Contract,
    recipe: Recipe,
    progress: Progress,
    budget: Budget | None = None,
    thresholds: Thresholds | None = None,
    reference_model: ReferenceModel | None = None,
    reading: ReadingOptions = AUTODETECT,
    sha256: str | None = None,
    clusters: tuple[int, int] | None = None,
) -> Trained:
    """Clean a customer file, fit a recipe, gather the evidence for it and describe its clusters.

    Args:
        path: The customers.
        contract: What their columns mean.
        recipe: What to train, and how.
        progress: Called with each step, in words.
        budget: How much evidence to gather.
        thresholds: What the report compares the evidence with.
        reference_model: The champion; clusters that are its own again keep its ids and names.
        reading: What somebody said about how the file is written.
        sha256: The digest of the file, where it is known already.
        clusters: The fewest and the most clusters, of which evidence chooses; without them the
            recipe's own number.

    Raises:
        WrongFile: The file is no table, or its customers do not allow this recipe.
    """
    declared = contract.select(recipe.features).features
    _refuse_transformed_categories(path, recipe, declared)
    check_risk_features(recipe, contract.select(recipe.features), path)
    required = [feature.name for feature in declared]
    progress(f"reading and cleaning {path.name}")
    table = read_customers(path, contract, reading, required, sha256)
    customers = _clean(table, contract, recipe.features, reference_model)
    if clusters is not None:
        progress(f"choosing the number of clusters, from {clusters[0]} to {clusters[1]}")
        recipe = choose_number(recipe, clusters, customers)
    thresholds = thresholds or Thresholds()
    return _train(customers, recipe, progress, budget or Budget(), thresholds, reference_model)


def fit_model(path: Path | MemoryTable, contract: Contract, recipe: Recipe) -> ClusterModel:
    """Fit a recipe in seconds, with no evidence for it; arguments and errors as of `train`."""
    table = read_customers(path, contract, required=recipe.features)
    customers = clean(table, contract, recipe.features)
    counted = counted_rows(recipe, customers.churned, len(customers.features))
    return build_model(fit(recipe, customers), customers, counted)


def train_by_search(
    path: Path | MemoryTable,
    contract: Contract,
    progress: Progress,
    thresholds: Thresholds | None = None,
    reference_model: ReferenceModel | None = None,
    reading: ReadingOptions = AUTODETECT,
    risk: bool = True,
) -> Trained:
    """Find the recipe by evidence, then train it on all customers; arguments as for `train`.

    Args:
        path: The customers.
        contract: What their columns mean.
        progress: Called with each step, in words.
        thresholds: What the recipe is to reach.
        reference_model: The champion.
        reading: What somebody said about how the file is written.
        risk: Whether a risk score is fitted, where there is a label.

    Raises:
        WrongFile: The file is no table, has none of the features, or its customers form no
            clusters.
    """
    thresholds = thresholds or Thresholds()
    progress(f"reading and cleaning {path.name}")
    table = read_customers(path, contract, reading)
    features = [f.name for f in contract.features if table.has(f.name)]
    if not features:
        raise WrongFile(
            path,
            f"has none of the features of contract {contract.name}; "
            "name theirs with --contract, or draft it with: customer-clusters init",
        )
    customers = _clean(table, contract, features, reference_model)
    result = search(customers, progress, thresholds)
    narrowed = customers.select(result.winner.features)
    recipe = replace(result.winner, risk=risk)
    trained = _train(narrowed, recipe, progress, Budget(), thresholds, reference_model)
    metrics: Metrics = {**trained.metrics, "churn_auc_untouched": result.untouched_auc}
    return replace(trained, metrics=metrics, gaps=result.gaps, search=result)


def rename_clusters(trained: Trained, path: Path) -> Trained:
    """Give clusters the names and descriptions of a file, which retraining keeps.

    Raises:
        WrongFile: It is no file of names, or names a cluster that there is not.
    """
    overrides = Overrides.load(path)
    kinds = {**trained.texts_by_people}
    for cluster, texts in overrides.texts.items():
        kinds[cluster] = tuple(sorted({*kinds.get(cluster, ()), *texts}))
    return replace(trained, model=overrides.apply(trained.model), texts_by_people=kinds)


def _refuse_transformed_categories(
    path: Path | MemoryTable, recipe: Recipe, features: tuple[Feature, ...]
) -> None:
    for feature in features:
        if feature.name in recipe.yeo_johnson and not feature.numeric:
            problem = (
                f"recipe {recipe.name} transforms {feature.name}, which is a category; "
                "expected only numbers in yeo_johnson"
            )
            raise WrongFile(path, problem)


def _clean(
    table: CustomerTable,
    contract: Contract,
    features: tuple[str, ...] | list[str],
    reference_model: ReferenceModel | None,
) -> Customers:
    customers = clean(table, contract, features)
    if reference_model is not None:
        check_readable(reference_model, customers)  # before minutes of work, not after
    return customers


def _train(
    customers: Customers,
    recipe: Recipe,
    progress: Progress,
    budget: Budget,
    thresholds: Thresholds,
    reference_model: ReferenceModel | None,
) -> Trained:
    progress(f"fitting {recipe.title.lower()} on {customers.cleaning.rows_used:,} customers")
    fitted = fit(recipe, customers)
    lineage = None
    if reference_model is not None:
        progress(f"matching the clusters with those of the champion {reference_model.version}")
        fitted, lineage = _in_order_of_ids(fitted, match(fitted, customers, reference_model))
    churn = "" if customers.churned is None else " and churn out of sample"
    progress(f"measuring separation{',' if churn else ' and'} stability{churn}")
    counted = counted_rows(recipe, customers.churned, len(customers.features))
    evaluation = evaluate(recipe, customers, budget, fitted, counted)
    gaps = tuple(gap_curve(fitted.standardised))
    progress("describing the clusters")
    if recipe.risk and customers.churned is not None:
        progress("fitting the risk score, and judging it on customers that it did not see")
    risk = fit_risk(recipe, customers, fitted.labels)
    return Trained(
        recipe,
        with_risk(build_model(fitted, customers, counted, lineage), risk),
        customers,
        fitted,
        {**_counts(fitted, customers, counted), **evaluation.metrics()},
        gaps,
        thresholds,
        counted,
        lineage=lineage,
        texts_by_people={} if lineage is None else lineage.texts_by_people,
        risk=risk,
    )


def _in_order_of_ids(fitted: Fitted, lineage: Lineage) -> tuple[Fitted, Lineage]:
    order = sorted(range(len(lineage.ids)), key=lineage.ids.__getitem__)
    ids = tuple(lineage.ids[index] for index in order)
    return reorder(fitted, order), replace(lineage, ids=ids)


def _counts(fitted: Fitted, customers: Customers, counted: Rows) -> Metrics:
    sizes, churned = np.bincount(fitted.labels), customers.churned
    rates = None if churned is None else rates_by_cluster(fitted.labels[counted], churned[counted])
    return {
        "customers": len(fitted.labels),
        "cluster_sizes": sizes.tolist(),
        "cluster_churn_rates": None if rates is None else rates.tolist(),
        "churn_rate": None if churned is None else float(churned.mean()),
        "churn_counted_on": None if churned is None else len(counted),
        "inertia": float(fitted.pipeline["cluster"].inertia_),
    }
