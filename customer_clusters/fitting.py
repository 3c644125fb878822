"""Training for a notebook: at once without evidence, or with all of it and published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex, TypeVar

import pyarrow as pa

from customer_clusters.model import Model, as_store
from customer_clusters.progress import steps
from customer_clusters.training_data import TrainingData
from model_store import Store
from model_store.extras import needs_extra
from pipeline.errors import WrongFile
from pipeline.model.published.facts import Metrics
from pipeline.reading.memory import MemoryTable

with needs_extra("training", "train"):
    from sklearn import config_context

    from pipeline.training import (
        AskedRecipe,
        Recipe,
        ReferenceModel,
        Trained,
        find_reference,
        fit_model,
        load_recipe,
        publish,
        train,
        train_by_search,
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """What an estimator was fitted on, and how: what publishing it takes."""

    data: TrainingData
    recipe: Recipe
    trained: Trained | None = None
    """Where it was searched for."""

    @property
    def table(self) -> pa.Table:
        """The customers."""
        assert isinstance(self.data.source, MemoryTable)
        return self.data.source.table


_Trains = TypeVar("_Trains", bound=Callable[..., Any])


def as_arrays(function: _Trains) -> _Trains:
    """Training reckons with arrays, whatever a notebook has set for pipelines of its own."""
    decorated: _Trains = config_context(transform_output="default")(function)
    return decorated


@as_arrays
def train_quickly(
    data: TrainingData,
    features: Sequence[str] | None,
    k: SupportsIndex | None,
    recipe: Recipe | None,
    seed: SupportsIndex,
) -> tuple[Model, Fit]:
    """Fit a model. With k or a recipe that takes seconds, as no evidence is gathered for it.

    Raises:
        WrongFile: The customers do not allow this, or the search finds no clusters.
    """
    chosen = recipe_of(data, features, k, recipe, seed)
    if chosen is None:
        with steps() as progress:
            trained = train_by_search(data.source, data.narrowed(features), progress)
        return model_of(trained), Fit(data, trained.recipe, trained)
    return Model(fit_model(data.source, data.contract, chosen)), Fit(data, chosen)


def recipe_of(
    data: TrainingData,
    features: Sequence[str] | None,
    k: SupportsIndex | None,
    recipe: Recipe | None,
    seed: SupportsIndex,
) -> Recipe | None:
    """The recipe that is asked for; None where it is to be searched for."""
    if recipe is not None:
        if k is not None or features is not None:
            raise WrongFile("the recipe", "has its own features and k: leave features and k out")
        return recipe
    if k is None:
        return None
    if isinstance(k, bool) or not hasattr(k, "__index__") or index(k) < 2:
        raise WrongFile("k", f"expected a whole number from 2, found {k!r}")
    names = data.features(features)
    title = f"K-Means with {k} clusters on {', '.join(names)}"
    return Recipe("own", title, names, index(k), seed=index(seed))


def asked_recipe(recipe: object) -> AskedRecipe | None:
    """The recipe of a file, with the numbers of clusters and the bars that it names."""
    return load_recipe(Path(recipe)) if isinstance(recipe, str | Path) else None


@as_arrays
def train_with_evidence(
    data: TrainingData,
    recipe: Recipe | None,
    features: Sequence[str] | None,
    reference: ReferenceModel | None,
    progress: Callable[[str], None],
    asked: AskedRecipe | None = None,
) -> Trained:
    """Train as the command does: a recipe, one of a file, or the one that the search finds."""
    if recipe is None:
        narrowed = data.narrowed(features)
        return train_by_search(data.source, narrowed, progress, reference_model=reference)
    return train(
        data.source,
        data.contract,
        recipe,
        progress,
        thresholds=None if asked is None else asked.thresholds,
        reference_model=reference,
        clusters=None if asked is None else asked.clusters,
    )


@as_arrays
def publish_fit(made: Fit, store: str | Path | Store, alias: str, who: str) -> Model:
    """Gather the evidence for what was fitted, match its clusters with the champion's, publish."""
    target = as_store(store)
    reference = find_reference(target, made.data.contract)
    trained = made.trained
    with steps() as progress:
        if trained is None or reference is not None:
            again = train_with_evidence(made.data, made.recipe, None, reference, progress)
            trained = again if trained is None else _as_found(again, trained)
        return Model.of(publish(trained, target, alias, who))


def _as_found(again: Trained, searched: Trained) -> Trained:
    """What was trained again for the ids of its clusters, with how its recipe was found."""
    untouched = searched.metrics.get("churn_auc_untouched")
    metrics: Metrics = {**again.metrics, "churn_auc_untouched": untouched}
    return replace(again, metrics=metrics, gaps=searched.gaps, search=searched.search)


def model_of(trained: Trained) -> Model:
    """A trained model that is not published."""
    return Model(trained.model, metrics=trained.metrics)
