"""Verdicts on drift, and the thresholds between them. Needs the standard library only."""

from pipeline.scoring.documents import ClusterChurnDrift, DriftSummary, Verdict

MOVED, SHIFTED = 0.10, 0.25
"""The customary thresholds of the PSI (Siddiqi 2006, Credit Risk Scorecards)."""
IMPLAUSIBLE = 4.0
"""Most customers where few of training were: a change of unit does that, a market hardly."""
MIN_CUSTOMERS = 100
"""Of fewer customers nothing is said: chance has too large a part in it."""


def psi_verdict(psi: float, critical: float, customers: int) -> Verdict:
    """How far a distribution has moved.

    Args:
        psi: Its population stability index.
        critical: The PSI that chance alone hardly ever passes with so many customers.
        customers: How many were counted.
    """
    if customers < MIN_CUSTOMERS:
        return "too few customers"
    if psi < MOVED or psi <= critical:
        return "stable"
    if psi >= IMPLAUSIBLE:
        return "implausible"
    return "shifted" if psi >= SHIFTED else "moved"


def cluster_mix_verdict(drift: DriftSummary) -> Verdict:
    """That on the shares of the clusters; they have no unit, so none of them is implausible."""
    verdict = drift["clusters"]["verdict"]
    return "shifted" if verdict == "implausible" else verdict


def churn_differs(drift: DriftSummary) -> list[ClusterChurnDrift]:
    """The clusters in which more or fewer left than training leads to expect."""
    churn = drift.get("churn")
    every = churn["clusters"] if churn else []
    return [each for each in every if each["verdict"] != "as in training"]


def churn_sentence(drift: DriftSummary, churned_word: str) -> str:
    """That more or fewer left than was to be expected; empty where they did not."""
    churn = drift.get("churn")
    if not churn or (churn["verdict"] == "as in training" and not churn_differs(drift)):
        return ""
    return f"{churn['churned']:,} {churned_word} where {churn['expected']:,.0f} were expected"
