"""Where assigned rows go: CSV by appending cells to the lines as they were, or Parquet."""

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from pipeline.errors import WrongFile
from pipeline.reading.customer_file import (
    CustomerFile,
    Format,
    is_binary,
    is_text,
    plain,
    without_view,
)
from pipeline.scoring.decimals import Decimals
from pipeline.scoring.outputs import FORMULA, NUMBER, csv_line, without_formula
from pipeline.scoring.scorer import ScoredBlock, Scorer

ROW_GROUP = 65_536
_ARROW_SCHEMA = "ARROW:schema"
"""Where Arrow's readers look for the types that Parquet does not have."""
_BYTE_ORDER_MARK = "\ufeff"


class Sink(Protocol):
    """Writes the assigned file, a block at a time."""

    rows: int
    """How many were written, when it is finished."""

    def prepare(self, block: ScoredBlock) -> Any:
        """All the work on a block that any thread can do."""
        ...

    def write(self, prepared: Any) -> None:
        """Write a prepared block; in one thread, in the order of the file."""
        ...

    def finish(self) -> None:
        """Write what comes after the last block."""
        ...


@contextmanager
def open_sink(
    path: Path, file: CustomerFile, scorer: Scorer, output_format: Format, *, safe: bool
) -> Iterator[Sink]:
    """The sink for an assigned file.

    Args:
        path: The file to write.
        file: The input.
        scorer: What scores the input.
        output_format: The format to write.
        safe: Cells that a spreadsheet would run as a formula get an apostrophe before them.

    Raises:
        WrongFile: The input's columns, or clusters' names, cannot be written in this format.
    """
    try:
        with path.open("wb") as target:
            sink: Sink
            if output_format == "parquet":
                sink = ParquetSink(target, file, scorer)
            elif file.format == "csv" and not safe:
                sink = TextSink(target, file, scorer)
            else:
                sink = TableSink(target, file, scorer, safe=safe)
            yield sink
            sink.finish()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = str(error).splitlines()[0]
        raise WrongFile(file.path, f"cannot be written as {output_format} ({problem})") from error
    except UnicodeEncodeError as error:
        encoding = file.facts.get("encoding")
        raise WrongFile(
            file.path,
            f"is in {encoding}, which has no letter for a cluster's name; "
            "choose --format parquet, or save the file as UTF-8",
        ) from error


def needs_all_columns(file: CustomerFile, output_format: Format, *, safe: bool) -> bool:
    """Whether `open_sink` gives a sink that needs every column, parsed."""
    return output_format == "parquet" or file.format != "csv" or safe


class _AppendedColumns:
    """What scoring appends to a block's rows, as columns."""

    def __init__(self, scorer: Scorer) -> None:
        clusters = scorer.model.clusters
        self.ids = pa.array([cluster.id for cluster in clusters], pa.int64())
        self.names = pa.array([cluster.name for cluster in clusters])
        self.rates = pa.array(
            [cluster.churn.rate if cluster.churn else None for cluster in clusters], pa.float64()
        )
        challenger = scorer.challenger
        self.challenger_ids = None if challenger is None else pa.array(challenger.ids, pa.int64())

    def arrays(self, block: ScoredBlock) -> list[pa.Array]:
        positions, assignments = pa.array(block.positions), block.assignments
        arrays = [
            self.ids.take(positions),
            pa.DictionaryArray.from_arrays(positions.cast(pa.int32()), self.names),
            self.rates.take(positions),
            pa.array(assignments.distance),
            pa.array(assignments.margin),
            pa.array(assignments.outlier),
        ]
        if self.challenger_ids is not None:
            arrays.append(self.challenger_ids.take(pa.array(block.challenger_positions)))
        return arrays

    def fields(self, names: Sequence[str]) -> list[pa.Field]:
        types = [pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.float64(), pa.bool_()]
        if self.challenger_ids is not None:
            types.append(self.challenger_ids.type)
        return [pa.field(name, kind) for name, kind in zip(names, types, strict=True)]


class TextSink:
    """Appends cells to the lines of a delimited file, whose bytes stay what they were."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer) -> None:
        """Write the header; make the cells that are the same for all customers of a cluster."""
        self._delimiter = str(file.facts.get("delimiter", ","))
        self._decimal, self._text = file.numbers.written, file.text
        self._decimals = Decimals(self._decimal)
        self._quote = '"' if self._decimal == self._delimiter else ""
        appended = _AppendedColumns(scorer)
        self._cluster_cells = pa.array(
            [
                self._delimiter
                + csv_line([str(cluster), self._as_read(name), self._number(rate)], self._delimiter)
                + self._delimiter
                + self._quote
                for cluster, name, rate in zip(
                    appended.ids.to_pylist(),
                    appended.names.to_pylist(),
                    appended.rates.to_pylist(),
                    strict=True,
                )
            ]
        )
        self._newline = str(file.facts.get("newline", "\n")).encode()
        self._between = pa.scalar(self._quote + self._delimiter + self._quote)
        flags = (f"{self._quote}{self._delimiter}{flag}" for flag in ("false", "true"))
        self._flags = pa.array(flags)
        self._challenger_cells = None
        if appended.challenger_ids is not None:
            ids = appended.challenger_ids.cast(pa.string()).fill_null("")
            self._challenger_cells = pa.array([f"{self._delimiter}{each}" for each in ids])
        self._file, self.rows = target, 0
        kept = self._text is not None and self._text.kept
        mark = "" if kept or file.facts.get("encoding", "utf-8") == "utf-8" else _BYTE_ORDER_MARK
        names = csv_line(list(scorer.appended.values()), self._delimiter)
        self._write(f"{mark}{file.header_text}{self._delimiter}{names}".encode())

    def prepare(self, block: ScoredBlock) -> pa.StringArray:
        """The lines of the block, each with its cells appended."""
        assignments, challenger = block.assignments, []
        if self._challenger_cells is not None:
            challenger = [self._challenger_cells.take(pa.array(block.challenger_positions))]
        return pc.binary_join_element_wise(
            block.text,
            self._cluster_cells.take(pa.array(block.positions)),
            *self._decimals.parts(assignments.distance),
            self._between,
            *self._decimals.parts(assignments.margin),
            self._flags.take(pa.array(assignments.outlier.view(np.int8))),
            *challenger,
            "",
        )

    def write(self, prepared: pa.StringArray) -> None:
        """Write the lines, without copying them."""
        self.rows += len(prepared)
        if len(prepared):
            _, offsets, data = prepared.buffers()
            ends = np.frombuffer(offsets, np.int32)
            first, last = ends[prepared.offset], ends[prepared.offset + len(prepared)]
            text = memoryview(data)[first:last]
            if not bytes(text[:2]).startswith((b"\r\n", b"\n")):  # a cell may begin with a return
                self._file.write(self._newline)
            self._write(text)

    def finish(self) -> None:
        """Write the newline behind the last line."""
        self._file.write(self._newline)

    def _number(self, rate: float | None) -> str:
        return "" if rate is None else repr(rate).replace(".", self._decimal)

    def _write(self, text: bytes | memoryview) -> None:
        """Write text as the bytes that it was read from."""
        if self._text is not None and self._text.kept:
            text = bytes(text).decode().encode(self._text.codec)
        self._file.write(text)

    def _as_read(self, text: str) -> str:
        """Text of ours as if it had been read from the file."""
        if self._text is None or not self._text.kept:
            return text
        return self._text.written(text).decode(self._text.codec)


class TableSink:
    """Writes columns as CSV: for what came as Parquet, and for cells made safe."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer, *, safe: bool) -> None:
        """Write the header.

        Args:
            target: Where to write.
            file: The input.
            scorer: What scores the input.
            safe: Cells that a spreadsheet would run as a formula get an apostrophe before them.
        """
        delimiter = str(file.facts.get("delimiter", ","))
        self._options = pa.csv.WriteOptions(
            include_header=False, delimiter=delimiter, quoting_style="needed"
        )
        self._appended, self._safe = _AppendedColumns(scorer), safe
        names = unique_names([*file.header, *scorer.appended.values()])
        self._names, self._file, self.rows = names, target, 0
        header = [without_formula(name) for name in names] if safe else names
        mark = "" if file.facts.get("encoding", "utf-8") == "utf-8" else _BYTE_ORDER_MARK
        self._file.write(f"{mark}{csv_line(header, delimiter)}\n".encode())

    def prepare(self, block: ScoredBlock) -> tuple[int, bytes]:
        """The number of rows, and their lines."""
        columns = [without_view(plain(column)) for column in block.columns]
        appended = [plain(column) for column in self._appended.arrays(block)]
        if self._safe:
            columns = [without_formulas(column) for column in columns]
        batch = pa.RecordBatch.from_arrays([*columns, *appended], self._names)
        buffer = io.BytesIO()
        pa.csv.write_csv(batch, buffer, self._options)
        return batch.num_rows, buffer.getvalue()

    def write(self, prepared: tuple[int, bytes]) -> None:
        """Write the lines."""
        rows, text = prepared
        self._file.write(text)
        self.rows += rows

    def finish(self) -> None:
        """Nothing comes after the last line."""


class ParquetSink:
    """Writes columns with their own types; those of a text file as text."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer) -> None:
        """Decide on the columns' types and encodings; the first rows open the writer."""
        self._appended, self._target = _AppendedColumns(scorer), target
        self._typed = file.format != "csv"
        self._names = unique_names([*file.header, *scorer.appended.values()])
        own = [field.with_name(n) for field, n in zip(file.schema, self._names, strict=False)]
        appended = self._appended.fields(list(scorer.appended.values()))
        self._schema = pa.schema([*own, *appended], file.schema.metadata)
        self._indexed = scorer.appended["cluster"]
        self._integers = {f.name for f in self._schema if pa.types.is_integer(f.type)}
        self._id = scorer.model.contract.id_column
        self._continuous = {scorer.appended["distance"], scorer.appended["margin"]}
        self._writer: Any = None
        self.rows = 0
        self._waiting: list[pa.RecordBatch] = []

    def prepare(self, block: ScoredBlock) -> pa.RecordBatch:
        """The columns of the block, those appended last."""
        columns = [*block.columns, *self._appended.arrays(block)]
        return pa.RecordBatch.from_arrays(columns, self._names)

    def write(self, prepared: pa.RecordBatch) -> None:
        """Keep the rows until they fill a row group, then write it."""
        self._waiting.append(prepared)
        if sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP:
            self._flush()

    def finish(self) -> None:
        """Write the rows that are left, and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting).unify_dictionaries()
            if self._writer is None:
                self._writer = self._open(table.schema)
            self._writer.write_table(table, row_group_size=ROW_GROUP)
            self.rows += table.num_rows
            self._waiting = []

    def _open(self, schema: pa.Schema) -> Any:
        """A Parquet writer whose columns are encoded as they are best read and written.

        Whole numbers are packed by their differences, which is as small as a dictionary and zstd
        and takes half the time. Numbers that hardly repeat are not packed: it would not help.
        """
        uncompressed = self._integers | self._continuous
        without_dictionary = uncompressed | {self._id}
        writer = pa.parquet.ParquetWriter(
            self._target,
            schema,
            store_schema=False,  # it would say how text is encoded here, not what it is
            compression={name: "none" if name in uncompressed else "zstd" for name in self._names},
            use_dictionary=[name for name in self._names if name not in without_dictionary],
            column_encoding=dict.fromkeys(self._integers, "DELTA_BINARY_PACKED"),
            write_batch_size=ROW_GROUP,
            write_statistics=[self._indexed],
        )
        if self._typed:
            types = base64.b64encode(self._schema.serialize()).decode()
            writer.add_key_value_metadata({**(self._schema.metadata or {}), _ARROW_SCHEMA: types})
        return writer


def without_formulas(column: pa.Array) -> pa.Array:
    """A column whose text has an apostrophe before it where a spreadsheet would run it."""
    if is_text(column):
        column = column.cast(pa.large_string())  # the one that all functions know
    elif is_binary(column):
        column = column.cast(pa.large_binary())
    else:
        return column
    risky = pc.and_(
        pc.match_substring_regex(column, FORMULA),
        pc.invert(pc.match_substring_regex(column, NUMBER)),
    )
    mark, nothing = (pa.scalar(text, column.type) for text in ("'", ""))
    return pc.if_else(risky, pc.binary_join_element_wise(mark, column, nothing), column)


def unique_names(names: Sequence[str]) -> list[str]:
    """The names; one that is empty or a repetition gets a number behind it."""
    unique: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for name in (name or "column" for name in names):
        free = name
        while free in unique:
            numbers[name] = numbers.get(name, 1) + 1
            free = f"{name}_{numbers[name]}"
        unique[free] = None
    return list(unique)
