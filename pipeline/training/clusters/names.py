"""Names and descriptions of clusters, by rule, in plain words.

A cluster is named after the two features whose means lie farthest from the mean of all customers,
in standard deviations; a feature nearer than MENTIONED is not worth a word. Where two clusters
would get the same name, both are named after one feature more.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster, Profile
from pipeline.model.contract import Contract, Feature
from pipeline.training.clusters.lineage import Lineage

MENTIONED = 0.3
FAR = 1.0
_ORDINARY = "Ordinary customers"


def name_clusters(contract: Contract, profiles: Sequence[dict[str, Profile]]) -> list[str]:
    """One name a cluster, all different."""
    words = [_words(contract, profile) for profile in profiles]
    longest = max(1, *(len(own) for own in words))
    for length in range(2, max(2, longest) + 1):
        names = [_joined(own[:length]) for own in words]
        if len(set(names)) == len(names):
            return names
    return [
        name if names.count(name) == 1 else f"{name} {names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]


def describe(
    contract: Contract, profile: dict[str, Profile], everyone: pd.DataFrame, churn: ChurnRate | None
) -> str:
    """Sentences on what sets a cluster apart, in the features' own units."""
    clauses = []
    for feature, own in _by_distance(contract, profile)[:3]:
        degree = "far " if abs(own.z) >= FAR else ""
        side = "above" if own.z > 0 else "below"
        overall = feature.show(float(np.mean(everyone[feature.name])))
        figures = f"{feature.show(own.mean)} against {overall}"
        clauses.append(f"{feature.label} is {degree}{side} average ({figures})")
    sentence = "; ".join(clauses) if clauses else "Near the average in every feature"
    left = "" if churn is None else f" {churn.rate:.1%} of them left."
    return f"{sentence}.{left}"


def keep_texts(clusters: Sequence[Cluster], lineage: Lineage) -> tuple[Cluster, ...]:
    """Clusters that descend from old ones with their names; the new ones get none of these.

    A description is stated anew from the new customers, unless a person gave it.
    """
    known = {cluster.id: cluster for cluster in lineage.reference_model.model.clusters}
    taken = {known[cluster.id].name for cluster in clusters if cluster.id in known}
    kept = []
    for cluster in clusters:
        old = known.get(cluster.id)
        if old is None:
            clash = f"{cluster.name} {cluster.id}"
            kept.append(replace(cluster, name=clash if cluster.name in taken else cluster.name))
        elif "description" in lineage.reference_model.texts_by_people.get(cluster.id, ()):
            kept.append(replace(cluster, name=old.name, description=old.description))
        else:
            kept.append(replace(cluster, name=old.name))
    return tuple(kept)


def _words(contract: Contract, profile: dict[str, Profile]) -> list[str]:
    return [
        (feature.high or f"high {feature.label.lower()}")
        if own.z > 0
        else (feature.low or f"low {feature.label.lower()}")
        for feature, own in _by_distance(contract, profile)
    ]


def _by_distance(contract: Contract, profile: dict[str, Profile]) -> list[tuple[Feature, Profile]]:
    mentioned = [
        (feature, profile[feature.name])
        for feature in contract.features
        if feature.name in profile and abs(profile[feature.name].z) >= MENTIONED
    ]
    return sorted(mentioned, key=lambda pair: -abs(pair[1].z))


def _joined(words: Sequence[str]) -> str:
    text = ", ".join(words)
    return text[:1].upper() + text[1:] if text else _ORDINARY
