"""The bundled champion as an artifact of format 2 has it: with a limit off the axes of its PCA."""

from dataclasses import replace
from pathlib import Path

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model

SELDOM = {"Total_Revolving_Bal": "1500", "Total_Trans_Amt": "18000", "Total_Trans_Ct": "12"}
"""Much money in few transactions: each is usual alone, and PCA drops the axis that tells."""


def with_limit(model: ClusterModel, limit: float) -> ClusterModel:
    """A model that calls a customer an outlier who is further off the axes."""
    clusters = (replace(cluster, outlier_residual=limit) for cluster in model.clusters)
    return replace(model, clusters=tuple(clusters))


def publish_limited(folder: Path) -> None:
    """Make a store whose champion has such a limit."""
    bundled = open_store(BUNDLED).open(CHAMPION)
    model = with_limit(load_model(bundled), 1.1)
    store = open_store(folder)
    version = store.publish({"model.json": model.to_json()}, bundled.manifest.facts).version
    store.promote(version, "to be tested", "a test")
