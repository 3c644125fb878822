"""Columns as Parquet."""

import base64
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet

from pipeline.reading.customer_file import CustomerFile
from pipeline.scoring.documents import RISK_COLUMNS
from pipeline.scoring.scorer import ScoredBlock, Scorer
from pipeline.scoring.sinks.columns import AppendedColumns, unique_names
from pipeline.scoring.sinks.rows_only import RowsOnly

ROW_GROUP = 65_536
_ARROW_SCHEMA = "ARROW:schema"
"""Where Arrow's readers look for the types that Parquet does not have."""


class ParquetSink(RowsOnly):
    """Writes columns with their own types; those of a text file as text."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer) -> None:
        """Decide on the columns' types and encodings; the first rows open the writer."""
        self._appended, self._target = AppendedColumns(scorer), target
        self._typed = file.format != "csv"
        self._names = unique_names([*file.header, *scorer.appended.values()])
        own = [field.with_name(n) for field, n in zip(file.schema, self._names, strict=False)]
        appended = self._appended.fields(list(scorer.appended.values()))
        self._schema = pa.schema([*own, *appended], file.schema.metadata)
        self._indexed = scorer.appended["cluster"]
        self._integers = {f.name for f in self._schema if pa.types.is_integer(f.type)}
        self._id = scorer.model.contract.id_column
        measured = (column.name for column in scorer.explained if column.measured)
        continuous = ("distance", "margin", *RISK_COLUMNS, *measured)
        self._continuous = {scorer.appended[n] for n in continuous if n in scorer.appended}
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
