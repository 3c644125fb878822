"""The assigned rows of one cluster, as they stand in the file of a run."""

import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.errors import WrongFile, first_line
from pipeline.reading.arrow_columns import as_text, filtered, without_dictionary, without_view
from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.reading.customer_file import CustomerFile
from pipeline.runs.audience.rows import opened_part
from pipeline.runs.committed import CommittedRun
from pipeline.scoring.documents import Manifest
from pipeline.scoring.outputs import csv_line, without_formula
from pipeline.scoring.sinks.columns import unique_names
from pipeline.scoring.sinks.table import without_formulas


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
                yield from _text_rows(file, run.manifest, cluster, header=part == 0)
            else:
                yield from _table_rows(file, run.manifest, cluster, header=part == 0)


def _text_rows(
    file: CustomerFile, manifest: Manifest, cluster: int, *, header: bool
) -> Iterator[bytes]:
    end = manifest["input"].get("newline", "\n")
    if header:
        mark = "\ufeff" if file.facts.get("encoding") == "utf-8-sig" else ""
        yield _as_written(file, f"{mark}{file.header_text}{end}")
    for block in file.blocks([file.column(manifest["columns"]["cluster"])]):
        assert block.text is not None
        kept = block.text.filter(column_of(_is_cluster(block.columns[0], cluster)))
        lines = (line.strip("\r\n") for line in kept.to_pylist())
        yield _as_written(file, "".join(f"{line}{end}" for line in lines))


def _as_written(file: CustomerFile, text: str) -> bytes:
    """Text as the bytes that it was read from."""
    form = file.text_format
    return text.encode(form.codec) if form is not None and form.undecoded else text.encode()


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
