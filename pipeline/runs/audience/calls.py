"""Whom of a cluster to turn to first: the beginning of an audience, each with a reason."""

from dataclasses import replace
from functools import partial
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Value
from pipeline.reading.arrow_numpy import column_of
from pipeline.reading.validation import check
from pipeline.runs.audience.selection import Best, Selected, Selection
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.committed import CommittedRun
from pipeline.runs.rows import RunRows, numbers_of, open_rows, texts_of, typed

FIRST_CALLS = 10
"""So many customers are on the list."""
_LOOK = "cp1252"
"""What text in an unknown encoding is shown in; nothing is decided by it."""


class Call(TypedDict):
    """A customer to turn to."""

    id: str
    """Empty where the file has no ids."""
    cluster: int
    row: int
    """In the assigned file; 1 is the first customer."""
    risk: float | None
    """The customer's own, where the run has it."""
    values: dict[str, Value]
    """By feature."""
    reason: str
    """The weightiest reason for the cluster, as a sentence."""


def first_calls(
    run: CommittedRun, model: ClusterModel, cluster: int | None, most: int = FIRST_CALLS
) -> list[Call]:
    """The first customers who have not left: by risk, else the surest of a cluster.

    They are those that an audience in this order begins with.

    Args:
        run: The run.
        model: What it was scored with.
        cluster: The id of a cluster; None lists customers of all.
        most: How many customers.

    Raises:
        WrongFile: The run has no such cluster, or its rows are no longer what it has written.
    """
    unknown = run.manifest["input"].get("encoding") == "unknown"
    with open_rows(run, _LOOK if unknown else None) as rows:
        by_risk = rows.appended("risk") is not None
        clusters = () if cluster is None else (cluster,)
        spec = AudienceSpec(clusters, most, "risk" if by_risk else "margin")
        bound = Selection.of(spec, rows, model.contract.id_column, model.contract.label)
        selection = replace(bound, columns=(*bound.columns, len(rows.names)))  # and the row
        best, before = Best(most, cut=True), 1
        for selected in rows.map(partial(_numbered, selection)):
            best.add(_moved(selected, before))
            before += selected.counts.assigned
        return [call for batch in best.batches() for call in _calls(model, rows, bound, batch)]


def _numbered(selection: Selection, batch: pa.RecordBatch) -> Selected:
    """The customers of a block, with their position in it as the last column."""
    positions = column_of(np.arange(batch.num_rows))
    names = [*batch.schema.names, "row of the run"]
    return selection.select(pa.RecordBatch.from_arrays([*batch.columns, positions], names))


def _moved(selected: Selected, before: int) -> Selected:
    """The same customers, with their row in the run as the last column."""
    *columns, positions = selected.batch.columns
    rows = column_of(np.asarray(positions) + before)
    batch = pa.RecordBatch.from_arrays([*columns, rows], selected.batch.schema.names)
    return replace(selected, batch=batch)


def _calls(
    model: ClusterModel, rows: RunRows, selection: Selection, batch: pa.RecordBatch
) -> list[Call]:
    customers = _features(model, rows, batch)
    risk = rows.appended("risk")
    nothing = [None] * batch.num_rows
    ids = nothing if selection.id is None else texts_of(batch.column(selection.id))
    risks = nothing if risk is None else typed(batch.column(risk), "risk").to_pylist()
    numbers = batch.columns[-1].to_pylist()
    at = rows.appended("cluster")
    assert at is not None
    clusters = typed(batch.column(at), "cluster").to_pylist()
    return [
        {
            "id": "" if customer is None else str(customer),
            "cluster": int(cluster),
            "row": row,
            "risk": rate,
            "values": values,
            "reason": _reason(model, values),
        }
        for customer, cluster, row, rate, values in zip(
            ids, clusters, numbers, risks, customers, strict=True
        )
    ]


def _reason(model: ClusterModel, values: dict[str, Any]) -> str:
    reasons = model.locate(values).reasons
    return reasons[0].sentence if reasons else ""


def _features(model: ClusterModel, rows: RunRows, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The features of some customers, as the contract reads them."""
    places = {feature.name: rows.position(feature.name) for feature in model.contract.features}
    columns = {name: batch.column(at) for name, at in places.items() if at is not None}
    missing = [name for name in places if name not in columns]
    if missing:
        raise WrongFile(rows.run.address, f"has no column {missing[0]}")
    checked = check(model.contract, columns, numbers_of(rows.run.manifest))
    if checked.problems:
        raise WrongFile(rows.run.address, "has assigned rows that are not what was written")
    return [
        {name: values[at].item() if hasattr(values[at], "item") else values[at]
         for name, values in checked.features.items()}
        for at in range(batch.num_rows)
    ]  # fmt: skip
