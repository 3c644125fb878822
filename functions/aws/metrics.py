"""Figures for CloudWatch, as lines of the log in its embedded metric format."""

import json
import sys
import time
from collections.abc import Callable, Mapping

FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
"""The variable with which Lambda says what a function is called."""
NAMESPACE = "CustomerClusters"
Measure = Callable[[Mapping[str, float]], object]


def emf(function: str) -> Measure:
    """What writes figures of a function, whose name has its stage, one line for each call.

    Names that end in Seconds are times, in Share shares; all others count.
    """

    def measure(figures: Mapping[str, float]) -> None:
        _write(function, figures)

    return measure


def _write(function: str, figures: Mapping[str, float]) -> None:
    units = {name: _unit(name) for name in figures}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["function"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(json.dumps({"_aws": metadata, "function": function, **figures}) + "\n")
    sys.stdout.flush()


def _unit(name: str) -> str:
    if name.endswith("Share"):
        return "None"
    return "Seconds" if name.endswith("Seconds") else "Count"
