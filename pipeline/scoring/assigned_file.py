"""The assigned file of a run, read again: its appended columns, and the rows of a cluster."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.model.contract import Contract
from pipeline.reading.arrow_columns import as_text, filtered, without_dictionary, without_view
from pipeline.reading.arrow_numpy import column_of, values_of
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.documents import Manifest
from pipeline.scoring.outputs import csv_line, without_formula
from pipeline.scoring.sinks.columns import unique_names
from pipeline.scoring.sinks.table import without_formulas

_OF_THE_INPUT = frozenset({"sheet", "header_row", "encoding"})
"""What somebody said of the input alone: the assigned file has one table, a header on top."""


@dataclass(frozen=True, slots=True)
class AssignedFile:
    """An opened file of assigned rows."""

    file: CustomerFile
    manifest: Manifest

    def appended(self, role: str) -> int | None:
        """The index of an appended column by what it is; None where the run has no such column."""
        return self.file.optional_column(self.manifest["columns"].get(role))

    @property
    def cluster(self) -> int:
        """The index of the column with the clusters' ids."""
        return self.file.column(self.manifest["columns"]["cluster"])

    def cluster_rows(self, cluster: int) -> Iterator[bytes]:
        """A header and the rows of a cluster as CSV, in pieces.

        Those of a text file stay as they stand there; cells of a table are written, and those that
        a spreadsheet would run are made harmless where the run was asked for it.
        """
        text = self.file.format == "csv"
        yield from self._text_rows(cluster) if text else self._table_rows(cluster)

    def _text_rows(self, cluster: int) -> Iterator[bytes]:
        end = self.manifest["input"].get("newline", "\n")
        mark = "\ufeff" if self.file.facts.get("encoding") == "utf-8-sig" else ""
        yield self._as_written(f"{mark}{self.file.header_text}")
        for block in self.file.blocks([self.cluster]):
            assert block.text is not None
            kept = block.text.filter(column_of(is_cluster(block.columns[0], cluster)))
            lines = (line.strip("\r\n") for line in kept.to_pylist())
            yield self._as_written("".join(f"{end}{line}" for line in lines))
        yield end.encode()

    def _as_written(self, text: str) -> bytes:
        """Text as the bytes that it was read from."""
        form = self.file.text_format
        undecoded = form is not None and form.undecoded
        return text.encode(form.codec) if form is not None and undecoded else text.encode()

    def _table_rows(self, cluster: int) -> Iterator[bytes]:
        safe, names = self.manifest["options"]["safe_csv"], unique_names(self.file.header)
        header = [without_formula(name) for name in names] if safe else names
        yield f"{csv_line(header)}\n".encode()
        options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
        for block in self.file.blocks():
            good = column_of(is_cluster(block.columns[self.cluster], cluster))
            columns = [without_view(without_dictionary(each)) for each in block.columns]
            columns = [filtered(each, good) for each in columns]
            if safe:
                columns = [without_formulas(each) for each in columns]
            buffer = io.BytesIO()
            pa.csv.write_csv(pa.RecordBatch.from_arrays(columns, names), buffer, options)
            yield buffer.getvalue()


@contextmanager
def open_assigned(path: Path, contract: Contract, manifest: Manifest) -> Iterator[AssignedFile]:
    """Open the assigned file of a run.

    Args:
        path: Where it lies.
        contract: Of the model that the run was scored with.
        manifest: The run's.

    Yields:
        The file, with the names of the contract.

    Raises:
        WrongFile: It is no longer what the run wrote.
    """
    with open_customers(path, contract, _as_written(manifest), keep_bytes=True) as file:
        yield AssignedFile(file, manifest)


def is_cluster(ids: pa.Array, cluster: int) -> NDArray[np.bool_]:
    """Where a column of ids, numbers or text, has a cluster's."""
    column = as_text(without_dictionary(ids))
    wanted: object = cluster if pa.types.is_integer(column.type) else str(cluster)
    found: NDArray[np.bool_] = np.asarray(values_of(column) == wanted, bool)
    return found


def _as_written(manifest: Manifest) -> ReadingOptions:
    """How the assigned file is written: as the input was, as far as the run knows it."""
    facts = manifest["input"]
    stated: Mapping[str, Any] = manifest["options"].get("reading", {})
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stated.items()
        if name not in _OF_THE_INPUT
    }
    if delimiter := facts.get("delimiter"):
        known["delimiter"] = delimiter
    if facts.get("decimal") in (".", ","):
        known["decimal"] = facts["decimal"]
    return ReadingOptions(**known)
