"""How good a clustering is, in figures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from pipeline.training.fitting import Fitted

SILHOUETTE_SAMPLE = 20_000
"""Above this number of customers the silhouette is computed on a seeded sample: it is quadratic."""


def evaluate(fitted: Fitted, churned: NDArray[np.bool_] | None, seed: int) -> dict[str, Any]:
    """The metrics that the manifest states."""
    return {
        "silhouette_model_space": silhouette(fitted.located, fitted.labels, seed),
        "silhouette_standardised_space": silhouette(fitted.standardised, fitted.labels, seed),
        "inertia": float(fitted.pipeline["cluster"].inertia_),
        "customers": len(fitted.labels),
        "cluster_sizes": np.bincount(fitted.labels).tolist(),
        "cluster_churn_rates": _rates(fitted.labels, churned),
        "churn_rate": None if churned is None else float(churned.mean()),
    }


def silhouette(points: NDArray[np.float64], labels: NDArray[np.intp], seed: int) -> float:
    """Mean silhouette (Rousseeuw 1987) of points (n, axes), on a sample where n is large."""
    size = SILHOUETTE_SAMPLE if len(points) > SILHOUETTE_SAMPLE else None
    return float(silhouette_score(points, labels, sample_size=size, random_state=seed))


def _rates(labels: NDArray[np.intp], churned: NDArray[np.bool_] | None) -> list[float] | None:
    if churned is None:
        return None
    rates: list[float] = (np.bincount(labels, churned) / np.bincount(labels)).tolist()
    return rates
