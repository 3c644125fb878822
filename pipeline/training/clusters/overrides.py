"""Names and descriptions that a person gives to clusters, in place of those made by rule.

[clusters.3]
name = "Dormant cards"
description = "Hardly used; most of these customers leave."
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from model_store.errors import MALFORMED
from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel

_KINDS = {"name", "description"}


@dataclass(frozen=True, slots=True)
class Overrides:
    """The texts of a file of names."""

    path: Path
    texts: Mapping[int, Mapping[str, str]]
    """Cluster id → its name, its description, or both."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML file; WrongFile when it is no file of names."""
        with refuse_unreadable(path):
            content = path.read_bytes()
        try:
            tables = tomllib.loads(content.decode())["clusters"]
            texts = {int(key): dict(table) for key, table in tables.items()}
        except MALFORMED as error:
            expected = "expected tables like [clusters.1] with name and description"
            raise WrongFile(path, f"is not a file of names ({error}); {expected}") from error
        for key, given in texts.items():
            filled = all(isinstance(text, str) and text for text in given.values())
            if not filled or not set(given) <= _KINDS:
                problem = f"cluster {key}: expected texts for name and description only"
                raise WrongFile(path, problem)
        return cls(path, texts)

    def apply(self, model: ClusterModel) -> ClusterModel:
        """The model with these texts; WrongFile when they do not fit it."""
        known = {cluster.id for cluster in model.clusters}
        unknown = sorted(set(self.texts) - known)
        if unknown:
            raise WrongFile(self.path, f"names cluster {unknown[0]}; there are: {sorted(known)}")
        clusters = tuple(self._applied(cluster) for cluster in model.clusters)
        if len({cluster.name for cluster in clusters}) < len(clusters):
            raise WrongFile(self.path, "gives two clusters the same name")
        return replace(model, clusters=clusters)

    def _applied(self, cluster: Cluster) -> Cluster:
        texts = self.texts.get(cluster.id, {})
        name = texts.get("name", cluster.name)
        return replace(
            cluster, name=name, description=texts.get("description", cluster.description)
        )
