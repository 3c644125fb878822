"""What a customer file is, whatever it is written in."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import WrongFile, shortened
from pipeline.model.numbers import NumberFormat
from pipeline.reading.arrow_columns import without_dictionary
from pipeline.reading.blocks import Block, BrokenRow, Reader
from pipeline.reading.column_names import normalised
from pipeline.reading.delimited.streams import CHUNK
from pipeline.reading.delimited.text_format import TextFormat
from pipeline.reading.facts import Format, ReadingFacts

FORMATS: tuple[Format, ...] = ("csv", "parquet")
TYPED = NumberFormat(".", "")
"""Text in files that have types is a number only as programs write it."""


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """An opened file: its kind and columns are known, its rows are read by `blocks`."""

    path: Path
    format: Format
    schema: pa.Schema
    """With the names of the contract where a column differs from one in case or spaces only."""
    header: tuple[str, ...]
    """The names as they stand in the file."""
    reader: Reader
    facts: ReadingFacts
    """How it is written, for the manifest."""
    numbers: NumberFormat = TYPED
    """How numbers are written that come as text."""
    text_format: TextFormat | None = None
    """Of a text file: how its bytes become text."""
    header_text: str = ""
    """The header of a text file as it stands there."""

    def column(self, name: str) -> int:
        """The index of a column by its name, whatever its case and stray spaces.

        Raises:
            WrongFile: The column is missing, or there more than once.
        """
        for spelling in (str, normalised):
            matches = [
                index
                for index, known in enumerate(self.schema.names)
                if spelling(known) == spelling(name)
            ]
            if len(matches) == 1:
                return matches[0]
            if matches:
                problem = f"column {name} is there {len(matches)} times, expected once"
                raise WrongFile(self.path, problem)
        raise self._missing_column(name)

    def optional_column(self, name: str | None) -> int | None:
        """The index of a column; None where there is no such column, or no name."""
        return None if name not in self.schema.names else self.column(str(name))

    def blocks(self, columns: Sequence[int] | None = None) -> Iterator[Block]:
        """All rows, in the order of the file, with some columns by index, or all."""
        wanted = range(len(self.schema)) if columns is None else columns
        for raw in self.reader.raw(CHUNK):
            yield self.reader.parse(raw, wanted)

    def display(self, text: str) -> str:
        """A cell as people read it, where its bytes were left as they are."""
        return text if self.text_format is None else self.text_format.display(text)

    def read_all(self) -> tuple[pa.Table, list[BrokenRow]]:
        """All good rows as one table, and the broken ones."""
        blocks = list(self.blocks())
        batches = [
            pa.RecordBatch.from_arrays(
                [without_dictionary(column) for column in block.columns], self.schema.names
            )
            for block in blocks
        ]
        schema = batches[0].schema if batches else self.schema
        broken = [row for block in blocks for row in block.broken]
        return pa.Table.from_batches(batches, schema), broken

    def _missing_column(self, name: str) -> WrongFile:
        close = difflib.get_close_matches(name, self.schema.names, 1)
        hint = f"; did you mean {shortened(close[0])!r}?" if close else ""
        names = ", ".join(shortened(known) for known in self.schema.names[:12])
        more = ", …" if len(self.schema) > 12 else ""
        line = self.facts.get("header_row")
        where = f" in line {line}" if line else ""
        return WrongFile(
            self.path,
            f"no column {name}; expected a header that names it, found{where}: "
            f"{self.display(names + more)}{hint}",
        )
