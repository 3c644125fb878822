"""Verdicts on drift."""

import pytest

from pipeline.scoring.documents import DriftSummary, Verdict
from pipeline.scoring.summary.verdict import cluster_mix_verdict


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [("stable", "stable"), ("moved", "moved"), ("shifted", "shifted"), ("implausible", "shifted")],
)
def test_a_cluster_mix_has_no_unit_that_could_be_wrong(measured: Verdict, verdict: Verdict) -> None:
    drift: DriftSummary = {
        "features": {},
        "clusters": {"psi": 5.0, "critical_psi": 0.1, "verdict": measured},
        "implausible": [],
    }
    assert cluster_mix_verdict(drift) == verdict
