"""A summary for what the report is made of."""

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import Summary
from pipeline.scoring.summary.summary import summarise
from pipeline.scoring.summary.tally import Tally


@pytest.fixture
def summary(model: ClusterModel) -> Summary:
    """A summary in which nothing has moved."""
    summary = summarise(model, Tally.empty(model))
    summary["rows_in"] = summary["rows_assigned"] = 1000
    for drift in (*summary["drift"]["features"].values(), summary["drift"]["clusters"]):
        drift["verdict"] = "stable"
    for distribution in summary["features"].values():
        if "edges" in distribution:
            distribution["median"] = distribution["training_median"]
    return summary
