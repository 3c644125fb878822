"""Fitting a recipe with scikit-learn, and taking the fitted arrays out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, RobustScaler, StandardScaler
from threadpoolctl import threadpool_limits

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import Column
from pipeline.model.contract import Contract
from pipeline.model.geometry import Space
from pipeline.training.cleaning import Customers
from pipeline.training.recipes import ALGORITHMS, Recipe


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted pipeline with its clusters in canonical order, and where its customers lie."""

    pipeline: Pipeline
    columns: tuple[Column, ...]
    space: Space
    centres: NDArray[np.float64]
    """(clusters, axes), in the model's space."""
    labels: NDArray[np.intp]
    """(customers,): the index of each customer's cluster among the centres and the model's."""
    standardised: NDArray[np.float64]
    """(customers, columns): before any rotation."""
    points: NDArray[np.float64]
    """(customers, axes): in the model's space."""


class EmptyCluster(WrongFile):
    """Raised when an algorithm ends with a centre that is nearest to no customer."""

    def __init__(self, file: object, algorithm: str, clusters: int) -> None:
        self.algorithm, self.clusters = algorithm, clusters
        super().__init__(file, f"{algorithm} leaves one of {clusters} clusters empty; try fewer")


def fit(recipe: Recipe, customers: Customers) -> Fitted:
    """Fit a recipe.

    Clusters are numbered from the lowest churn rate to the highest, without a label from the
    largest to the smallest.

    Raises:
        WrongFile: There are too few different customers, or a feature never varies.
        EmptyCluster: The algorithm leaves a cluster without customers.
    """
    _refuse_degenerate(recipe, customers)
    pipeline = build_pipeline(recipe, customers.contract)
    with threadpool_limits(1):  # sums depend on how many threads share them
        pipeline.fit(customers.features)
    if len(set(pipeline["cluster"].labels_.tolist())) < recipe.k:
        raise EmptyCluster(customers.cleaning.file, ALGORITHMS[recipe.algorithm], recipe.k)
    _order_clusters(pipeline["cluster"], customers.churned)
    standardised = pipeline["transform"].transform(customers.features)
    columns, space = _space(pipeline, customers.contract)
    return Fitted(
        pipeline,
        columns,
        space,
        pipeline["cluster"].cluster_centers_,
        pipeline["cluster"].labels_,
        standardised,
        pipeline["pca"].transform(standardised) if recipe.principal_components else standardised,
    )


def reorder(fitted: Fitted, order: Sequence[int]) -> Fitted:
    """The same clusters in another order, in the pipeline as well."""
    _put_in_order(fitted.pipeline["cluster"], order)
    cluster = fitted.pipeline["cluster"]
    return replace(fitted, centres=cluster.cluster_centers_, labels=cluster.labels_)


def build_pipeline(recipe: Recipe, contract: Contract) -> Pipeline:
    """The unfitted pipeline of a recipe; it takes columns by name, whatever their order."""
    numbers = [feature.name for feature in contract.features if feature.numeric]
    plain = [name for name in numbers if name not in recipe.yeo_johnson]
    power_transformed = [name for name in numbers if name in recipe.yeo_johnson]
    categories = [feature for feature in contract.features if not feature.numeric]
    one_hot = OneHotEncoder(
        categories=[list(feature.values) for feature in categories], sparse_output=False
    )
    yeo_johnson = Pipeline(
        [("yeo_johnson", PowerTransformer(standardize=False)), ("scale", _scaler(recipe))]
    )
    groups = [
        ("plain", _scaler(recipe), plain),
        ("power_transformed", yeo_johnson, power_transformed),
        ("categories", one_hot, [feature.name for feature in categories]),
    ]
    transform = ColumnTransformer([group for group in groups if group[2]])
    steps: list[tuple[str, object]] = [("transform", transform)]
    if recipe.principal_components:
        steps.append(("pca", PCA(recipe.principal_components, svd_solver="full")))
    return Pipeline([*steps, ("cluster", _clusterer(recipe))])


def _clusterer(recipe: Recipe) -> KMeans | MiniBatchKMeans:
    kind = KMeans if recipe.algorithm == "kmeans" else MiniBatchKMeans
    return kind(recipe.k, n_init=recipe.n_init, random_state=recipe.seed)


def _scaler(recipe: Recipe) -> StandardScaler | RobustScaler:
    return StandardScaler() if recipe.scaling == "standard" else RobustScaler()


def _order_clusters(kmeans: KMeans | MiniBatchKMeans, churned: NDArray[np.bool_] | None) -> None:
    """Number the clusters from the lowest churn rate to the highest.

    Without a label from the largest to the smallest; ties by size, then by centre. The order
    follows from the partition alone, so neither seed nor start can change it.
    """
    sizes = np.bincount(kmeans.labels_, minlength=kmeans.n_clusters)
    left = sizes * 0 if churned is None else np.bincount(kmeans.labels_, churned)
    order = sorted(
        range(kmeans.n_clusters),
        key=lambda k: (left[k] / sizes[k], -sizes[k], tuple(kmeans.cluster_centers_[k])),
    )
    _put_in_order(kmeans, order)


def _put_in_order(kmeans: KMeans | MiniBatchKMeans, order: Sequence[int]) -> None:
    kmeans.cluster_centers_ = kmeans.cluster_centers_[order]
    kmeans.labels_ = np.argsort(order)[kmeans.labels_]


def _space(pipeline: Pipeline, contract: Contract) -> tuple[tuple[Column, ...], Space]:
    """The columns in the order in which the pipeline computes with them, and its arrays."""
    columns: list[Column] = []
    lambdas: list[float | None] = []
    mean: list[float] = []
    scale: list[float] = []
    for group, fitted, names in pipeline["transform"].transformers_:
        if group == "categories":
            for name in names:
                values = next(f.values for f in contract.features if f.name == name)
                columns += [Column(name, value) for value in values]
                lambdas += [None] * len(values)
                mean += [0.0] * len(values)
                scale += [1.0] * len(values)
            continue
        scaler = fitted if group == "plain" else fitted["scale"]
        columns += [Column(name) for name in names]
        lambdas += [None] * len(names) if group == "plain" else _lambdas(fitted)
        mean += (scaler.mean_ if hasattr(scaler, "mean_") else scaler.center_).tolist()
        scale += scaler.scale_.tolist()
    pca = pipeline.named_steps.get("pca")
    space = Space(
        lambdas=tuple(lambdas),
        mean=tuple(mean),
        scale=tuple(scale),
        pca_mean=None if pca is None else tuple(pca.mean_.tolist()),
        components=None if pca is None else tuple(map(tuple, pca.components_.tolist())),
    )
    return tuple(columns), space


def _lambdas(fitted: Pipeline) -> list[float | None]:
    powers: list[float | None] = fitted["yeo_johnson"].lambdas_.tolist()
    return powers


def _refuse_degenerate(recipe: Recipe, customers: Customers) -> None:
    file, frame = customers.cleaning.file, customers.features
    distinct = len(frame.drop_duplicates())
    if distinct < recipe.k:
        problem = f"has {distinct:,} different customers, too few for {recipe.k} clusters"
        raise WrongFile(file, f"{problem}; expected at least {recipe.k}")
    constant = [str(name) for name in frame if frame[name].nunique() == 1]
    if constant:
        raise WrongFile(file, f"feature {', '.join(constant)} has the same value for all customers")
