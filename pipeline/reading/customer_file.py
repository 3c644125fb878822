"""What a customer file is, whatever it is written in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from pipeline.errors import UnmatchedColumns, WrongFile, shortened
from pipeline.model.contract import Contract
from pipeline.model.numbers import NumberFormat
from pipeline.model.spelling import normalised
from pipeline.reading.arrow_columns import without_dictionary
from pipeline.reading.blocks import Block, BrokenRow, Reader
from pipeline.reading.columns.nearness import LONGEST_NAME, MOST_NAMES, WantedColumn, nearest
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
    """With the names of the contract where a column is one of its columns."""
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
    claimed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """A column of the contract that several names in the file stand for → these."""
    contract: Contract | None = None
    """What declares the columns that were looked for."""

    def column(self, name: str) -> int:
        """The index of a column by its name, whatever its case and stray spaces.

        Raises:
            WrongFile: The column is missing, or there more than once.
        """
        return self.indexes([name])[name]

    def indexes(self, names: Iterable[str]) -> dict[str, int]:
        """The indexes of columns by their names, whatever their case and stray spaces.

        Raises:
            WrongFile: Columns are missing, all of which it names; or one is there more than once.
        """
        wanted = dict.fromkeys(names)
        found = {name: self.find(name) for name in wanted if name not in self.claimed}
        missing = [name for name, index in found.items() if index is None]
        claimed = {name: self.claimed[name] for name in wanted if name in self.claimed}
        if missing or claimed:
            raise self._unmatched(missing, claimed)
        return {name: index for name, index in found.items() if index is not None}

    def find(self, name: str) -> int | None:
        """The index of a column by its name, whatever its case and stray spaces; None without.

        Raises:
            WrongFile: It is there more than once.
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
        return None

    def optional_column(self, name: str | None) -> int | None:
        """The index of a column; None where there is no such column, or no name.

        Raises:
            WrongFile: It is there more than once.
        """
        there = name in self.schema.names or name in self.claimed
        return self.column(str(name)) if there else None

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

    def _unmatched(
        self, missing: Sequence[str], claimed: Mapping[str, Sequence[str]]
    ) -> UnmatchedColumns:
        known = WantedColumn.all_of(self.contract) if self.contract else []
        of = {column.name: column for column in known}
        wanted = [of.get(name, WantedColumn(name, (name,))) for name in missing]
        bound = {*of, *(self.contract.columns if self.contract else ())}
        pairs = zip(self.schema.names, self.header, strict=True)
        free = [self.display(own) for name, own in pairs if name not in bound]
        sheet = self.facts.get("sheet")
        return UnmatchedColumns(
            self.path,
            nearest(wanted, free),
            {name: [self.display(own) for own in found] for name, found in claimed.items()},
            [self.display(shortened(name, LONGEST_NAME)) for name in self.header[:MOST_NAMES]],
            self.facts.get("header_row", 1),
            [] if sheet is None else [sheet, *self.facts.get("other_sheets", [])],
            self.facts["kind"] == "memory",
            self.facts.get("near", {}),
        )
