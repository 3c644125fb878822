"""Reading the baseline of a model: what its training customers looked like."""

from collections.abc import Mapping
from typing import Any


def median_of_all(baseline: Mapping[str, Any]) -> float:
    """The training customers' median: the edges are their deciles, so it is one of them."""
    edges, (below, *shares) = baseline["edges"], baseline["shares"]
    for edge, share in zip(edges, shares, strict=True):
        below += share
        if below > 0.5 + 1e-9:
            return float(edge)
    return float(edges[-1])
