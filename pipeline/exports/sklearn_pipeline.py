"""A model as a pipeline of scikit-learn that predicts the ids people know, and its skops file.

It is made of the numbers of model.json and unpickles nothing. Unlike pipeline.joblib it predicts
ids from 1, not the numbers of rows of an array.
"""

from itertools import groupby
from typing import Any

import numpy as np

from model_store.extras import needs_extra
from pipeline.model.cluster_model import ClusterModel, Column
from pipeline.model.contract import Contract
from pipeline.model.geometry import Space

with needs_extra("an export to skops", "skops"):
    import pandas as pd
    import skops.io
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler

TRUSTED: tuple[str, ...] = ()
"""The types that `skops.io.load` has to be told to trust: scikit-learn's own are enough."""


def to_skops(model: ClusterModel) -> bytes:
    """The content of a .skops file with the model's pipeline; `skops.io.load` gives it back."""
    return bytes(skops.io.dumps(to_pipeline(model)))


def to_pipeline(model: ClusterModel) -> Pipeline:
    """A fitted pipeline: transform, scale, rotate, and the nearest centre.

    It takes a DataFrame with the features' columns in any order and predicts cluster ids. Ranges
    and missing values are the contract's matter: a value that the contract would refuse is not
    refused here, unless scikit-learn does so.
    """
    steps = [
        ("transform", _transformer(model)),
        ("scale", _scaler(model.space)),
        *([("pca", _pca(model.space))] if model.space.components is not None else []),
        ("cluster", _nearest_centre(model)),
    ]
    return Pipeline(steps)


def _transformer(model: ClusterModel) -> ColumnTransformer:
    """The columns in the model's order, each with its transform."""
    numbered = enumerate(zip(model.columns, model.space.lambdas, strict=True))
    groups, powers = [], {}
    for index, (_, group) in enumerate(groupby(numbered, key=_key)):
        members = [member for _, member in group]
        column, power = members[0]
        name = f"{column.feature}_{index}"
        groups.append((name, _estimator(model.contract, members), [column.feature]))
        powers[name] = power
    transformer = ColumnTransformer(groups).fit(_invented(model.contract))
    for name, power in powers.items():
        if power is not None:
            transformer.named_transformers_[name].lambdas_ = np.array([power])
    return transformer


def _key(numbered: tuple[int, tuple[Column, float | None]]) -> object:
    """The same for the columns that one encoder makes: those of a category that follow on."""
    index, (column, _) = numbered
    return index if column.value is None else column.feature


def _estimator(contract: Contract, members: list[tuple[Column, float | None]]) -> Any:
    column, power = members[0]
    if column.value is None:
        return "passthrough" if power is None else PowerTransformer(standardize=False)
    values = [member.value for member, _ in members]
    known = next(f.values for f in contract.features if f.name == column.feature)
    unknown = "error" if set(values) == set(known) else "ignore"
    return OneHotEncoder(categories=[values], handle_unknown=unknown, sparse_output=False)


def _invented(contract: Contract) -> pd.DataFrame:
    """Customers to fit on, for the names of columns; the model's numbers are set afterwards."""
    rows = max(3, *(len(feature.values) for feature in contract.features))
    numbers = np.arange(rows, dtype=float)
    return pd.DataFrame(
        {f.name: numbers if f.numeric else np.resize(f.values, rows).astype(object)
         for f in contract.features}
    )  # fmt: skip


def _scaler(space: Space) -> StandardScaler:
    scale = np.array(space.scale)
    scaler = StandardScaler().fit(np.zeros((1, len(scale))))
    scaler.mean_, scaler.scale_, scaler.var_ = np.array(space.mean), scale, scale**2
    return scaler


def _pca(space: Space) -> PCA:
    """The axes; how much of the training customers' variance each explains is not known here."""
    components = np.array(space.components)
    dimensions, columns = components.shape
    pca = PCA(dimensions, svd_solver="full").fit(np.eye(columns + 1, columns))
    pca.components_, pca.mean_ = components, np.array(space.pca_mean)
    unknown = np.full(dimensions, np.nan)
    pca.explained_variance_ = pca.explained_variance_ratio_ = pca.singular_values_ = unknown
    pca.noise_variance_ = np.nan
    return pca


def _nearest_centre(model: ClusterModel) -> NearestCentroid:
    """Predicts the id of the nearest centre."""
    centres = np.array([cluster.centre for cluster in model.clusters])
    ids = np.array([cluster.id for cluster in model.clusters])
    around = np.vstack([centres - 0.5, centres + 0.5])  # a spread of zero would be warned of
    nearest = NearestCentroid().fit(around, np.concatenate([ids, ids]))
    nearest.centroids_ = centres
    return nearest
