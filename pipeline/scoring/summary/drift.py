"""How far a file's customers are from those the model was trained on."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import DriftDocument, Verdict
from pipeline.scoring.summary.tally import Tally
from pipeline.scoring.summary.verdict import psi_verdict

_CONFIDENCE = 0.999
_EMPTY_SHARE = 1e-4
"""Stands for the share of a bin without customers."""


class Drift(NamedTuple):
    """How far one distribution has moved from training's."""

    name: str
    """The feature, or `clusters`."""
    psi: float
    """The population stability index; 0 without customers."""
    critical: float | None
    """What chance alone passes once in a thousand files of this size; None without customers."""
    verdict: Verdict

    def to_dict(self) -> DriftDocument:
        """As the summary of a run has it."""
        return {"psi": self.psi, "critical_psi": self.critical, "verdict": self.verdict}


def feature_drift(model: ClusterModel, tally: Tally) -> list[Drift]:
    """The drift of every feature, on the bins of the training data."""
    customers = int(model.baseline["customers"])
    return [
        measure(name, known["shares"], tally.bins[name].tolist(), customers)
        for name, known in model.baseline["features"].items()
    ]


def cluster_mix_drift(model: ClusterModel, tally: Tally) -> Drift:
    """The drift of the clusters' shares."""
    shares = [cluster.share for cluster in model.clusters]
    return measure("clusters", shares, tally.customers.tolist(), int(model.baseline["customers"]))


def measure(name: str, expected: Sequence[float], counts: Sequence[int], trained_on: int) -> Drift:
    """The population stability index and a verdict that respects the sample's size.

    Where nothing has moved, PSI times n·m/(n + m) follows a chi-square with one degree of freedom
    less than there are bins (Yurdakul & Naranjo 2020, J. Risk Model Validation 14(4)).

    Args:
        name: What is measured.
        expected: Each bin's share of the training customers.
        counts: The customers in each bin now.
        trained_on: How many training customers there were.
    """
    n = sum(counts)
    if n == 0:
        return Drift(name, 0.0, None, "too few customers")
    shares = np.maximum(np.array(counts) / n, _EMPTY_SHARE)
    training = np.maximum(np.array(expected), _EMPTY_SHARE)
    psi = float(((shares - training) * np.log(shares / training)).sum())
    quantile = chi_square_quantile(_CONFIDENCE, len(expected) - 1)
    critical = quantile * (1 / n + 1 / trained_on)
    return Drift(name, psi, critical, psi_verdict(psi, critical, n))


def chi_square_quantile(probability: float, freedom: int) -> float:
    """A quantile of the chi-square distribution, to within 5 %; 0 without degrees of freedom.

    Wilson & Hilferty 1931, PNAS 17:684-688: scoring does without scipy.
    """
    if freedom < 1:
        return 0.0
    z, variance = NormalDist().inv_cdf(probability), 2 / (9 * freedom)
    return freedom * (1 - variance + z * math.sqrt(variance)) ** 3
