"""Crosswalks between two versions: as training counted, or counted anew on a file."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_store import Artifact, WrongArtifact
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import CROSSWALK_FILE, Crosswalk, Ids, build_crosswalk, inverted
from pipeline.model.published.facts import matched_with, same_clusters
from pipeline.model.published.loading import load_model
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.validation import Checked, check


def known_crosswalk(old: Artifact, new: Artifact) -> Crosswalk | None:
    """The crosswalk that training counted when it matched one version with the other.

    Returns:
        None when neither was matched with the other. Of a version and itself, or what it was
        before somebody gave it other words: its training customers, none of whom moves.
    """
    if old.version in same_clusters(new) or new.version in same_clusters(old):
        return _unmoved(old, new)
    if _counted_against(new) in same_clusters(old):
        return _read(new)
    if _counted_against(old) in same_clusters(new):
        return inverted(_read(old), new.version)
    return None


def _unmoved(old: Artifact, new: Artifact) -> Crosswalk:
    model = load_model(old)
    ids = np.repeat([c.id for c in model.clusters], [c.size for c in model.clusters])
    spread = {name: 1.0 for cluster in model.clusters for name in cluster.profile}
    return build_crosswalk(old.version, model, load_model(new), (ids, ids), spread)


def count_customers(path: Path, old: Artifact, new: Artifact) -> Crosswalk:
    """Let both models assign the customers of a file that both can read.

    Raises:
        WrongFile: It is no table, lacks a feature, or has no such customers.
    """
    models = [load_model(artifact) for artifact in (old, new)]
    every = {f.name: f for model in models for f in model.contract.features}
    either = replace(models[0].contract, features=tuple(every.values()))
    with open_customers(path, either, keep_bytes=either.ascii) as file:
        index_of = file.indexes(every)
        wanted = [[index_of[f.name] for f in model.contract.features] for model in models]
        table, _ = file.read_all()
        checks = [
            _check(model, file, table, columns)
            for model, columns in zip(models, wanted, strict=True)
        ]
    both = checks[0].good & checks[1].good
    if not both.any():
        raise WrongFile(path, "has no customer that both models can read")
    old_ids, new_ids = (
        _assigned(model, checked, both) for model, checked in zip(models, checks, strict=True)
    )
    spread = {name: spread for checked in checks for name, spread in _spread(checked).items()}
    return build_crosswalk(old.version, models[0], models[1], (old_ids, new_ids), spread)


def _check(model: ClusterModel, file: CustomerFile, table: pa.Table, columns: list[int]) -> Checked:
    chunks = {
        feature.name: pa.concat_arrays(table.column(index).chunks)
        for feature, index in zip(model.contract.features, columns, strict=True)
    }
    return check(model.contract, chunks, file.numbers)


def _assigned(model: ClusterModel, checked: Checked, both: NDArray[np.bool_]) -> Ids:
    kept = both[checked.good]
    return model.assign_many({name: v[kept] for name, v in checked.features.items()}).cluster


def _spread(checked: Checked) -> dict[str, float]:
    numbers = {name: v for name, v in checked.features.items() if v.dtype.kind == "f"}
    return {name: float(values.std()) for name, values in numbers.items()}


def _counted_against(artifact: Artifact) -> str | None:
    """The version that the artifact's own crosswalk counts from; None without a crosswalk."""
    return matched_with(artifact) if CROSSWALK_FILE in artifact.manifest.files else None


def _read(artifact: Artifact) -> Crosswalk:
    try:
        return Crosswalk.from_dict(json.loads(artifact.read(CROSSWALK_FILE)))
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{CROSSWALK_FILE} is no crosswalk ({type(error).__name__}: {error})"
        raise WrongArtifact(artifact.version, problem, "train again") from error
