"""Evidence that clusters are real and say something about churn.

A clustering comes in as a function that fits rows and returns a function that assigns rows, so
that scaling and rotation are fitted again inside every resample.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, norm
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from pipeline.training import parallel
from pipeline.training.statistics.effects import cramers_v

Floats = NDArray[np.float64]
Rows = Floats  # (customers, features)
Labels = NDArray[np.intp]  # (customers,): cluster indices from 0
Churned = NDArray[np.bool_]  # (customers,)
Predict = Callable[[Rows], Labels]
Fit = Callable[[Rows], Predict]

FALLBACK_STRENGTH = 50.0
"""Customers that the overall rate weighs where clusters do not tell."""


@dataclass(frozen=True, slots=True)
class PairTest:
    """Whether two clusters leave at different rates, before and after Holm's adjustment."""

    first: int
    second: int
    p_value: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class ChurnTest:
    """Whether churn rates differ between clusters, how strongly, and between which."""

    chi2: float
    degrees: int
    p_value: float
    cramers_v: float
    pairs: tuple[PairTest, ...]


@dataclass(frozen=True, slots=True)
class RiskRatio:
    """A cluster's churn rate over that of the other customers, with its 95 % interval."""

    ratio: float
    low: float
    high: float


def bootstrap_jaccard(X: Rows, labels: Labels, fit: Fit, rounds: int, rng: Generator) -> Floats:
    """How well each cluster comes back when the customers are drawn again, (clusters,) in [0, 1].

    The mean over rounds of the Jaccard similarity to the most similar new cluster, among the
    distinct customers drawn (Hennig 2007, CSDA 52:258-271). A round that draws none of a cluster's
    customers does not count for it; NaN for a cluster that no round drew.
    """
    clusters = int(labels.max()) + 1
    total, seen, mean = np.zeros(clusters), np.zeros(clusters), np.full(clusters, np.nan)

    def come_back(drawn: Labels) -> tuple[Floats, Labels]:
        predict = fit(X[drawn])
        distinct = np.unique(drawn)
        return _best_jaccard(labels[distinct], predict(X[distinct]), clusters)

    draws = [rng.integers(len(X), size=len(X)) for _ in range(rounds)]
    for best, size in parallel.each(come_back, draws):
        total += best
        seen += size > 0
    np.divide(total, seen, out=mean, where=seen > 0)
    return mean


def stability_word(jaccard: float) -> str:
    """Hennig's reading of a mean bootstrap Jaccard; NaN, a cluster never drawn, is unstable."""
    bands = ((0.85, "highly stable"), (0.75, "stable"), (0.60, "doubtful"))
    return next((word for least, word in bands if jaccard >= least), "unstable")


def out_of_sample_auc(
    X: Rows, churned: Churned, fit: Fit, folds: int = 5, repeats: int = 4, seed: int = 0
) -> tuple[float, float]:
    """How well clusters rank unseen customers by churn: mean and sd of the ROC AUC over the folds.

    Clusters and their churn rates come from the training part alone; a held-out customer scores
    the training rate of its cluster, and the overall rate where nobody in training fell into it.
    The sd is the spread over folds × repeats, not a standard error: training parts overlap.

    Raises:
        ValueError: Fewer customers churned, or stayed, than there are folds.
    """
    if (rarer := np.bincount(churned, minlength=2).min()) < folds:
        raise ValueError(f"{folds} folds need as many that churned and that stayed; found {rarer}")
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)

    def score(fold: tuple[Labels, Labels]) -> float:
        train, held = fold
        predict = fit(X[train])
        expected = _expected_rates(predict(X[train]), churned[train], predict(X[held]))
        return float(roc_auc_score(churned[held], expected))

    scores = parallel.each(score, list(splitter.split(X, churned)))
    return float(np.mean(scores)), float(np.std(scores, ddof=1))


def auc_standard_error(auc: float, churned: int, stayed: int) -> float:
    """How far a ROC AUC may be off by chance (Hanley & McNeil 1982, Radiology 143:29-36).

    Args:
        auc: The AUC; 0.5 for one that says nothing.
        churned: Customers that left.
        stayed: Customers that did not.
    """
    both_left, both_stayed = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = (
        auc * (1 - auc)
        + (churned - 1) * (both_left - auc**2)
        + (stayed - 1) * (both_stayed - auc**2)
    )
    return math.sqrt(spread / (churned * stayed))


def explained_churn(labels: Labels, churned: Churned) -> ChurnTest:
    """Whether clusters (customers,) differ in churn (customers,), in all and pair by pair.

    Pearson's chi-square without Yates' correction and Cramér's V (Cramér 1946); two-proportion
    z tests with pooled variance, adjusted by Holm (1979, Scand. J. Stat. 6:65-70). Empty clusters
    take no part. The p-values hold only for clusters that were found without a look at churn.

    Raises:
        ValueError: All customers churned, or all stayed.
    """
    if churned.all() or not churned.any():
        raise ValueError("churn cannot be tested where all customers churned or all stayed")
    sizes = np.bincount(labels)
    left = np.bincount(labels[churned], minlength=len(sizes))
    present = np.flatnonzero(sizes)
    table = np.column_stack([left, sizes - left])[present]
    chi2, p_value, degrees, _ = chi2_contingency(table, correction=False)
    pairs = list(combinations(present.tolist(), 2))
    p_values = [_proportions_p(left[a], sizes[a], left[b], sizes[b]) for a, b in pairs]
    columns = zip(pairs, p_values, _holm(np.array(p_values)), strict=True)
    tests = tuple(PairTest(*pair, p, float(adjusted)) for pair, p, adjusted in columns)
    return ChurnTest(float(chi2), int(degrees), float(p_value), cramers_v(table) or 0.0, tests)


def risk_ratio(churned_in: int, n_in: int, churned_rest: int, n_rest: int) -> RiskRatio:
    """Churn rate of a cluster over that of the rest, by the log method (Katz 1978, Biometrics 34).

    Where one of the two churned counts is zero, 0.5 is added to all four cells. That keeps the
    ratio finite but pulls it towards n_rest / n_in: read the interval, not the ratio. scipy's
    `relative_risk` computes the same but takes whole counts only.

    Raises:
        ValueError: One side has no customers, or nobody churned.
    """
    if min(n_in, n_rest) == 0 or churned_in + churned_rest == 0:
        raise ValueError("a risk ratio needs customers on both sides and one that churned")
    half = 0.5 if 0 in (churned_in, churned_rest) else 0.0
    a, n_a, b, n_b = churned_in + half, n_in + 2 * half, churned_rest + half, n_rest + 2 * half
    ratio = (a / n_a) / (b / n_b)
    factor = math.exp(norm.ppf(0.975) * math.sqrt(1 / a - 1 / n_a + 1 / b - 1 / n_b))
    return RiskRatio(ratio, ratio / factor, ratio * factor)


def prior_strength(churned: NDArray[np.intp], n: NDArray[np.intp]) -> float:
    """How many customers the overall rate weighs, from counts of each cluster (clusters,).

    Beta-binomial moments with clusters weighted by size (Kleinman 1973, JASA 68:46-54). At most
    the number of all customers, where clusters differ no more than by chance.
    """
    churned, n = churned[n > 0], n[n > 0]
    total, spare = n.sum(), len(n) - 1
    overall = churned.sum() / max(total, 1)
    variance, room = overall * (1 - overall), total - (n**2).sum() / max(total, 1) - spare
    if spare < 1 or variance == 0 or room <= 0:
        return FALLBACK_STRENGTH
    chi2 = (n * (churned / n - overall) ** 2).sum() / variance
    correlation = np.clip((chi2 - spare) / room, 1 / (total + 1), 1)
    return float(1 / correlation - 1)


def shrunken_rate(
    churned: int, n: int, overall: float, strength: float = FALLBACK_STRENGTH
) -> float:
    """A cluster's churn rate drawn towards the overall one, the more the smaller the cluster.

    Posterior mean under a beta prior worth `strength` customers; see `prior_strength`.
    """
    return (churned + strength * overall) / (n + strength) if n else overall


def _best_jaccard(labels: Labels, new: Labels, clusters: int) -> tuple[Floats, Labels]:
    """For each original cluster the best similarity of a new one (0 if empty), and its size."""
    width = int(new.max()) + 1
    both = np.bincount(labels * width + new, minlength=clusters * width).reshape(-1, width)
    size = both.sum(axis=1)
    union = size[:, None] + both.sum(axis=0) - both
    return (both / np.maximum(union, 1)).max(axis=1), size


def _expected_rates(labels: Labels, churned: Churned, held: Labels) -> Floats:
    sizes = np.bincount(labels, minlength=int(held.max()) + 1)
    left = np.bincount(labels[churned], minlength=len(sizes))
    rates = np.where(sizes > 0, left / np.maximum(sizes, 1), churned.mean())
    return rates[held]


def _proportions_p(left_a: int, n_a: int, left_b: int, n_b: int) -> float:
    """Two-sided p-value; 1 where everybody or nobody of both left, so that nothing can differ."""
    pooled = (left_a + left_b) / (n_a + n_b)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return float(2 * norm.sf(abs(left_a / n_a - left_b / n_b) / error)) if error else 1.0


def _holm(p_values: Floats) -> Floats:
    order = np.argsort(p_values)
    steps: Floats = p_values[order] * np.arange(len(p_values), 0, -1)
    return np.minimum(np.maximum.accumulate(steps), 1)[np.argsort(order)]
