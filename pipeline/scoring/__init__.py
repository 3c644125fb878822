"""Scoring a file: read, check, assign, write, summarise; the manifest commits."""

from pipeline.scoring.run import Options, score_file

__all__ = ["Options", "score_file"]
