"""Figures for CloudWatch, as lines of the log in its embedded metric format."""

from collections.abc import Callable, Mapping

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

NAMESPACE = "CustomerClusters"
Measure = Callable[[Mapping[str, float]], object]


def emf(figures: Mapping[str, float]) -> None:
    """Write one line: names that end in Seconds are times, all others count."""
    metrics = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="batch")
    for name, value in figures.items():
        unit = MetricUnit.Seconds if name.endswith("Seconds") else MetricUnit.Count
        metrics.add_metric(name, unit, value)
    metrics.flush_metrics()
