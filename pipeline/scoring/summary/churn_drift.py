"""Whether as many customers left as training's rates lead to expect: drift of the concept itself.

A customer may look like training's and leave for other reasons. Where a file says who left, each
cluster is tested against training by Fisher's exact test, which knows that training's rate is a
sample too, and all customers together by the sum of what the clusters lead to expect. Holm (1979)
adjusts for so many tests: where nothing has changed, at most one file in twenty is called
different. Needs the standard library only.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.scoring.documents import ChurnDriftDocument, ChurnVerdict, ClusterChurnDrift

SIGNIFICANT = 0.05
SLIGHT = 0.10
"""A rate within a tenth of the expected one is not called different, however sure that is."""
CLEAR = 0.25
"""From a quarter more or less on, training's rates are clearly not those of these customers."""


def churn_drift(
    clusters: Sequence[Cluster], churned: Sequence[int], labelled: Sequence[int]
) -> ChurnDriftDocument | None:
    """Compare who left with what training's churn rates lead to expect.

    Args:
        clusters: The model's clusters.
        churned: How many customers of each left, in the same order.
        labelled: Of how many of each it is known.

    Returns:
        None where training or the file does not know who left.
    """
    rates = [cluster.churn for cluster in clusters if cluster.churn is not None]
    if len(rates) < len(clusters) or not sum(labelled):
        return None
    counts = list(zip(rates, churned, labelled, strict=True))
    p_values = [exact_p(rate.churned, rate.customers, x, n) for rate, x, n in counts]
    expected = [n * rate.rate for rate, _, n in counts]
    total_p = _total_p(rates, sum(churned), labelled)
    *adjusted, total_adjusted = holm([*p_values, total_p])
    return {
        "churned": sum(churned),
        "customers": sum(labelled),
        "expected": _rounded(sum(expected)),
        "p_adjusted": _rounded(total_adjusted),
        "verdict": _verdict(sum(churned), sum(expected), total_adjusted),
        "clusters": [
            ClusterChurnDrift(
                cluster=cluster.id,
                churned=x,
                customers=n,
                expected=_rounded(wanted),
                p_adjusted=_rounded(p),
                verdict=_verdict(x, wanted, p),
            )
            for cluster, x, n, wanted, p in zip(
                clusters, churned, labelled, expected, adjusted, strict=True
            )
        ],
    }


def exact_p(old_events: int, old: int, events: int, customers: int) -> float:
    """Two-sided p-value of equal rates: Fisher's exact test, the smaller tail doubled.

    Args:
        old_events: Those in training that left.
        old: Training's customers.
        events: Those of the file that left.
        customers: The file's customers of whom it is known.
    """
    left, everyone = old_events + events, old + customers
    lowest, highest = max(0, left - old), min(left, customers)
    step = 1 if events * everyone > left * customers else -1
    term = total = 1.0
    at = events
    while lowest <= at + step <= highest and term > 1e-17 * total:
        low = min(at, at + step)
        ratio = (left - low) * (customers - low) / ((low + 1) * (old - left + low + 1))
        term *= ratio if step > 0 else 1 / ratio
        total += term
        at += step
    log_p = _log_choose(customers, events) + _log_choose(old, old_events)
    log_p += math.log(total) - _log_choose(everyone, left)
    return min(1.0, 2 * math.exp(min(log_p, 0.0)))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number (Holm 1979, Scand. J. Stat. 6:65-70)."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _total_p(rates: Sequence[ChurnRate], churned: int, labelled: Sequence[int]) -> float:
    """Of all customers: a sum of binomials with other rates each, which training knows roughly.

    Rates are drawn a little towards one half (Agresti & Coull 1998), so that a cluster nobody ever
    left has a variance too; half a customer is taken off for continuity.
    """
    expected = variance = 0.0
    for rate, n in zip(rates, labelled, strict=True):
        share = (rate.churned + 2) / (rate.customers + 4)
        expected += n * rate.rate
        variance += n * share * (1 - share) * (1 + n / rate.customers)
    if not variance:
        return 1.0
    distance = max(abs(churned - expected) - 0.5, 0.0) / math.sqrt(variance)
    return 2 * NormalDist().cdf(-distance)


def _verdict(churned: int, expected: float, p: float) -> ChurnVerdict:
    difference = abs(churned - expected)
    if p >= SIGNIFICANT or difference <= SLIGHT * expected:
        return "as in training"
    if churned > expected:
        return "clearly higher" if difference >= CLEAR * expected else "higher"
    return "clearly lower" if difference >= CLEAR * expected else "lower"


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _rounded(value: float) -> float:
    """To six digits: the last ones of a sum depend on the machine."""
    return float(f"{value:.6g}")
