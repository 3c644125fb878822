"""Customers around the borders between clusters, which the contract accepts."""

from collections.abc import Mapping

import numpy as np

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.model.geometry import yeo_johnson_inverse

Columns = dict[str, np.ndarray]


def around_borders(
    model: ClusterModel,
    solved: str,
    spans: Mapping[str, tuple[float, float]],
    count: int,
    seed: int,
) -> Columns:
    """Customers of whom one feature is chosen so that they lie almost on a border.

    Off it by a billionth to a tenth of a standard deviation of that feature, either way; a tenth of
    them by nothing but rounding.

    Args:
        model: All of whose features are numbers.
        solved: The feature that is chosen; no whole number.
        spans: Of the other features, from where to where.
        count: How many customers.
        seed: Of the generator.
    """
    rng = np.random.default_rng(seed)
    parts: list[Columns] = []
    while sum(len(part[solved]) for part in parts) < count:
        parts.append(_batch(model, solved, spans, rng))
    return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}


def _batch(
    model: ClusterModel,
    solved: str,
    spans: Mapping[str, tuple[float, float]],
    rng: np.random.Generator,
) -> Columns:
    size = 100_000
    features = {feature.name: feature for feature in model.contract.features}
    drawn = {name: _drawn(features[name], span, size, rng) for name, span in spans.items()}
    names = [column.feature for column in model.columns]
    index = names.index(solved)
    z = model.space.standardise([drawn.get(name, np.zeros(size)) for name in names])
    found = []
    for one in range(len(model.clusters)):
        for other in range(one):
            own, beside = model.clusters[one].centre, model.clusters[other].centre
            border = model.space.border(own, beside)
            weights = border.weights
            at_zero = sum(border.terms([0.0] * len(names)))
            rest = sum(w * c for k, (w, c) in enumerate(zip(weights, z, strict=True)) if k != index)
            found.append(-(at_zero + rest) / weights[index])
    at = np.array(found)[rng.integers(len(found), size=size), np.arange(size)]
    off = rng.choice([-1, 1], size) * 10.0 ** rng.uniform(-9, -1, size)
    off[rng.random(size) < 0.1] = 0
    raw = (at + off) * model.space.scale[index] + model.space.mean[index]
    power = model.space.lambdas[index]
    drawn[solved] = np.array([yeo_johnson_inverse(value, power) for value in raw.tolist()])
    return _valid(features[solved], drawn)


def _drawn(
    feature: Feature, span: tuple[float, float], size: int, rng: np.random.Generator
) -> np.ndarray:
    values = rng.uniform(*span, size)
    return np.round(values) if feature.type == "integer" else values


def _valid(feature: Feature, columns: Columns) -> Columns:
    values, (low, high) = columns[feature.name], (feature.valid.low, feature.valid.high)
    assert low is not None
    assert high is not None
    good = (values >= low) & (values <= high)
    return {name: column[good] for name, column in columns.items()}
