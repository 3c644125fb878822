"""Invented outcomes: what became of customers whose true rates are known, and files of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.runs.outcomes.intervals import auc_of
from pipeline.runs.outcomes.rankings import rankings_of
from pipeline.runs.outcomes.tally import OutcomeTally
from pipeline.runs.outcomes.verdicts import compare_arms, compare_with_training
from pipeline.scoring.outcome_documents import (
    AudienceCounts,
    Estimate,
    LabelledFile,
    OutcomesDocument,
)

RATES = (0.02, 0.06, 0.15, 0.25, 0.6)
"""The true rates of five groups."""
NOWHERE = LabelledFile(name="list.csv", identity="")
NO_COUNTS = AudienceCounts(
    rows=0, no_id=0, repeated=0, contradicted=0, strangers=0, not_counted=0, counted=0
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which 95 % intervals held the truth in one simulated month, and what was said of it."""

    differences: list[bool]
    """Of each group, and of all customers."""
    rates: list[bool]
    """The observed ones."""
    auc: bool | None
    effect: bool
    verdicts: list[str]
    """Of each group, and of all customers."""
    effect_verdict: str


def cluster(id: int, churned: int, customers: int) -> Cluster:  # noqa: A002 - as Cluster has it
    """A cluster of which nothing is known but its churn."""
    churn = ChurnRate.of(churned, customers)
    return Cluster(id, f"Group {id}", "", (0.0,), customers, 0.2, churn, 1.0, {})


def simulate(
    seed: int,
    trained: Sequence[int] = (300, 900, 400, 600, 250),
    later: Sequence[int] = (150, 400, 200, 250, 120),
    factor: float = 1.0,
    effect: float = 0.0,
) -> Coverage:
    """Draw a training and a later month from the same rates, and compare the two.

    Args:
        seed: Of all that is drawn.
        trained: Training's customers in each group.
        later: Those of the month.
        factor: How many times as often as in training customers churn later.
        effect: By how much contact lowers the rate of the campaign's customers.
    """
    rng = np.random.default_rng(seed)
    now = np.minimum(np.array(RATES) * factor, 0.99)
    clusters = [
        cluster(index, int(rng.binomial(n, rate)), n)
        for index, (n, rate) in enumerate(zip(trained, RATES, strict=True), 1)
    ]
    churned = rng.binomial(later, now)
    counts = np.stack([np.array(later) - churned, churned], axis=1)
    overall, groups = compare_with_training(clusters, list(later), counts)
    weights = np.array(later) / sum(later)
    truths = [*(now - RATES), float(weights @ (now - RATES))]
    every = [*groups, overall]
    differences = [
        each["difference"] is not None and holds(each["difference"], truth)
        for each, truth in zip(every, truths, strict=True)
    ]
    seen = [
        each["observed"] is not None and holds(each["observed"], rate)
        for each, rate in zip(groups, now, strict=True)
    ]
    auc, arms = _auc(rng, sum(later)), _arms(rng, effect)
    compared = compare_arms(arms, NO_COUNTS, NOWHERE)
    assert compared["difference"] is not None
    return Coverage(
        differences,
        seen,
        auc,
        holds(compared["difference"], -effect),
        [each["verdict"] for each in every],
        compared["verdict"],
    )


def holds(estimate: Estimate, truth: float) -> bool:
    """Whether an interval holds the truth."""
    return estimate["low"] <= truth <= estimate["high"]


def _auc(rng: np.random.Generator, customers: int) -> bool | None:
    """Whether the interval holds the true AUC: two thirds, of exponential scores twice as large."""
    churned = rng.random(customers) < 0.15
    scores = rng.exponential(np.where(churned, 2.0, 1.0))
    order = np.argsort(scores)
    found = auc_of((~churned[order]).astype(np.int64), churned[order].astype(np.int64))
    return None if found is None else holds(found, 2 / 3)


def _arms(rng: np.random.Generator, effect: float) -> NDArray[np.int64]:
    """Who stayed and churned of 600 who were contacted, and of 150 who were not."""
    sizes = np.array([600, 150])
    churned = rng.binomial(sizes, [0.3 - effect, 0.3])
    return np.stack([sizes - churned, churned], axis=1)


def document(
    version: str,
    churned: Sequence[int],
    customers: Sequence[int],
    rates: Sequence[float] = (0.1, 0.5),
    **chosen: Any,
) -> OutcomesDocument:
    """Outcomes of a run with a version whose clusters have these rates.

    Args:
        version: The model's.
        churned: Customers of each cluster who churned.
        customers: Those who are counted.
        rates: Training's, each known by 2,000 customers.
        chosen: Other values of the document, by key.
    """
    clusters = [cluster(index, round(2_000 * r), 2_000) for index, r in enumerate(rates, 1)]
    left = np.array(churned)
    counts = np.stack([np.array(customers) - left, left], axis=1)
    overall, groups = compare_with_training(clusters, list(customers), counts)
    tally = OutcomeTally([each.id for each in clusters])
    given: dict[str, Any] = {
        "outcomes": "2026-11-27-0123456789ab",
        "as_of": "2026-11-27",
        "run": "r",
        "model_version": version,
        "input": LabelledFile(name="customers.csv", identity="sha256:1"),
        "implausible": [],
        "scored_as_of": None,
        "labels": LabelledFile(name="later.csv", identity="sha256:2"),
        "others_stayed": False,
        "ids": "text",
        "all_churned": False,
        "churned_word": "cancelled",
        "counts": tally.customers,
        "label_counts": tally.labels,
        "overall": overall,
        "clusters": groups,
        "rankings": rankings_of(clusters, counts, tally.by_risk),
        "audience": None,
    }
    return cast(OutcomesDocument, given | chosen)


def write_labels(
    path: Path, states: Sequence[tuple[str, str]], header: str = "CLIENTNUM,Attrition_Flag"
) -> Path:
    """Write a file of ids and words."""
    lines = [header, *(",".join(each) for each in states)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
