"""Spark as the tests run it: in this process, and as a cluster of real workers."""

import os
from collections.abc import Iterator

import pytest

from benchmarks.cluster import Cluster
from pipeline.scoring.parts.spark import OnSpark, spark


@pytest.fixture(scope="module")
def on_spark(java: None) -> Iterator[OnSpark]:
    """Parts on two threads of this machine."""
    with spark("local[2]", os.environ) as session:
        yield OnSpark(session)


@pytest.fixture(scope="module")
def cluster(java: None) -> Iterator[Cluster]:
    """A master and two workers of one core each."""
    with Cluster.started(workers=2) as made:
        yield made


@pytest.fixture(scope="module")
def on_cluster(cluster: Cluster) -> Iterator[OnSpark]:
    with spark(cluster.master, os.environ) as session:
        yield OnSpark(session)
