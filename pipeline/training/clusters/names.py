"""Names and descriptions of clusters, by rule, in plain words.

A cluster is named after the two features that set it apart most: numbers by how far its mean lies
from the mean of all customers, in standard deviations, categories by how much more often one of
their values is found in it, on the same scale. A feature nearer than MENTIONED is not worth a word.
Where two clusters would get the same name, both are named after one feature more.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster, Profile
from pipeline.model.contract import Contract, Feature
from pipeline.training.clusters.lineage import Lineage

MENTIONED = 0.3
FAR = 1.0
_ORDINARY = "Ordinary customers"
_MOST_OF_THEM = 0.5
"""A value that fewer of a cluster have does not name it."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One thing that sets a cluster apart."""

    distance: float
    """From all customers, in standard deviations; at least `MENTIONED`."""
    word: str
    """For a name."""
    clause: str
    """For a description, in the feature's own unit."""


def traits(
    contract: Contract,
    profile: Mapping[str, Profile],
    everyone: pd.DataFrame,
    members: NDArray[np.bool_],
) -> list[Trait]:
    """What sets a cluster apart, the most striking first.

    Args:
        contract: The features that the model reads.
        profile: Of the cluster's numbers.
        everyone: (customers, features): all customers.
        members: (customers,): which of them are in the cluster.
    """
    found: list[Trait | None] = []
    for feature in contract.features:
        if feature.numeric:
            values = everyone[feature.name].to_numpy()
            found.append(_number(feature, profile[feature.name], values, members))
        else:
            found.append(_category(feature, everyone[feature.name].to_numpy(), members))
    mentioned = [trait for trait in found if trait and trait.distance >= MENTIONED]
    return sorted(mentioned, key=lambda trait: -trait.distance)


def name_clusters(found: Sequence[Sequence[Trait]]) -> list[str]:
    """One name a cluster, all different."""
    words = [[trait.word for trait in own] for own in found]
    longest = max(1, *(len(own) for own in words))
    for length in range(2, max(2, longest) + 1):
        names = [_joined(own[:length]) for own in words]
        if len(set(names)) == len(names):
            return names
    return [
        name if names.count(name) == 1 else f"{name} {names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]


def describe(found: Sequence[Trait], churn: ChurnRate | None, churned_word: str) -> str:
    """Sentences on what sets a cluster apart, in the features' own units."""
    clauses = [trait.clause for trait in found[:3]]
    sentence = "; ".join(clauses) if clauses else "Near the median in every feature"
    left = "" if churn is None else f" {churn.rate:.1%} of them {churned_word}."
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


def _number(
    feature: Feature, own: Profile, everyone: NDArray[Any], members: NDArray[np.bool_]
) -> Trait:
    side, word = ("above", feature.high) if own.z > 0 else ("below", feature.low)
    named = word or f"{'high' if own.z > 0 else 'low'} {feature.label.lower()}"
    middle = float(np.median(everyone))
    if own.median != middle and (own.median > middle) == (own.z > 0):
        degree = "far " if abs(own.z) >= FAR else ""
        figures = f"{feature.show(own.median)} against {feature.show(middle)}"
        clause = f"{feature.label} is {degree}{side} the median ({figures})"
    else:  # as of what most customers have none of
        clause = _beyond_the_median(feature, everyone, members, middle)
    return Trait(abs(own.z), named, clause)


def _beyond_the_median(
    feature: Feature, everyone: NDArray[Any], members: NDArray[np.bool_], middle: float
) -> str:
    """How many of a cluster are beyond the median, where that of the cluster does not tell."""
    shares = [
        (float(beyond[members].mean()), float(beyond.mean()), side)
        for beyond, side in ((everyone > middle, "above"), (everyone < middle, "below"))
    ]
    inside, overall, side = max(shares, key=lambda share: abs(share[0] - share[1]))
    return (
        f"{feature.label} is {side} {feature.show(middle)} for {inside:.1%} (of all {overall:.1%})"
    )


def _category(feature: Feature, everyone: NDArray[Any], members: NDArray[np.bool_]) -> Trait | None:
    """The value that most of a cluster have and that is rarest elsewhere; None without one."""
    best: Trait | None = None
    for value in feature.values:
        has = everyone == value
        inside, overall = float(has[members].mean()), float(has.mean())
        if inside < _MOST_OF_THEM or overall == 1:
            continue
        distance = (inside - overall) / math.sqrt(overall * (1 - overall))
        if best is None or distance > best.distance:
            word = f"{feature.label.lower()} {value}"
            clause = f"{feature.label} is {value} for {inside:.1%} (of all {overall:.1%})"
            best = Trait(distance, word, clause)
    return best


def _joined(words: Sequence[str]) -> str:
    text = ", ".join(words)
    return text[:1].upper() + text[1:] if text else _ORDINARY
