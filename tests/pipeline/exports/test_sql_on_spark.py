"""The text for Databricks, run by Spark as it is."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.exports.options import SqlOptions
from pipeline.exports.sql import to_sql
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.parts.spark import spark
from tests.support.borders import Columns

SAMPLE = 5_000


@pytest.mark.parametrize("reference", ["champion"], indirect=True)
def test_spark_gives_the_scorers_answer(
    java: None,
    bundled: ClusterModel,
    real_columns: Columns,
    border_columns: Columns,
    tmp_path: Path,
) -> None:
    """Real customers, some around the borders, and one of whom nothing is known."""
    columns = {
        name: np.concatenate([values, border_columns[name][:SAMPLE]])
        for name, values in real_columns.items()
    }
    frame = pd.DataFrame(columns).assign(row=range(len(next(iter(columns.values())))))
    frame.loc[len(frame)] = [None] * len(columns) + [-1]
    frame.to_parquet(tmp_path / "customers.parquet")
    table = f"parquet.`{tmp_path / 'customers.parquet'}`"
    query = to_sql(bundled, "v1", SqlOptions("databricks", table, ("row",)))
    with spark("local[2]", os.environ) as session:
        rows = session.sql(query.rstrip().removesuffix(";")).orderBy("row").collect()
    nobody, found = rows[0], rows[1:]
    expected = bundled.assign_many(columns)
    assert nobody.cluster is None
    assert nobody.margin is None
    assert nobody.problem == f"{bundled.contract.features[0].name}: missing"
    differ = np.array([row.cluster for row in found]) != expected.cluster
    assert expected.margin[differ].max(initial=0) < 1e-13
    assert not differ[: len(real_columns[bundled.contract.features[0].name])].any()
    distances = [row.distance for row in found]
    np.testing.assert_allclose(distances, expected.distance, rtol=0, atol=1e-12)
    names = {cluster.id: cluster.name for cluster in bundled.clusters}
    assert all(row.cluster_name == names[row.cluster] for row in found)
