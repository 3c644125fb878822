"""The assigned rows of one cluster, as they stand in the file of a run."""

import io
from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.errors import WrongFile, first_line
from pipeline.reading.arrow_columns import as_text, filtered, without_dictionary, without_view
from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.reading.blocks import Block
from pipeline.reading.customer_file import CustomerFile
from pipeline.runs.committed import CommittedRun
from pipeline.runs.rows import opened_part, text_rows
from pipeline.scoring.documents import Manifest
from pipeline.scoring.sinks.columns import unique_names
from pipeline.scoring.sinks.table import without_formulas
from pipeline.scoring.writing.outputs import csv_line, without_formula


def group_rows(run: CommittedRun, cluster: int) -> Iterator[bytes]:
    """A header and the rows of a cluster as CSV, in pieces.

    Those of a text file stay as they stand there, in whatever encoding. Cells of a table, or of a
    workbook, are written; those that a spreadsheet would run are made harmless where the run was
    asked for it.

    Args:
        run: The run.
        cluster: The id of the cluster.

    Raises:
        WrongFile: Its rows are no longer what it has written, or have a column of a type that CSV
            does not hold.
    """
    for part, name in enumerate(run.assigned):
        with run.on_disk(name) as path, opened_part(run, path, keep_bytes=True) as file:
            if file.format == "csv" and file.facts["kind"] != "excel":
                end = run.manifest["input"].get("newline", "\n")
                at = file.column(run.manifest["columns"]["cluster"])
                keep = partial(_in_cluster, cluster)
                yield from text_rows(file, end, [at], keep, header=part == 0)
            else:
                yield from _table_rows(file, run.manifest, cluster, header=part == 0)


def _in_cluster(cluster: int, block: Block) -> NDArray[np.bool_]:
    return _is_cluster(block.columns[0], cluster)


def _table_rows(
    file: CustomerFile, manifest: Manifest, cluster: int, *, header: bool
) -> Iterator[bytes]:
    safe, names = manifest["options"]["safe_csv"], unique_names(file.header)
    head = b""
    if header:
        shown = [without_formula(name) for name in names] if safe else names
        head = f"{csv_line(shown)}\n".encode()
    at = file.column(manifest["columns"]["cluster"])
    for block in file.blocks():
        good = column_of(_is_cluster(block.columns[at], cluster))
        columns = [without_view(without_dictionary(each)) for each in block.columns]
        columns = [filtered(each, good) for each in columns]
        if safe:
            columns = [without_formulas(each) for each in columns]
        yield head + _as_csv(pa.RecordBatch.from_arrays(columns, names))  # nothing before it fails
        head = b""
    yield head


def _as_csv(batch: pa.RecordBatch) -> bytes:
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    buffer = io.BytesIO()
    try:
        pa.csv.write_csv(batch, buffer, options)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = f"cannot be written as csv ({first_line(error)})"
        raise WrongFile("the assigned rows", problem) from error
    return buffer.getvalue()


def _is_cluster(ids: pa.Array, cluster: int) -> NDArray[np.bool_]:
    """Where a column of ids, numbers or text, has a cluster's."""
    column = as_text(without_dictionary(ids))
    wanted: object = cluster if pa.types.is_integer(column.type) else str(cluster)
    return np.asarray(values_of(column) == wanted, bool)
