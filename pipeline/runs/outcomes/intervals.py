"""Rates that are held against other rates, each known by a sample, with 95 % intervals."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.model.churn import ChurnRate, wilson_interval
from pipeline.scoring.outcome_documents import Estimate, Sample

_Z = 1.959963984540054
Weighted = Sequence[tuple[float, ChurnRate]]


def sample_of(churned: int, customers: int) -> Sample | None:
    """A rate with its Wilson interval; None without customers."""
    if not customers:
        return None
    low, high = wilson_interval(churned, customers)
    return Sample(
        churned=churned, customers=customers, value=_rounded(churned / customers),
        low=_rounded(low), high=_rounded(high),
    )  # fmt: skip


def mean_of(rates: Weighted) -> Estimate:
    """A weighted mean of independent rates; see `difference_of`."""
    return difference_of(rates, [])


def difference_of(more: Weighted, less: Weighted) -> Estimate:
    """The sum of weighted rates less the sum of others, all independent.

    The method of variance estimates recovery: distances to the ends of the Wilson intervals are
    added as squares (Newcombe 1998, Stat. Med. 17:873-890, for two rates; Zou & Donner 2008, Stat.
    Med. 27:1693-1702, for any).

    Args:
        more: Weights, none below zero, and rates.
        less: Those that are taken away.
    """
    value = sum(w * rate.rate for w, rate in more) - sum(w * rate.rate for w, rate in less)
    below = [w * (rate.rate - rate.low) for w, rate in more]
    below += [w * (rate.high - rate.rate) for w, rate in less]
    above = [w * (rate.high - rate.rate) for w, rate in more]
    above += [w * (rate.rate - rate.low) for w, rate in less]
    return estimate(value, value - math.hypot(*below), value + math.hypot(*above))


def auc_of(stayed: NDArray[np.int64], churned: NDArray[np.int64]) -> Estimate | None:
    """The area under the ROC curve, ties as halves, with its interval on the logit.

    DeLong, DeLong & Clarke-Pearson (1988, Biometrics 44:837-845); with Welch's degrees of freedom,
    as few churn.

    Args:
        stayed: Customers who stayed, by what was foreseen, ascending.
        churned: Those who churned.

    Returns:
        None where fewer than two churned or stayed, where the same is foreseen of all, or where all
        who churned come before or behind all others: then no interval can be told.
    """
    some = np.flatnonzero(stayed + churned)
    stayed, churned = stayed[some].astype(float), churned[some].astype(float)
    n0, n1 = stayed.sum(), churned.sum()
    if min(n0, n1) < 2:
        return None
    below = (np.cumsum(stayed) - stayed / 2) / n0  # of each who churned: the stayed below
    above = (n1 - np.cumsum(churned) + churned / 2) / n1
    auc = float((churned * below).sum() / n1)
    if not 0 < auc < 1 or len(some) < 2:
        return None
    of_churned = float((churned * (below - auc) ** 2).sum() / (n1 - 1) / n1)
    of_stayed = float((stayed * (above - auc) ** 2).sum() / (n0 - 1) / n0)
    variance = of_churned + of_stayed
    freedom = variance**2 / (of_churned**2 / (n1 - 1) + of_stayed**2 / (n0 - 1))
    half = _t_quantile(freedom) * math.sqrt(variance) / (auc * (1 - auc))
    logit = math.log(auc / (1 - auc))
    return estimate(auc, *(1 / (1 + math.exp(-at)) for at in (logit - half, logit + half)))


def _t_quantile(freedom: float) -> float:
    """What 95 % of Student's t lie within: Fisher's expansion, to 1 % from three degrees on."""
    z = _Z
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2


def estimate(value: float, low: float, high: float) -> Estimate:
    """A figure and its interval, to six digits."""
    return Estimate(value=_rounded(value), low=_rounded(low), high=_rounded(high))


def _rounded(value: float) -> float:
    """To six digits: the last ones of a sum depend on the machine."""
    return float(f"{value:.6g}")
