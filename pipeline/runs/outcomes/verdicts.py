"""What is said of rates that are held against training's, and of those of a campaign.

Each group is tested by Fisher's exact test, which takes training's rate as the sample that it is,
and all customers together; Holm adjusts for so many tests. So where nothing has changed, at most
one file in twenty has a verdict "higher" or "lower".
"""

from collections.abc import Sequence

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.runs.outcomes.intervals import difference_of, estimate, mean_of, sample_of
from pipeline.runs.outcomes.tally import Counts
from pipeline.scoring.outcome_documents import (
    AudienceCounts,
    AudienceOutcome,
    ClusterOutcome,
    Comparison,
    EffectVerdict,
    Estimate,
    LabelledFile,
    OutcomeVerdict,
)
from pipeline.scoring.summary.churn_drift import CLEAR, SIGNIFICANT, SLIGHT, churn_drift, exact_p

LEAST_TOLERANCE = 0.01
"""Where training's rate is small, a difference within one point is "as trained" too."""


def compare_with_training(
    clusters: Sequence[Cluster], followed: Sequence[int], counts: Counts
) -> tuple[Comparison, list[ClusterOutcome]]:
    """All customers, and those of each cluster, beside training.

    Args:
        clusters: The model's, each with a churn rate.
        followed: Customers who had not churned before, in the same order.
        counts: Of these who stayed and churned, a row for each cluster.
    """
    rates = [_rate_of(cluster) for cluster in clusters]
    churned, known = counts[:, 1].tolist(), counts.sum(axis=1).tolist()
    drift = churn_drift(clusters, churned, known)
    p_values = [1.0] * len(clusters) if drift is None else [
        each["p_adjusted"] for each in drift["clusters"]
    ]  # fmt: skip
    each = [
        ClusterOutcome(
            **_comparison([(rate, x, n)], p),
            cluster=cluster.id,
            cluster_name=cluster.name,
            customers=customers,
            trained_on=rate.customers,
        )
        for cluster, rate, customers, x, n, p in zip(
            clusters, rates, followed, churned, known, p_values, strict=True
        )
    ]
    total_p = 1.0 if drift is None else drift["p_adjusted"]
    return _comparison(list(zip(rates, churned, known, strict=True)), total_p), each


def _rate_of(cluster: Cluster) -> ChurnRate:
    assert cluster.churn is not None
    return cluster.churn


def _comparison(rows: Sequence[tuple[ChurnRate, int, int]], p: float) -> Comparison:
    """Compare customers of some clusters with training: its rate, churned and counted of each."""
    total, churned = sum(n for _, _, n in rows), sum(x for _, x, _ in rows)
    weights = [n / total if total else 1 / len(rows) for _, _, n in rows]
    trained = [(weight, rate) for weight, (rate, _, _) in zip(weights, rows, strict=True)]
    expected = mean_of(trained)
    observed = [
        (weight, seen)
        for weight, (_, x, n) in zip(weights, rows, strict=True)
        if (seen := ChurnRate.of(x, n)) is not None
    ]
    difference = difference_of(observed, trained) if total else None
    return Comparison(
        counted=total,
        observed=sample_of(churned, total),
        expected=expected,
        expected_churners=round(total * expected["value"], 1),
        difference=difference,
        p_adjusted=p,
        verdict=verdict_of(difference, expected["value"], p),
    )


def verdict_of(difference: Estimate | None, expected: float, p: float) -> OutcomeVerdict:
    """How a rate compares with training's.

    Args:
        difference: The observed rate less training's; None without customers.
        expected: Training's rate.
        p: The adjusted p-value of no difference.
    """
    if difference is None:
        return "cannot tell yet"
    if p < SIGNIFICANT and abs(difference["value"]) > SLIGHT * expected:
        return "higher" if difference["value"] > 0 else "lower"
    tolerance = max(CLEAR * expected, LEAST_TOLERANCE)
    near = difference["low"] >= -tolerance and difference["high"] <= tolerance
    return "as trained" if near else "cannot tell yet"


def compare_arms(arms: Counts, counts: AudienceCounts, file: LabelledFile) -> AudienceOutcome:
    """Those who were contacted beside the control group.

    Args:
        arms: Of both, who stayed and churned.
        counts: The rows of the list.
        file: The list.
    """
    (stayed, churned), (stayed_control, churned_control) = arms.tolist()
    n, n_control = stayed + churned, stayed_control + churned_control
    contact, control = ChurnRate.of(churned, n), ChurnRate.of(churned_control, n_control)
    difference = prevented = None
    p = 1.0
    if contact is not None and control is not None:
        difference = difference_of([(1, contact)], [(1, control)])
        mirrored = (difference["value"], difference["high"], difference["low"])
        prevented = estimate(*(round(-n * each, 1) for each in mirrored))
        p = exact_p(churned_control, n_control, churned, n)
    return AudienceOutcome(
        file=file,
        counts=counts,
        contacted=sample_of(churned, n),
        control=sample_of(churned_control, n_control),
        difference=difference,
        prevented=prevented,
        p=float(f"{p:.6g}"),
        verdict=_effect(difference, p),
    )


def _effect(difference: Estimate | None, p: float) -> EffectVerdict:
    if difference is None or p >= SIGNIFICANT:
        return "cannot tell yet"
    return "fewer" if difference["value"] < 0 else "more"
