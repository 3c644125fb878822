"""How well the groups' rates and each customer's own risk foresaw who churned."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster import Cluster
from pipeline.runs.outcomes.intervals import auc_of, sample_of
from pipeline.runs.outcomes.sources import MILLION
from pipeline.runs.outcomes.tally import Counts
from pipeline.scoring.outcome_documents import Ranking, Rankings, RiskRanking, Tenth

_TENTHS = 10


def rankings_of(clusters: Sequence[Cluster], by_cluster: Counts, by_risk: Counts) -> Rankings:
    """Measure what was foreseen by what became of it.

    Args:
        clusters: The model's, each with a churn rate.
        by_cluster: Who stayed and churned, a row for each cluster.
        by_risk: Who stayed and churned by millionths of risk.
    """
    stayed, churned = by_cluster.sum(axis=0).tolist()
    total = stayed + churned
    rates = np.array([cluster.churn.rate if cluster.churn else 0.0 for cluster in clusters])
    order = np.argsort(rates, kind="stable")
    levels, level_of = np.unique(rates[order], return_inverse=True)
    counts = np.zeros((len(levels), 2), np.int64)
    np.add.at(counts, level_of, by_cluster[order])
    return Rankings(
        one_rate_brier=_rounded(stayed * churned / total**2) if total else None,
        clusters=_ranking(levels, counts) if total else None,
        risk=_risk(by_risk),
    )


def _risk(by_risk: Counts) -> RiskRanking | None:
    some = np.flatnonzero(by_risk.sum(axis=1))
    if not len(some):
        return None
    rates, counts = some / MILLION, by_risk[some]
    return RiskRanking(
        **_ranking(rates, counts), customers=int(counts.sum()), tenths=_tenths(rates, counts)
    )


def _ranking(rates: NDArray[np.float64], counts: Counts) -> Ranking:
    """Measure rates, ascending, by who stayed and churned of each."""
    stayed, churned = counts.T
    squares = float((stayed * rates**2 + churned * (1 - rates) ** 2).sum())
    return Ranking(
        auc=auc_of(stayed, churned),
        brier=_rounded(squares / int(counts.sum())),
        expected_churners=round(float((counts.sum(axis=1) * rates).sum()), 1),
    )


def _tenths(rates: NDArray[np.float64], counts: Counts) -> list[Tenth]:
    """Customers by their rate in ten parts, as equal as those who share a rate allow."""
    sizes = counts.sum(axis=1)
    middles = np.cumsum(sizes) - sizes / 2
    tenth_of = np.minimum(_TENTHS * middles // sizes.sum(), _TENTHS - 1)
    tenths = []
    for tenth in np.unique(tenth_of):
        inside = tenth_of == tenth
        stayed, churned = counts[inside].sum(axis=0).tolist()
        observed = sample_of(churned, stayed + churned)
        assert observed is not None
        mean = float((sizes[inside] * rates[inside]).sum()) / (stayed + churned)
        tenths.append(Tenth(customers=stayed + churned, risk=_rounded(mean), observed=observed))
    return tenths


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
