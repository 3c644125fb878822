"""Figures for CloudWatch, as lines of the log in its embedded metric format."""

import json
import sys
import time
from collections.abc import Callable, Mapping

NAMESPACE = "CustomerClusters"
Measure = Callable[[Mapping[str, float]], object]


def emf(figures: Mapping[str, float]) -> None:
    """Write one line: names that end in Seconds are times, in Share shares; all others count."""
    units = {name: _unit(name) for name in figures}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(json.dumps({"_aws": metadata, "service": "batch", **figures}) + "\n")
    sys.stdout.flush()


def _unit(name: str) -> str:
    if name.endswith("Share"):
        return "None"
    return "Seconds" if name.endswith("Seconds") else "Count"
