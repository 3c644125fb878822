"""What a model of MLflow runs: our own model, with tables of pandas in and out.

It needs numpy and pyarrow, and neither MLflow nor scikit-learn; nothing is unpickled.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from model_store import WrongArtifact
from model_store.manifest import FileRecord, Manifest
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.validation import Checked, check
from pipeline.scoring.documents import APPENDED_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

PROBLEM = "problem"
ANSWERS = (*APPENDED_COLUMNS, PROBLEM)
"""The columns of an answer: those that scoring appends, and why there is no cluster."""
MANIFEST_FILE, MODEL_FILE = "manifest.json", "model.json"


def read_model(folder: Path) -> ClusterModel:
    """The model of an exported folder, if it is what its manifest says.

    Args:
        folder: Has model.json and manifest.json, and the version as its name.

    Raises:
        WrongArtifact: It is not.
    """
    manifest = Manifest.from_json((folder / MANIFEST_FILE).read_bytes(), folder.name)
    content = (folder / MODEL_FILE).read_bytes()
    if manifest.files.get(MODEL_FILE) != FileRecord.of(content):
        problem = f"{MODEL_FILE} is not the file that was published"
        raise WrongArtifact(folder.name, problem, "export it again")
    return ClusterModel.from_json(content, folder.name)


def assign(model: ClusterModel, frame: "pd.DataFrame") -> "pd.DataFrame":
    """The answers for a table of pandas: one row a customer, with the index of the table."""
    columns = {f.name: _column(frame[f.name]) for f in model.contract.features}
    answers = _answers(model, check(model.contract, columns))
    made: pd.DataFrame = answers.to_pandas(types_mapper=_pandas_types().get)
    return made.set_index(frame.index)


def _answers(model: ClusterModel, checked: Checked) -> pa.Table:
    found, clusters = model.assign_many(checked.features), model.clusters
    row_of = {cluster.id: row for row, cluster in enumerate(clusters)}
    own = pa.array([row_of[cluster] for cluster in found.cluster.tolist()], pa.int64())
    rates = [cluster.churn.rate if cluster.churn else None for cluster in clusters]
    columns = [
        pa.array(found.cluster, pa.int64()),
        pa.array([cluster.name for cluster in clusters], pa.string()).take(own),
        pa.array(rates, pa.float64()).take(own),
        pa.array(found.distance),
        pa.array(found.margin),
        pa.array(found.outlier),
    ]
    counted = checked.good.cumsum() - 1
    places = pa.array(counted.clip(min=0), mask=~checked.good)
    problems = [
        "; ".join(map(str, checked.problems[row])) if row in checked.problems else None
        for row in range(len(checked.good))
    ]
    spread = [column.take(places) for column in columns]
    return pa.Table.from_arrays([*spread, pa.array(problems, pa.string())], list(ANSWERS))


def _column(values: "pd.Series[Any]") -> pa.Array:
    """A column as Arrow has it; objects of several kinds as their texts."""
    try:
        column = pa.Array.from_pandas(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        missing = values.isna()
        texts = values.astype(str).where(~missing, None)
        column = pa.array(texts.tolist(), pa.string())
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _pandas_types() -> dict[pa.DataType, Any]:
    """Columns in which a missing value does not make whole numbers fractions."""
    import pandas as pd

    return {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
