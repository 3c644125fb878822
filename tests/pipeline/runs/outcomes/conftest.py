"""Runs over invented customers, of whom something became known later."""

from tests.pipeline.runs.audience.conftest import make_run

__all__ = ["make_run"]
