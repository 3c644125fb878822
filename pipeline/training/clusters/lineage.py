"""Clusters keep their ids and names over retraining: who they were under the champion.

A new cluster is an old one again when at least half of the customers that are in either are in
both (Jaccard; below it Hennig 2007, CSDA 52:258-271, calls a cluster dissolved). Which is which
follows from the customers in both, as an assignment problem; centres decide only ties. An old
cluster that is nobody's any more is retired, and neither its id nor any other that a model of the
store ever had is given to another cluster: campaigns may still point at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from model_store import CHAMPION, Artifact, NotFound, Store, WrongArtifact
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.crosswalk import Counts, Crosswalk, Ids, build_crosswalk, contingency, overlaps
from pipeline.model.loading import load_model
from pipeline.training.cleaning import Customers
from pipeline.training.fitting import Fitted

MINIMUM_OVERLAP = 0.5
LAST_ID = "last-cluster-id"
"""The store's mark for the highest id that any of its models ever had."""


@dataclass(frozen=True, slots=True)
class ReferenceModel:
    """The champion that new clusters are matched with."""

    version: str
    model: ClusterModel
    last_id: int
    """The highest id that any model of the store ever had."""
    retired: tuple[int, ...] = ()
    by_people: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Of which clusters people gave the name or description."""

    def assign(self, customers: Customers) -> tuple[Ids, NDArray[np.bool_]]:
        """The champion's cluster ids, of the customers that it can read, and which these are."""
        columns, readable = {}, np.ones(len(customers.features), bool)
        for feature in self.model.contract.features:
            values = _values(customers, feature.name)
            present = np.isfinite(values) if feature.numeric else values != ""
            columns[feature.name], readable = values, readable & np.asarray(present, bool)
        read = {name: values[readable] for name, values in columns.items()}
        return self.model.assign_many(read).cluster, readable


@dataclass(frozen=True, slots=True)
class Descent:
    """The ids of new clusters, in the order of `Fitted`, and where they come from."""

    reference_model: ReferenceModel
    ids: tuple[int, ...]
    found: tuple[Ids, NDArray[np.bool_]]
    """What `ReferenceModel.assign` said."""

    @property
    def retired(self) -> tuple[int, ...]:
        """Every id that is not to be used again, whenever it was retired."""
        gone = {cluster.id for cluster in self.reference_model.model.clusters} - set(self.ids)
        return tuple(sorted({*self.reference_model.retired, *gone}))

    @property
    def by_people(self) -> dict[int, tuple[str, ...]]:
        """Of which of these clusters people gave the texts."""
        return {id: kinds for id, kinds in self.reference_model.by_people.items() if id in self.ids}

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        last = max(self.reference_model.last_id, *self.ids)
        return {
            "champion": self.reference_model.version,
            "retired": list(self.retired),
            "last_id": last,
        }

    def crosswalk(self, model: ClusterModel, customers: Customers, fitted: Fitted) -> Crosswalk:
        """From the champion's clusters to those of the model that was trained."""
        old, readable = self.found
        new = np.array(self.ids)[fitted.labels[readable]]
        numbers = customers.features.select_dtypes("number")
        spread = {str(name): float(numbers[name].std(ddof=0)) for name in numbers}
        return build_crosswalk(
            self.reference_model.version, self.reference_model.model, model, (old, new), spread
        )


def find_reference(store: Store, contract: Contract) -> ReferenceModel | None:
    """The champion, if there is one for data of the same contract."""
    try:
        found = ancestor_of(store, store.open(CHAMPION))
    except NotFound:
        return None
    return found if found.model.contract.name == contract.name else None


def ancestor_of(store: Store, champion: Artifact) -> ReferenceModel:
    """What new clusters need to know of a champion."""
    model = load_model(champion)
    facts = champion.manifest.facts
    texts = facts.get("texts_by_people", {})
    return ReferenceModel(
        champion.version,
        model,
        max(_last_id(store), *(cluster.id for cluster in model.clusters)),
        tuple(facts.get("lineage", {}).get("retired", ())),
        {int(id): tuple(kinds) for id, kinds in texts.items()},
    )


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


def match(fitted: Fitted, customers: Customers, reference_model: ReferenceModel) -> Descent:
    """Which of the champion's clusters each new one is, or the next id that nobody ever had."""
    found = reference_model.assign(customers)
    old_ids = tuple(cluster.id for cluster in reference_model.model.clusters)
    new = range(len(fitted.centres))
    counts = contingency((found[0], fitted.labels[found[1]]), old_ids, tuple(new))
    apart = _distances(fitted, customers, reference_model)
    matched = {column: old_ids[row] for row, column in matches(counts, apart)}
    fresh = iter(range(reference_model.last_id + 1, reference_model.last_id + 1 + len(new)))
    return Descent(reference_model, tuple(matched.get(k) or next(fresh) for k in new), found)


def matches(counts: Counts, apart: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of old and new clusters: as many customers in both as can be, then near centres.

    The distances together weigh less than one customer.
    """
    nearness = apart / (1 + apart) / (1 + min(counts.shape))
    rows, columns = linear_sum_assignment(nearness - counts)
    shared = overlaps(counts)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [pair for pair in pairs if shared[pair] >= MINIMUM_OVERLAP]


def _distances(
    fitted: Fitted, customers: Customers, reference_model: ReferenceModel
) -> NDArray[np.float64]:
    """Between old and new means in standard deviations; 0 where the models read other features."""
    old, names = (
        reference_model.model.clusters,
        [f.name for f in reference_model.model.contract.features],
    )
    apart = np.zeros((len(old), len(fitted.centres)))
    if set(names) != {str(name) for name in customers.features}:
        return apart
    for name in old[0].profile:
        values = customers.features[name].to_numpy(float)
        means = np.bincount(fitted.labels, values) / np.bincount(fitted.labels)
        before = np.array([cluster.profile[name].mean for cluster in old])
        apart += ((before[:, None] - means[None, :]) / values.std()) ** 2
    return np.asarray(np.sqrt(apart))


def _values(customers: Customers, name: str) -> NDArray[Any]:
    frame = customers.features if name in customers.features else customers.others
    return frame[name].to_numpy()


def _last_id(store: Store) -> int:
    """Of all that were ever given: a candidate that was never promoted was seen by people as well.

    The versions that are there say it for stores from before there was a mark.
    """
    highest = store.counters.read(LAST_ID)
    for version in store.versions():
        try:
            facts = store.open(str(version)).manifest.facts
        except WrongArtifact:
            continue
        sizes = facts.get("metrics", {}).get("cluster_sizes", ())
        highest = max(highest, len(sizes), facts.get("lineage", {}).get("last_id", 0))
    return highest
