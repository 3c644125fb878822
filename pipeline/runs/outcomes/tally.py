"""What is counted of the customers whose outcome is known; its size does not depend on theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.runs.outcomes.sources import MILLION
from pipeline.scoring.outcome_documents import AudienceCounts, CustomerCounts, LabelCounts

Counts = NDArray[np.int64]


@dataclass(slots=True)
class OutcomeTally:
    """Counts of stayed and churned customers: the first and second column of each array."""

    clusters: Sequence[int]
    """The ids of the model's clusters, in the order of the rows."""
    customers: CustomerCounts = field(init=False)
    labels: LabelCounts = field(init=False)
    has_words: bool = True
    """Whether the labels say of each customer what became of them."""
    listed: AudienceCounts = field(init=False)
    followed: Counts = field(init=False)
    """By cluster: customers who had not churned when the file was scored."""
    by_cluster: Counts = field(init=False)
    by_risk: Counts = field(init=False)
    """By millionths of risk."""
    arms: Counts = field(init=False)
    """Those of a list who were to be contacted, and the control group."""

    def __post_init__(self) -> None:
        self.customers = CustomerCounts(
            customers=0, no_id=0, repeated=0, churned_before=0, contradicted=0, not_known=0,
            no_label=0, counted=0,
        )  # fmt: skip
        self.labels = LabelCounts(
            rows=0, no_id=0, ids=0, repeated_ids=0, strangers=0, spelled_otherwise=0, broken=0
        )
        self.listed = AudienceCounts(
            rows=0, no_id=0, repeated=0, contradicted=0, strangers=0, not_counted=0, counted=0
        )
        self.followed = np.zeros(len(self.clusters), np.int64)
        self.by_cluster = np.zeros((len(self.clusters), 2), np.int64)
        self.by_risk = np.zeros((MILLION + 1, 2), np.int64)
        self.arms = np.zeros((2, 2), np.int64)

    def positions(self, clusters: NDArray[Any]) -> NDArray[np.intp]:
        """The row of each cluster id.

        Raises:
            KeyError: The model has no such cluster.
        """
        known = np.asarray(self.clusters)
        order = np.argsort(known)
        at = order[np.minimum(np.searchsorted(known, clusters, sorter=order), len(known) - 1)]
        if not (known[at] == clusters).all():
            raise KeyError(int(clusters[known[at] != clusters][0]))
        found: NDArray[np.intp] = at
        return found


def add_counts(target: Counts, rows: NDArray[Any], churned: NDArray[np.bool_]) -> None:
    """Count customers as stayed or churned, each in its row."""
    flat = np.bincount(rows * 2 + churned, minlength=target.size)
    target += flat.reshape(target.shape)
