"""Names and descriptions that a person gives to clusters, in place of those made by rule.

[clusters.3]
name = "Dormant cards"
description = "Hardly used; most of these customers leave."
"""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_store.errors import MALFORMED
from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.model.cluster_model import ClusterModel

_KEYS = {"name", "description"}


def override(model: ClusterModel, path: Path) -> ClusterModel:
    """The model with the names of a TOML file; WrongFile when it does not fit the model."""
    texts = texts_in(path)
    known = {cluster.id for cluster in model.clusters}
    unknown = sorted(set(texts) - known)
    if unknown:
        raise WrongFile(path, f"names cluster {unknown[0]}; there are: {sorted(known)}")
    clusters = tuple(replace(c, **texts.get(c.id, {})) for c in model.clusters)
    if len({cluster.name for cluster in clusters}) < len(clusters):
        raise WrongFile(path, "gives two clusters the same name")
    return replace(model, clusters=clusters)


def texts_in(path: Path) -> dict[int, dict[str, Any]]:
    """Cluster id → the texts given for it; WrongFile when it is no file of names."""
    with refuse_unreadable(path):
        content = path.read_bytes()
    try:
        given = tomllib.loads(content.decode())["clusters"]
        texts = {int(key): dict(texts) for key, texts in given.items()}
    except MALFORMED as error:
        expected = "expected tables like [clusters.1] with name and description"
        raise WrongFile(path, f"is not a file of names ({error}); {expected}") from error
    for key, found in texts.items():
        if not set(found) <= _KEYS or not all(isinstance(v, str) and v for v in found.values()):
            raise WrongFile(path, f"cluster {key}: expected texts for name and description only")
    return texts
