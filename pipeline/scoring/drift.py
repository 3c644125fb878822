"""Whether a file's customers are like those the model was trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.report.wording import FEWEST
from pipeline.scoring.tally import Tally

Verdict = Literal["stable", "moved", "shifted", "implausible", "too few customers"]
MOVED, SHIFTED = 0.10, 0.25
"""The customary thresholds (Siddiqi 2006, Credit Risk Scorecards)."""
IMPLAUSIBLE = 4.0
"""Nearly all customers in one outer decile: no market moves so, but a change of unit does."""
_EMPTY = 1e-4
"""Stands for the share of a bin without customers."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one distribution has moved from training's."""

    name: str
    psi: float
    critical: float | None
    """What chance alone passes once in a thousand files of this size; None without customers."""
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        return {"psi": self.psi, "critical_psi": self.critical, "verdict": self.verdict}


def feature_drift(model: ClusterModel, tally: Tally) -> list[Drift]:
    """Of every feature, on the bins of the training data."""
    baseline = model.baseline
    return [
        measure(name, known["shares"], tally.bins[name].tolist(), int(baseline["customers"]))
        for name, known in baseline["features"].items()
    ]


def mix_drift(model: ClusterModel, tally: Tally) -> Drift:
    """Of the clusters' shares."""
    shares = [cluster.share for cluster in model.clusters]
    return measure("clusters", shares, tally.customers.tolist(), int(model.baseline["customers"]))


def measure(name: str, expected: Sequence[float], counts: Sequence[int], trained_on: int) -> Drift:
    """The population stability index and a verdict that respects the sample's size.

    Where nothing has moved, PSI times n·m/(n + m) follows a chi-square with one degree of freedom
    less than there are bins (Yurdakul & Naranjo 2020, J. Risk Model Validation 14(4)).
    """
    n = sum(counts)
    if n == 0:
        return Drift(name, 0.0, None, "too few customers")
    found = np.maximum(np.array(counts) / n, _EMPTY)
    known = np.maximum(np.array(expected), _EMPTY)
    psi = float(((found - known) * np.log(found / known)).sum())
    critical = chi_square_quantile(0.999, len(expected) - 1) * (1 / n + 1 / trained_on)
    return Drift(name, psi, critical, _verdict(psi, critical, n))


def _verdict(psi: float, critical: float, n: int) -> Verdict:
    if n < FEWEST:
        return "too few customers"
    if psi < MOVED or psi <= critical:
        return "stable"
    if psi >= IMPLAUSIBLE:
        return "implausible"
    return "shifted" if psi >= SHIFTED else "moved"


def chi_square_quantile(probability: float, freedom: int) -> float:
    """To within 5 % (Wilson & Hilferty 1931, PNAS 17:684-688); 0 without freedom."""
    if freedom < 1:
        return 0.0
    z, part = NormalDist().inv_cdf(probability), 2 / (9 * freedom)
    return freedom * (1 - part + z * math.sqrt(part)) ** 3
