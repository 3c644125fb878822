"""Figures for CloudWatch."""

import json

import pytest

from functions.aws.metrics import emf


def test_figures_are_one_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    emf("cc-dev-batch")({"FilesScored": 1, "ScoringSeconds": 2.5})
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    (told,) = line["_aws"]["CloudWatchMetrics"]
    assert told == {
        "Namespace": "CustomerClusters",
        "Dimensions": [["function"]],
        "Metrics": [
            {"Name": "FilesScored", "Unit": "Count"},
            {"Name": "ScoringSeconds", "Unit": "Seconds"},
        ],
    }
    assert (line["FilesScored"], line["ScoringSeconds"]) == (1, 2.5)
    assert line["function"] == "cc-dev-batch"


def test_every_call_starts_anew(capsys: pytest.CaptureFixture[str]) -> None:
    emf("cc-dev-batch")({"FilesScored": 1})
    emf("cc-dev-batch")({"FilesFailed": 1})
    assert "FilesScored" not in capsys.readouterr().out.splitlines()[1]
