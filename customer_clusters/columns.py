"""The columns that a model reads of a table, and those that `assign` and `explain` append to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import Problem
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.many.explanations import explain_many, reasons_of
from pipeline.model.reasons import Reason
from pipeline.reading.arrow_numpy import column_of, text_column
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.memory import MemoryTable
from pipeline.reading.open import open_table
from pipeline.reading.validation import Checked
from pipeline.scoring.documents import APPENDED_COLUMNS, RISK_COLUMNS

FRAME = "the frame"
"""What messages call a table, as they call a file by its name."""
PROBLEM = "problem"
"""The column that says why a customer has no cluster."""
RUNNER_UP = "runner_up"
REASON = "reason_{}"
"""The column of a feature's contribution."""


def open_columns(names: Sequence[str], contract: Contract) -> CustomerFile:
    """Columns by their names as a file without rows, which finds those of a contract."""
    schema = pa.schema([pa.field(name, pa.null()) for name in names])
    return open_table(MemoryTable(FRAME, pa.Table.from_batches([], schema)), contract)


def assigned_columns(model: ClusterModel, checked: Checked) -> pa.Table:
    """What each customer is told, as columns; the problem where nothing can be.

    Cluster, name, churn rate, distance, margin, outlier; the risk where the model has a score.
    """
    answer, clusters = model.assign_many(checked.features), model.clusters
    ids = np.array([cluster.id for cluster in clusters], np.int64)
    own = _spread(column_of(np.searchsorted(ids, answer.cluster)), checked.good)
    rates = np.array([cluster.churn.rate if cluster.churn else np.nan for cluster in clusters])
    columns = [
        column_of(ids).take(own),
        text_column(cluster.name for cluster in clusters).take(own),
        column_of(rates, np.isnan(rates)).take(own),
        *(_spread(column_of(a), checked.good)
          for a in (answer.distance, answer.margin, answer.outlier)),
    ]  # fmt: skip
    names = [*APPENDED_COLUMNS]
    if model.risk is not None:
        risks = model.risk.assess_many(checked.features)
        told = (risks.rate, risks.low, risks.high)
        columns += [_spread(column_of(each), checked.good) for each in told]
        names += RISK_COLUMNS
    return pa.Table.from_arrays([*columns, _problems(checked)], [*names, PROBLEM])


def reason_columns(model: ClusterModel, checked: Checked) -> pa.Table:
    """The runner-up and each feature's contribution, a column each."""
    found = explain_many(model, checked.features)
    ids = np.array([cluster.id for cluster in model.clusters], np.int64)
    columns = {RUNNER_UP: _spread(column_of(ids[found.runner_up]), checked.good)}
    for name, contribution in found.contributions.items():
        columns[REASON.format(name)] = _spread(column_of(contribution), checked.good)
    return pa.Table.from_arrays(list(columns.values()), list(columns))


def reason_rows(model: ClusterModel, checked: Checked) -> tuple[pa.Table, NDArray[np.intp]]:
    """A row for each feature of each customer, the weightiest first, and whose row each is.

    A customer that cannot be assigned has one row, with the problem.
    """
    found = explain_many(model, checked.features)
    ids = [cluster.id for cluster in model.clusters]
    rows: list[dict[str, Any]] = []
    of: list[int] = []
    assigned = zip(
        found.own.tolist(), found.runner_up.tolist(),
        reasons_of(model, checked.features, found), strict=True,
    )  # fmt: skip
    for position, good in enumerate(checked.good.tolist()):
        if good:
            own, runner_up, explained = next(assigned)
            reasons = _reasons(ids[own], ids[runner_up], explained)
        else:
            reasons = [{PROBLEM: _sentence(checked.problems[position])}]
        rows += reasons
        of += [position] * len(reasons)
    schema = pa.schema(
        [("cluster", pa.int64()), (RUNNER_UP, pa.int64()), ("rank", pa.int64()),
         ("feature", pa.string()), ("value", pa.string()), ("contribution", pa.float64()),
         ("border", pa.float64()), ("border_cluster", pa.int64()), ("sentence", pa.string()),
         (PROBLEM, pa.string())]
    )  # fmt: skip
    table = pa.Table.from_pylist(rows, schema)
    owners = np.array(of, np.intp)
    return table.add_column(0, "row", pa.array(owners, pa.int64())), owners


def _reasons(own: int, runner_up: int, reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [
        {
            "cluster": own,
            RUNNER_UP: runner_up,
            "rank": rank,
            "feature": reason.feature,
            "value": reason.value if isinstance(reason.value, str) else f"{reason.value:.15g}",
            "contribution": reason.contribution,
            "border": reason.border,
            "border_cluster": reason.border_cluster,
            "sentence": reason.sentence,
        }
        for rank, reason in enumerate(reasons, start=1)
    ]


def _spread(values: pa.Array, good: NDArray[np.bool_]) -> pa.Array:
    """Values of the good customers as a column of all, null for the others."""
    if good.all():
        return values
    places = np.cumsum(good) - 1
    return values.take(column_of(np.maximum(places, 0), ~good))


def _problems(checked: Checked) -> pa.Array:
    positions = range(len(checked.good))
    problems = (checked.problems.get(position) for position in positions)
    return text_column(None if each is None else _sentence(each) for each in problems)


def _sentence(problems: Sequence[Problem]) -> str:
    return "; ".join(map(str, problems))
