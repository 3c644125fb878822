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
from pipeline.reading.arrow_columns import is_binary, is_text, without_dictionary, without_view
from pipeline.reading.customer_file import CustomerFile, Format
from pipeline.scoring.decimals import Decimals
from pipeline.scoring.outputs import FORMULA, NUMBER, csv_line, harmless
from pipeline.scoring.scorer import Scored, Scorer

ROW_GROUP = 65_536
_ARROW_SCHEMA = "ARROW:schema"
"""Where Arrow's readers look for the types that Parquet does not have."""


class Sink(Protocol):
    """`shape` runs in any thread; `write` in one, in the order of the file."""

    rows: int
    """Written, when it is finished."""

    def shape(self, scored: Scored) -> Any: ...
    def write(self, shaped: Any) -> None: ...
    def finish(self) -> None: ...


@contextmanager
def open_sink(
    path: Path, file: CustomerFile, scorer: Scorer, format: Format, *, safe: bool
) -> Iterator[Sink]:
    """The sink for an assigned file; WrongFile where its columns cannot be written so."""
    try:
        with path.open("wb") as target:
            sink: Sink
            if format == "parquet":
                sink = ParquetSink(target, file, scorer)
            elif file.format == "csv" and not safe:
                sink = TextSink(target, file, scorer)
            else:
                sink = TableSink(target, file, scorer, safe=safe)
            yield sink
            sink.finish()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = str(error).splitlines()[0]
        raise WrongFile(file.path, f"cannot be written as {format} ({problem})") from error
    except UnicodeEncodeError as error:
        encoding = file.facts.get("encoding")
        raise WrongFile(
            file.path,
            f"is in {encoding}, which has no letter for a cluster's name; "
            "choose --format parquet, or save the file as UTF-8",
        ) from error


def needs_all_columns(file: CustomerFile, format: Format, *, safe: bool) -> bool:
    """Whether the sink asks for every column, parsed."""
    return format == "parquet" or file.format != "csv" or safe


class _Cells:
    """The appended columns of scored rows."""

    def __init__(self, scorer: Scorer) -> None:
        clusters = scorer.model.clusters
        self.ids = pa.array([cluster.id for cluster in clusters], pa.int64())
        self.names = pa.array([cluster.name for cluster in clusters])
        self.rates = pa.array(
            [cluster.churn.rate if cluster.churn else None for cluster in clusters], pa.float64()
        )
        second = scorer.second
        self.second = None if second is None else pa.array(second.challenger.ids, pa.int64())

    def arrays(self, scored: Scored) -> list[pa.Array]:
        places = pa.array(scored.positions)
        found = scored.assignments
        return [
            self.ids.take(places),
            pa.DictionaryArray.from_arrays(places.cast(pa.int32()), self.names),
            self.rates.take(places),
            pa.array(found.distance),
            pa.array(found.margin),
            pa.array(found.outlier),
            *([] if self.second is None else [self.second.take(pa.array(scored.second))]),
        ]

    def fields(self, names: Sequence[str]) -> list[pa.Field]:
        kinds = (pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.float64(), pa.bool_())
        every = kinds if self.second is None else (*kinds, self.second.type)
        return [pa.field(name, kind) for name, kind in zip(names, every, strict=True)]


class TextSink:
    """Appends cells to the lines of a delimited file, whose bytes stay what they were."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer) -> None:
        self._delimiter = str(file.facts.get("delimiter", ","))
        self._decimal, self._text = file.numbers.output_decimal, file.text_format
        self._decimals = Decimals(self._decimal)
        self._quote = '"' if self._decimal == self._delimiter else ""
        cells = _Cells(scorer)
        self._own = pa.array(
            [
                self._delimiter
                + csv_line([str(id), self._as_read(name), self._mark(rate)], self._delimiter)
                + self._delimiter
                + self._quote
                for id, name, rate in zip(
                    *(column.to_pylist() for column in (cells.ids, cells.names, cells.rates)),
                    strict=True,
                )
            ]
        )
        self._newline = str(file.facts.get("newline", "\n")).encode()
        self._between = pa.scalar(self._quote + self._delimiter + self._quote)
        flags = (f"{self._quote}{self._delimiter}{flag}" for flag in ("false", "true"))
        self._flags = pa.array(flags)
        ids = None if cells.second is None else cells.second.cast(pa.string()).fill_null("")
        self._second = None if ids is None else pa.array([f"{self._delimiter}{id}" for id in ids])
        self._file, self.rows = target, 0
        kept = self._text is not None and self._text.undecoded
        mark = "" if kept or file.facts.get("encoding", "utf-8") == "utf-8" else "\ufeff"
        names = csv_line(list(scorer.appended.values()), self._delimiter)
        self._write(f"{mark}{file.header_text}{self._delimiter}{names}".encode())

    def shape(self, scored: Scored) -> pa.StringArray:
        found = scored.assignments
        return pc.binary_join_element_wise(
            scored.text,
            self._own.take(pa.array(scored.positions)),
            *self._decimals.parts(found.distance),
            self._between,
            *self._decimals.parts(found.margin),
            self._flags.take(pa.array(found.outlier.view(np.int8))),
            *([] if self._second is None else [self._second.take(pa.array(scored.second))]),
            "",
        )

    def write(self, shaped: pa.StringArray) -> None:
        self.rows += len(shaped)
        if len(shaped):
            _, offsets, data = shaped.buffers()
            ends = np.frombuffer(offsets, np.int32)
            first, last = ends[shaped.offset], ends[shaped.offset + len(shaped)]
            text = memoryview(data)[first:last]
            if not bytes(text[:2]).startswith((b"\r\n", b"\n")):  # a cell may begin with a return
                self._file.write(self._newline)
            self._write(text)

    def finish(self) -> None:
        self._file.write(self._newline)

    def _mark(self, rate: float | None) -> str:
        return "" if rate is None else repr(rate).replace(".", self._decimal)

    def _write(self, text: bytes | memoryview) -> None:
        """Write text as the bytes that it was read from."""
        if self._text is not None and self._text.undecoded:
            text = bytes(text).decode().encode(self._text.codec)
        self._file.write(text)

    def _as_read(self, text: str) -> str:
        """Text of ours as if it had been read from the file."""
        if self._text is None or not self._text.undecoded:
            return text
        return self._text.encode(text).decode(self._text.codec)


class TableSink:
    """Writes columns as CSV: for what came as Parquet, and for cells made safe."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer, *, safe: bool) -> None:
        delimiter = str(file.facts.get("delimiter", ","))
        self._options = pa.csv.WriteOptions(
            include_header=False, delimiter=delimiter, quoting_style="needed"
        )
        self._cells, self._safe = _Cells(scorer), safe
        names = _unique([*file.header, *scorer.appended.values()])
        self._names, self._file, self.rows = names, target, 0
        header = [harmless(name) for name in names] if safe else names
        mark = "" if file.facts.get("encoding", "utf-8") == "utf-8" else "\ufeff"
        self._file.write(f"{mark}{csv_line(header, delimiter)}\n".encode())

    def shape(self, scored: Scored) -> tuple[int, bytes]:
        columns = [without_view(without_dictionary(column)) for column in scored.columns]
        appended = [without_dictionary(column) for column in self._cells.arrays(scored)]
        if self._safe:
            columns = [_without_formulas(column) for column in columns]
        batch = pa.RecordBatch.from_arrays([*columns, *appended], self._names)
        buffer = io.BytesIO()
        pa.csv.write_csv(batch, buffer, self._options)
        return batch.num_rows, buffer.getvalue()

    def write(self, shaped: tuple[int, bytes]) -> None:
        rows, text = shaped
        self._file.write(text)
        self.rows += rows

    def finish(self) -> None:
        pass


class ParquetSink:
    """Writes columns with their own types; those of a text file as text."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer) -> None:
        self._cells, self._target, self._typed = _Cells(scorer), target, file.format != "csv"
        self._names = _unique([*file.header, *scorer.appended.values()])
        own = [field.with_name(n) for field, n in zip(file.schema, self._names, strict=False)]
        appended = self._cells.fields(list(scorer.appended.values()))
        self._schema = pa.schema([*own, *appended], file.schema.metadata)
        self._indexed = scorer.appended["cluster"]
        self._integers = {f.name for f in self._schema if pa.types.is_integer(f.type)}
        self._id = scorer.model.contract.id_column
        self._continuous = {scorer.appended["distance"], scorer.appended["margin"]}
        self._writer: Any = None
        self.rows = 0
        self._waiting: list[pa.RecordBatch] = []

    def shape(self, scored: Scored) -> pa.RecordBatch:
        columns = [*scored.columns, *self._cells.arrays(scored)]
        return pa.RecordBatch.from_arrays(columns, self._names)

    def write(self, shaped: pa.RecordBatch) -> None:
        self._waiting.append(shaped)
        if sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP:
            self._flush()

    def finish(self) -> None:
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
        """Whole numbers are packed by their differences, which is as small as indexed and zstd and
        takes half the time. Numbers that hardly repeat are not packed: it would not help."""
        packed = self._integers | self._continuous
        alone = packed | {self._id}
        writer = pa.parquet.ParquetWriter(
            self._target,
            schema,
            store_schema=False,  # it would say how text is encoded here, not what it is
            compression={name: "none" if name in packed else "zstd" for name in self._names},
            use_dictionary=[name for name in self._names if name not in alone],
            column_encoding=dict.fromkeys(self._integers, "DELTA_BINARY_PACKED"),
            write_batch_size=ROW_GROUP,
            write_statistics=[self._indexed],
        )
        if self._typed:
            types = base64.b64encode(self._schema.serialize()).decode()
            writer.add_key_value_metadata({**(self._schema.metadata or {}), _ARROW_SCHEMA: types})
        return writer


def _without_formulas(column: pa.Array) -> pa.Array:
    """Text that a spreadsheet would run gets an apostrophe before it; numbers stay."""
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


def _unique(names: Sequence[str]) -> list[str]:
    """The names, those that are empty or there already told apart by a number."""
    found: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for name in (name or "column" for name in names):
        free = name
        while free in found:
            numbers[name] = numbers.get(name, 1) + 1
            free = f"{name}_{numbers[name]}"
        found[free] = None
    return list(found)
