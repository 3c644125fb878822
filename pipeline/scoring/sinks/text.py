"""A text file with cells appended to its lines."""

from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.reading.arrow_numpy import column_of, text_column, values_of
from pipeline.reading.customer_file import CustomerFile
from pipeline.scoring.scorer import ScoredBlock, Scorer
from pipeline.scoring.sinks.columns import AppendedColumns, byte_order_mark
from pipeline.scoring.sinks.decimals import Decimals, Shares
from pipeline.scoring.sinks.rows_only import RowsOnly
from pipeline.scoring.writing.outputs import csv_line


class TextSink(RowsOnly):
    """Appends cells to the lines of a delimited file, whose bytes stay what they were."""

    def __init__(self, target: BinaryIO, file: CustomerFile, scorer: Scorer) -> None:
        """Write the header; make the cells that are the same for all customers of a cluster."""
        self._delimiter = file.facts.get("delimiter", ",")
        self._decimal, self._text = file.numbers.output_decimal, file.text_format
        self._decimals = Decimals(self._decimal)
        self._quote = '"' if self._decimal == self._delimiter else ""
        appended = AppendedColumns(scorer)
        self._cluster_cells = text_column(
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
        self._newline = file.facts.get("newline", "\n").encode()
        self._between, self._nothing = text_column(
            [self._quote + self._delimiter + self._quote, ""]
        )
        flags = (f"{self._quote}{self._delimiter}{flag}" for flag in ("false", "true"))
        self._flags = text_column(flags)
        self._shares = None
        if appended.risk:
            self._shares = Shares(self._delimiter + self._quote, self._decimal, self._quote)
        self._challenger_cells = None
        if appended.challenger_ids is not None:
            ids = ["" if each is None else each for each in appended.challenger_ids.to_pylist()]
            self._challenger_cells = text_column(f"{self._delimiter}{each}" for each in ids)
        self._file, self.rows = target, 0
        undecoded = self._text is not None and self._text.undecoded
        mark = "" if undecoded else byte_order_mark(file)
        self._measured = [column.measured for column in scorer.explained]
        self._before = text_column(
            [f"{self._delimiter}{self._quote}", f"{self._delimiter}{self._quote}-"]
        )
        self._behind, self._alone = text_column([self._quote, self._delimiter])
        names = csv_line(list(scorer.appended.values()), self._delimiter)
        self._write(f"{mark}{file.header_text}{self._delimiter}{names}".encode())

    def prepare(self, block: ScoredBlock) -> pa.StringArray:
        """The lines of the block, each with its cells appended."""
        assignments, risks, challenger = block.assignments, [], []
        if self._shares is not None and block.risks is not None:
            told = (block.risks.rate, block.risks.low, block.risks.high)
            risks = [self._shares.cells(told)]
        if self._challenger_cells is not None and block.challenger_positions is not None:
            challenger = [self._challenger_cells.take(column_of(block.challenger_positions))]
        return pc.binary_join_element_wise(
            block.text,
            self._cluster_cells.take(column_of(block.positions)),
            *self._decimals.parts(assignments.distance),
            self._between,
            *self._decimals.parts(assignments.margin),
            self._flags.take(column_of(assignments.outlier.view(np.int8))),
            *risks,
            *challenger,
            *(
                piece
                for column, measured in zip(block.explained, self._measured, strict=True)
                for piece in self._cells(column, measured=measured)
            ),
            self._nothing,
        )

    def _cells(self, column: pa.Array, *, measured: bool) -> list[pa.Array]:
        """A column that explains as text, with the delimiter before it."""
        if measured:
            values = values_of(column)
            before = self._before.take(column_of(np.signbit(values).view(np.int8)))
            behind = [self._behind] if self._quote else []
            return [before, *self._decimals.parts(np.abs(values)), *behind]
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()  # of rounded values there are few
        if pa.types.is_string(column.type.value_type):
            texts = text_column(
                f"{self._delimiter}{csv_line([self._as_read(cell)], self._delimiter)}"
                for cell in column.dictionary.to_pylist()
            )
        else:
            numbers = column.dictionary.cast(pa.string())
            if self._decimal != ".":
                numbers = pc.replace_substring(numbers, ".", self._decimal)
            joined = (self._before[0], numbers, self._behind, self._nothing)
            texts = pc.binary_join_element_wise(*joined)
        return [pc.fill_null(texts.take(column.indices), self._alone)]

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
        if self._text is not None and self._text.undecoded:
            text = bytes(text).decode().encode(self._text.codec)
        self._file.write(text)

    def _as_read(self, text: str) -> str:
        """Text of ours as if it had been read from the file."""
        if self._text is None or not self._text.undecoded:
            return text
        return self._text.encode(text).decode(self._text.codec)
