"""Spark's workers answer what one process answers."""

import os
from collections.abc import Iterator
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import customer_clusters as cc
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from tests.customer_clusters.test_model import CUSTOMERS, FEATURES, many, records

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas")


@pytest.fixture(scope="module")
def session(java: None) -> Iterator[Any]:
    """Spark on two threads of this machine."""
    from pipeline.scoring.parts.spark import spark

    with spark("local[2]", os.environ) as session:
        session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
        yield session


class StandIn:
    """A DataFrame of Spark as far as it is asked for, whose worker is this process."""

    def __init__(self, table: pa.Table) -> None:
        from pyspark.sql.pandas.types import from_arrow_schema

        self.table, self.columns = table, table.column_names
        self.schema = from_arrow_schema(table.schema)

    def mapInArrow(self, function: Any, schema: Any) -> tuple[pa.Table, list[str]]:  # noqa: N802
        batches = list(function(iter(self.table.to_batches(100))))
        return pa.Table.from_batches(batches), schema.names


@pytest.mark.parametrize("explain", [False, True])
def test_batches_are_answered_as_a_whole_table_is(explain: bool) -> None:
    customers = pa.Table.from_pandas(many(1_000), preserve_index=False)
    stand_in: Any = StandIn(customers)
    answer: Any = cc.spark.assign(stand_in, explain=explain)
    local = cc.load().explain(customers, wide=True) if explain else cc.load().assign(customers)
    assert answer == (local, local.column_names)


@pytest.mark.parametrize("explain", [False, True])
def test_workers_answer_as_this_process_does(session: Any, explain: bool) -> None:
    customers = pa.Table.from_pandas(many(1_000), preserve_index=False)
    customers = customers.append_column("row", pa.array(range(1_000)))
    frame = session.createDataFrame(customers).repartition(3)
    model = cc.load()
    assigned = cc.spark.assign(frame, explain=explain)
    local = model.explain(customers, wide=True) if explain else model.assign(customers)
    assert assigned.columns == local.column_names
    found = sorted((row.asDict() for row in assigned.collect()), key=lambda row: row["row"])
    assert found == local.to_pylist()


def test_it_is_lazy_and_takes_names_as_they_are(session: Any) -> None:
    frame = session.createDataFrame(pa.table({**CUSTOMERS, "cluster": ["x", "y", "z"]}))
    frame = frame.withColumnRenamed("Total_Trans_Ct", "total_trans_ct")
    broken = frame.selectExpr("*", "raise_error('computed') AS boom")
    assigned = cc.spark.assign(broken, cc.load())  # which computes nothing
    assert assigned.schema["assigned_cluster"].dataType.typeName() == "long"
    rows = cc.spark.assign(frame, "champion").orderBy("id").collect()
    assert [row["assigned_cluster"] for row in rows] == [5, None, 1]
    assert [row["cluster"] for row in rows] == ["x", "y", "z"]
    assert rows[1]["problem"].startswith("Total_Trans_Amt: expected a number")


def test_what_lacks_a_column_is_refused_before_anything_runs(session: Any) -> None:
    frame = session.range(3)
    with pytest.raises(WrongFile, match="the frame: no column Total_Revolving_Bal"):
        cc.spark.assign(frame)


def test_other_tables_are_shown_the_way(session: Any, model: ClusterModel) -> None:
    with pytest.raises(WrongFile, match="is a table of Spark: use customer_clusters"):
        cc.load().assign(session.range(3))
    others: list[Any] = [
        pd.DataFrame(CUSTOMERS),
        pl.DataFrame(CUSTOMERS),
        {name: [1] for name in FEATURES},
    ]
    for other in others:
        with pytest.raises(WrongFile, match="expected a DataFrame of Spark, found"):
            cc.spark.assign(other)
    assert records(cc.load().assign(pl.DataFrame(CUSTOMERS)))[0]["cluster"] == 5


def test_columns_of_all_types_pass_through_and_those_it_reads_are_numbers(session: Any) -> None:
    frame = session.sql("""
        SELECT CAST(0 AS DECIMAL(10, 2)) AS Total_Revolving_Bal, '1900' AS Total_Trans_Amt,
               CAST(n AS TINYINT) AS Total_Trans_Ct, array(1, 2) AS codes,
               timestamp'2026-01-01 12:00:00' AS since, named_struct('a', 1) AS more
        FROM VALUES (38), (-1) AS t(n)
    """)
    assigned = cc.spark.assign(frame).orderBy("Total_Trans_Ct", ascending=False).collect()
    assert [row["cluster"] for row in assigned] == [5, None]
    expected = "Total_Trans_Ct: expected a whole number from 0 to 1,000,000, found '-1'"
    assert assigned[1]["problem"] == expected
    given = frame.orderBy("Total_Trans_Ct", ascending=False).collect()
    assert [row[:6] for row in assigned] == [row[:6] for row in given]
    assert cc.spark.assign(frame.where("1 = 0")).collect() == []
