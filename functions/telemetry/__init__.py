"""What is counted, timed and traced, for Prometheus and for OpenTelemetry; off by default.

Nothing of it holds a customer's value or id, a file's name or a path: labels and attributes are
routes, statuses, codes, names of models and versions.
"""

from functions.telemetry.figures import Figure
from functions.telemetry.telemetry import SILENT, ModelFacts, NoSpan, Span, Telemetry

__all__ = ["SILENT", "Figure", "ModelFacts", "NoSpan", "Span", "Telemetry"]
