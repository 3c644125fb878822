"""Two runs of invented customers who move between groups, written without being scored."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.scoring.documents import OutputFormat

APPENDED = ("cluster", "margin", "distance")
_BLOCK = 500_000


def write_run(
    folder: Path,
    model: ClusterModel,
    ids: Sequence[str] | NDArray[np.int64],
    features: Mapping[str, NDArray[Any]],
    written: OutputFormat = "csv",
    **stated: Any,
) -> CommittedRun:
    """A committed run over some customers, whom the model assigns.

    Args:
        folder: Where it goes; its name is the run's.
        model: What assigns them.
        ids: Of the customers; numbers are a column of numbers in Parquet.
        features: Their values.
        written: What the rows are written as.
        stated: What the manifest says besides, in place of what it would.
    """
    clusters = np.zeros(0, np.int64)
    folder.mkdir(parents=True)
    name = f"assigned.{written}"
    with (folder / name).open("wb") as file:
        writer: Any = None
        for start in range(0, len(ids), _BLOCK):
            part = {key: values[start : start + _BLOCK] for key, values in features.items()}
            table, found = _rows(model, ids[start : start + _BLOCK], part)
            clusters = np.concatenate([clusters, found])
            if writer is None and written == "parquet":
                writer = pa.parquet.ParquetWriter(file, table.schema, compression="zstd")
            elif writer is None:
                writer = pa.csv.CSVWriter(
                    file, table.schema, write_options=pa.csv.WriteOptions(quoting_style="needed")
                )
            writer.write_table(table)
        if writer is not None:
            writer.close()
    return describe(folder, model, name, clusters, **stated)


def describe(
    folder: Path, model: ClusterModel, name: str, clusters: NDArray[np.int64], **stated: Any
) -> CommittedRun:
    """Commit a run whose rows are there: write what says so."""
    summary = {
        "clusters": [
            {
                "cluster": cluster.id,
                "cluster_name": cluster.name,
                "customers": int((clusters == cluster.id).sum()),
                "training_churn_rate": cluster.churn.rate if cluster.churn else None,
            }
            for cluster in model.clusters
        ],
        "drift": {"implausible": stated.pop("implausible", [])},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    kind = "parquet" if name.endswith("parquet") else "delimited text"
    manifest: dict[str, Any] = {
        "run": folder.name,
        "input": {"name": f"{folder.name}.{name.rpartition('.')[2]}", "kind": kind},
        "model_version": "v1",
        "contract_sha256": "c",
        "options": {},
        "rows_assigned": len(clusters),
        "rows_rejected": 0,
        "columns": {column: column for column in APPENDED},
        "outputs": {"summary": f"{folder.name}/summary.json"},
        "bytes": {name: (folder / name).stat().st_size},
        "id_column": model.contract.id_column,
        **stated,
    }
    if kind != "parquet":
        usual = {"delimiter": ",", "decimal": ".", "encoding": "utf-8"}
        manifest["input"] = {**usual, **manifest["input"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_run(str(folder))


def _rows(
    model: ClusterModel, ids: Sequence[str] | NDArray[np.int64], features: Mapping[str, Any]
) -> tuple[pa.Table, NDArray[np.int64]]:
    found = model.assign_many(features)
    columns = {
        str(model.contract.id_column): pa.array(ids),
        **{name: pa.array(values) for name, values in features.items()},
        "cluster": pa.array(found.cluster),
        "margin": pa.array(found.margin),
        "distance": pa.array(found.distance),
    }
    return pa.table(columns), found.cluster
