"""Writing a run's folder. It is prepared aside and renamed when its manifest is in it."""

import csv
import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.reading import Format
from pipeline.scoring.score import Reject

MANIFEST = "manifest.json"


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """A folder to write in that becomes `folder` at the end, or disappears on an error."""
    aside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        aside.chmod(0o755)
        yield aside
        if not (folder / MANIFEST).exists():
            aside.rename(folder)
    except OSError as error:
        raise Temporary("write", str(folder), error.strerror or str(error)) from error
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def table_writer(path: Path, schema: pa.Schema, format: Format, source: Path) -> Iterator[Any]:
    """Something with `write_batch`, for CSV or Parquet."""
    try:
        if format == "csv":
            options = pa.csv.WriteOptions(quoting_style="needed")
            writer = pa.csv.CSVWriter(path, schema, write_options=options)
        else:
            writer = pa.parquet.ParquetWriter(path, schema, compression="zstd")
        with writer:
            yield writer
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = str(error).splitlines()[0]
        raise WrongFile(source, f"cannot be written as {format} ({problem})") from error


class RejectWriter:
    """Appends rejects to a CSV file."""

    def __init__(self, file: Any) -> None:
        self._csv = csv.writer(file, lineterminator="\n")
        self._csv.writerow(field.name for field in dataclasses.fields(Reject))

    def write(self, rejects: Iterable[Reject]) -> None:
        self._csv.writerows(dataclasses.astuple(reject) for reject in rejects)


def write_json(path: Path, document: Any) -> None:
    """Write a document; the same document gives the same bytes."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_clusters(path: Path, clusters: list[dict[str, Any]]) -> None:
    """The cluster summary as a table: one row a cluster."""
    rows = []
    for cluster in clusters:
        observed = cluster["observed_churn"] or {}
        rows.append(
            {
                **{k: v for k, v in cluster.items() if k not in ("observed_churn", "means")},
                "observed_churned": observed.get("churned"),
                "observed_customers": observed.get("customers"),
                "observed_churn_rate": observed.get("rate"),
                "observed_churn_low": observed.get("low"),
                "observed_churn_high": observed.get("high"),
                **{f"mean_{name}": mean for name, mean in cluster["means"].items()},
            }
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
