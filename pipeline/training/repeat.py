"""Training that was done before: the same customers and recipe, over the same champion."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_store import Artifact, Store, WrongArtifact
from pipeline.errors import refuse_unreadable
from pipeline.hashing import sha256_of_file
from pipeline.model.cluster_model import ClusterModel


def trained_before(path: Path, champion: Artifact, store: Store) -> Artifact | None:
    """The version that retraining the champion on a file has already made; None where it has not.

    It is told by the sha256 of the file that its manifest states, by its recipe, and by the
    champion that it was matched with; or it is the champion, if that was trained on the file.
    """
    with refuse_unreadable(path):
        digest = sha256_of_file(path)
    for version in reversed(store.versions()):
        try:
            artifact = store.open(str(version))
        except WrongArtifact:  # of which nothing can be said
            continue
        facts = artifact.manifest.facts
        over = (artifact.version, facts.get("lineage", {}).get("champion"))
        same_recipe = facts.get("recipe") == champion.manifest.facts.get("recipe")
        same_data = facts.get("training", {}).get("sha256") == digest
        if champion.version in over and same_recipe and same_data:
            return artifact
    return None


def same_training(
    model: ClusterModel, facts: Mapping[str, Any], champion: str, store: Store
) -> Artifact | None:
    """The version that already is what was trained now; None when there is none.

    It is the champion itself, or was trained over it; it states the same facts and has the same
    clusters. Only ids of clusters that the champion has not may differ: each training takes new
    ones.
    """
    for version in reversed(store.versions()):
        try:
            artifact = store.open(str(version))
            stated = artifact.manifest.facts
            reference_model = stated.get("lineage", {}).get("champion")
            if champion in (artifact.version, reference_model) and _stated(stated) == _stated(
                facts
            ):
                known = artifact.read("model.json")
                if _without_ids(known) == _without_ids(model.to_json()):
                    return artifact
        except WrongArtifact:  # of which nothing can be said
            continue
    return None


def _stated(facts: Mapping[str, Any]) -> Any:
    """The facts as a manifest has them, without where they come from."""
    own = {name: fact for name, fact in facts.items() if name != "lineage"}
    training = {name: fact for name, fact in facts.get("training", {}).items() if name != "file"}
    return json.loads(json.dumps({**own, "training": training}))


def _without_ids(model: bytes) -> Any:
    document = json.loads(model)
    for cluster in document["clusters"]:
        del cluster["id"]
    for golden in document["golden"]:
        del golden["cluster"]
    return document
