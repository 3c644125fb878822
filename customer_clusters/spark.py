"""Customers that are a table of Spark: assigned by its workers, lazily, with no files of ours.

    import customer_clusters as cc
    assigned = cc.spark.assign(session.table("bank.customers"), explain=True)

For one large file there is `customer-clusters score --engine spark`: it writes what a run writes.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customer_clusters.columns import FRAME, assigned_columns, open_columns, reason_columns
from customer_clusters.model import Model, load
from model_store.extras import needs_extra
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.validation import check
from pipeline.scoring.scorer import free_names

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def assign(
    frame: "DataFrame", model: Model | str = "champion", *, store: Any = None, explain: bool = False
) -> "DataFrame":
    """Find every customer's cluster on Spark's workers, when its rows are asked for.

    The workers need this package with its extra `spark`. They get the model from here, so they need
    no store.

    Args:
        frame: Any DataFrame of Spark, as of Delta, Iceberg or Hive, with a
            column for each feature.
        model: A model, or its alias or version in the store.
        store: As for `load`.
        explain: Whether to add the runner-up and a column `reason_` for each feature.

    Returns:
        The DataFrame with the columns of `Model.assign`, and of `Model.explain` if wide. A customer
        that cannot be assigned has a `problem` and nothing else there.

    Raises:
        WrongFile: It is no DataFrame of Spark, or lacks a column.
        MissingExtra: The extra `spark` is not installed.
    """
    with needs_extra("customer_clusters.spark", "spark"):
        from pyspark.sql.types import (
            BooleanType,
            DoubleType,
            LongType,
            StringType,
            StructField,
            StructType,
        )
    names = getattr(frame, "columns", None)
    if not hasattr(frame, "mapInArrow") or names is None:
        raise WrongFile(FRAME, f"expected a DataFrame of Spark, found {type(frame).__qualname__}")
    chosen = (model if isinstance(model, Model) else load(model, store)).cluster_model
    columns = open_columns(names, chosen.contract)
    indexes = columns.indexes(feature.name for feature in chosen.contract.features)
    kinds = {
        "int64": LongType(),
        "double": DoubleType(),
        "bool": BooleanType(),
        "string": StringType(),
    }
    appended = _appended(chosen, {name: pa.nulls(0) for name in indexes}, explain=explain).schema
    free = free_names(appended.names, names)
    fields = [
        StructField(name, kinds[str(field.type)], True)
        for name, field in zip(free, appended, strict=True)
    ]
    schema = StructType([*frame.schema.fields, *fields])
    return frame.mapInArrow(_answer(chosen, indexes, free, explain=explain), schema)


def _answer(
    model: ClusterModel, indexes: dict[str, int], names: list[str], *, explain: bool
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a worker does with its batches."""

    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            features = {name: batch.column(index) for name, index in indexes.items()}
            appended = _appended(model, features, explain=explain).combine_chunks()
            arrays = [column.combine_chunks() for column in appended.columns]
            yield pa.RecordBatch.from_arrays(
                [*batch.columns, *arrays], [*batch.schema.names, *names]
            )

    return answer


def _appended(model: ClusterModel, features: dict[str, pa.Array], *, explain: bool) -> pa.Table:
    """The columns for a batch of customers."""
    checked = check(model.contract, features)
    table = assigned_columns(model, checked)
    if explain:
        reasons = reason_columns(model, checked)
        for name in reasons.column_names:
            table = table.append_column(name, reasons[name])
    return table
