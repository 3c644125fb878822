"""What a history shows of one period, each figure with a band that narrows as files grow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from pipeline.model.churn import wilson_interval
from pipeline.runs.history.entry import LedgerEntry
from pipeline.scoring.documents import DriftDocument

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval, which is wider for smaller files."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, count: int, total: int) -> "Share | None":
        """So many of so many, with the Wilson 95 % interval; None of none."""
        return cls(count / total, *wilson_interval(count, total)) if total else None

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a distribution is from training's: its PSI, and what chance alone can bring."""

    value: float
    low: float
    high: float
    """What chance alone passes once in a thousand files of this size."""

    @classmethod
    def of(cls, drift: DriftDocument | None) -> "Distance | None":
        """None where nothing was measured."""
        if drift is None or drift["critical_psi"] is None:
            return None
        return cls(drift["psi"], 0.0, drift["critical_psi"])

    def __str__(self) -> str:
        return f"PSI {self.value:.2f}, of which chance alone can bring {self.high:.2f}"


def rejected_share(entry: LedgerEntry) -> Share | None:
    """Of all rows."""
    return Share.of(entry["rows_rejected"], entry["rows_in"])


def observed_churn(entry: LedgerEntry) -> Share | None:
    """Of those of whom the file says it."""
    churned = entry["churned"]
    return Share.of(churned["churned"], churned["customers"]) if churned else None


def expected_churn(entry: LedgerEntry) -> Share | None:
    """What the groups' rates lead to expect; the band is that of how customers spread over groups.

    None where training knew no churn, or customers likely are in wrong groups.
    """
    n, clusters = entry["rows_assigned"], entry["clusters"]
    rates = [c["training_churn_rate"] for c in clusters if c["training_churn_rate"] is not None]
    if not n or len(rates) < len(clusters) or entry["drift"]["implausible"]:
        return None
    shares = [cluster["customers"] / n for cluster in clusters]
    mean = sum(share * rate for share, rate in zip(shares, rates, strict=True))
    square = sum(share * rate**2 for share, rate in zip(shares, rates, strict=True))
    half = _Z * math.sqrt(max(square - mean**2, 0.0) / n)
    return Share(mean, max(0.0, mean - half), min(1.0, mean + half))


def group_shares(entry: LedgerEntry) -> Mapping[int, Share]:
    """Of all assigned customers, by cluster; none where customers likely are in wrong ones."""
    if entry["drift"]["implausible"]:
        return {}
    total = entry["rows_assigned"]
    shares = {c["cluster"]: Share.of(c["customers"], total) for c in entry["clusters"]}
    return {cluster: share for cluster, share in shares.items() if share}
