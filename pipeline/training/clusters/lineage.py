"""Clusters keep their ids and names over retraining: who they were under the champion.

A new cluster is an old one again when at least half of the customers that are in either are in
both (Jaccard). Which is which follows from the customers in both, as an assignment problem; centres
decide only ties. Where few customers say so, the id is kept all the same: the crosswalk states the
interval, and a promotion then has something against it. An old cluster that none of the new ones
continues is retired, and neither its id nor any other that a model of the store ever had is given
to another cluster: campaigns may still point at it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from model_store import CHAMPION, Artifact, NotFound, Store, WrongArtifact
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.crosswalk import (
    MINIMUM_OVERLAP,
    Counts,
    Crosswalk,
    Ids,
    build_crosswalk,
    contingency,
    overlaps,
)
from pipeline.model.published.facts import LineageFacts, facts_of, matched_with, same_clusters
from pipeline.model.published.loading import load_model
from pipeline.training.cleaning import Customers
from pipeline.training.fitting import Fitted

LAST_ID = "last-cluster-id"
"""The counter of the highest id that any model ever had, in stores that kept one for all contracts.
"""
_SAFE = re.compile(r"[a-z0-9_-]{1,60}")


@dataclass(frozen=True, slots=True)
class ReferenceModel:
    """The champion that new clusters are matched with."""

    version: str
    model: ClusterModel
    last_id: int
    """The highest id that any model of this contract ever had in the store."""
    retired: tuple[int, ...] = ()
    texts_by_people: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Cluster id → which of name and description people gave."""

    def assign(self, customers: Customers) -> tuple[Ids, NDArray[np.bool_]]:
        """The champion's clusters of new customers.

        Returns:
            The cluster ids of the customers that the champion can read, and which of all these are.
        """
        columns, readable = {}, np.ones(len(customers.features), bool)
        for feature in self.model.contract.features:
            frame = customers.features if feature.name in customers.features else customers.others
            values = frame[feature.name].to_numpy()
            present = np.isfinite(values) if feature.numeric else values != ""
            columns[feature.name], readable = values, readable & np.asarray(present, bool)
        usable = {name: values[readable] for name, values in columns.items()}
        return self.model.assign_many(usable).cluster, readable


@dataclass(frozen=True, slots=True)
class Lineage:
    """The ids of new clusters, and where they come from."""

    reference_model: ReferenceModel
    ids: tuple[int, ...]
    """In the order of the clusters in `Fitted`."""
    reference_ids: Ids
    """The reference model's cluster of each customer that it can read."""
    readable: NDArray[np.bool_]
    """(customers,): which these are."""

    @property
    def retired(self) -> tuple[int, ...]:
        """Every id that is not to be used again, whenever it was retired."""
        gone = {cluster.id for cluster in self.reference_model.model.clusters} - set(self.ids)
        return tuple(sorted({*self.reference_model.retired, *gone}))

    @property
    def texts_by_people(self) -> dict[int, tuple[str, ...]]:
        """Of these clusters: id → which of name and description people gave."""
        texts = self.reference_model.texts_by_people
        return {cluster: kinds for cluster, kinds in texts.items() if cluster in self.ids}

    def facts(self) -> LineageFacts:
        """What the manifest states of it."""
        return {
            "champion": self.reference_model.version,
            "retired": list(self.retired),
            "last_id": max(self.reference_model.last_id, *self.ids),
        }

    def crosswalk(self, model: ClusterModel, customers: Customers, fitted: Fitted) -> Crosswalk:
        """From the reference model's clusters to those of the model that was trained."""
        old, reference = self.reference_ids, self.reference_model
        new = np.array(self.ids)[fitted.labels[self.readable]]
        numbers = customers.features.select_dtypes("number")
        spread = {str(name): float(numbers[name].std(ddof=0)) for name in numbers}
        return build_crosswalk(reference.version, reference.model, model, (old, new), spread)


def find_reference(store: Store, contract: Contract) -> ReferenceModel | None:
    """The champion, if there is one for data of the same contract."""
    try:
        reference = load_reference(store, store.open(CHAMPION))
    except NotFound:
        return None
    return reference if reference.model.contract.name == contract.name else None


def load_reference(store: Store, champion: Artifact) -> ReferenceModel:
    """What new clusters need to know of a champion."""
    model = load_model(champion)
    facts = facts_of(champion)
    return ReferenceModel(
        champion.version,
        model,
        max(last_id(store, model.contract.name), *(cluster.id for cluster in model.clusters)),
        tuple(facts.get("lineage", {}).get("retired", ())),
        {int(key): tuple(kinds) for key, kinds in facts.get("texts_by_people", {}).items()},
    )


def trained_over(store: Store, champion: str) -> Iterator[Artifact]:
    """The champion, and the versions whose clusters were matched with its own, newest first."""
    known = same_clusters(store.open(champion))
    for artifact in _readable(store):
        if artifact.version in known or matched_with(artifact) in known:
            yield artifact


def check_readable(reference_model: ReferenceModel, customers: Customers) -> None:
    """WrongFile where the customers lack a feature of the champion."""
    known = {*customers.features, *customers.others}
    missing = [f.name for f in reference_model.model.contract.features if f.name not in known]
    if missing:
        raise WrongFile(
            customers.cleaning.file,
            f"has no column {', '.join(missing)}, which the champion {reference_model.version} "
            "reads, so clusters cannot keep their ids; expected it, or --fresh-ids",
        )


def match(fitted: Fitted, customers: Customers, reference_model: ReferenceModel) -> Lineage:
    """Which of the champion's clusters each new one is, or the next id that nobody ever had."""
    reference_ids, readable = reference_model.assign(customers)
    old_ids = tuple(cluster.id for cluster in reference_model.model.clusters)
    new = range(len(fitted.centres))
    counts = contingency((reference_ids, fitted.labels[readable]), old_ids, tuple(new))
    distances = _distances(fitted, customers, reference_model)
    matched = {column: old_ids[row] for row, column in matches(counts, distances)}
    fresh = iter(range(reference_model.last_id + 1, reference_model.last_id + 1 + len(new)))
    ids = tuple(matched.get(index) or next(fresh) for index in new)
    return Lineage(reference_model, ids, reference_ids, readable)


def matches(counts: Counts, distances: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of old and new clusters: as many customers in both as can be, then near centres.

    The distances together weigh less than one customer.
    """
    nearness = distances / (1 + distances) / (1 + min(counts.shape))
    rows, columns = linear_sum_assignment(nearness - counts)
    shared = overlaps(counts)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [pair for pair in pairs if shared[pair] >= MINIMUM_OVERLAP]


def _distances(
    fitted: Fitted, customers: Customers, reference_model: ReferenceModel
) -> NDArray[np.float64]:
    """Between old and new means in standard deviations; 0 where the models read other features."""
    old = reference_model.model.clusters
    names = {feature.name for feature in reference_model.model.contract.features}
    squared = np.zeros((len(old), len(fitted.centres)))
    if names != {str(name) for name in customers.features}:
        return squared
    for name in old[0].profile:
        values = customers.features[name].to_numpy(float)
        means = np.bincount(fitted.labels, values) / np.bincount(fitted.labels)
        before = np.array([cluster.profile[name].mean for cluster in old])
        squared += ((before[:, None] - means[None, :]) / values.std()) ** 2
    return np.asarray(np.sqrt(squared))


def counter_of(contract: str) -> str:
    """The store's counter of the highest id that any model of a contract ever had."""
    plain = _SAFE.fullmatch(contract) is not None
    return f"{LAST_ID}-{contract if plain else hashlib.sha256(contract.encode()).hexdigest()}"


def last_id(store: Store, contract: str) -> int:
    """The highest id of any version of a contract, promoted or not: people may have seen it.

    Stores from before there was a counter know it from the versions that are there; those that kept
    one for all contracts go on with that for the contracts they have.
    """
    own = store.counters.read(counter_of(contract))
    highest = own
    for artifact in _readable(store):
        facts = facts_of(artifact)
        if _contract_of(artifact) != contract:
            continue
        sizes = facts.get("metrics", {}).get("cluster_sizes", ())
        highest = max(highest, len(sizes), facts.get("lineage", {}).get("last_id", 0))
    return max(highest, store.counters.read(LAST_ID)) if highest and not own else highest


def _contract_of(artifact: Artifact) -> str | None:
    """The name of the contract of a version; None where nothing can be said of it."""
    try:
        return str(json.loads(artifact.read("model.json"))["contract"]["name"])
    except (WrongArtifact, NotFound, ValueError, LookupError, TypeError):
        return None


def _readable(store: Store) -> Iterator[Artifact]:
    """The versions of a store, newest first, without those of which nothing can be said."""
    for version in reversed(store.versions()):
        try:
            yield store.open(str(version))
        except WrongArtifact:
            continue
