"""Opening a customer file: told apart by content and not by name, read in blocks of bounded size.

Cells of a text file stay the text they are; a Parquet column keeps its type. A row that the format
itself breaks is handed on with its text, never dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.model.contract import Contract
from pipeline.model.numbers import NumberFormat
from pipeline.reading import kinds
from pipeline.reading.blocks import Reader
from pipeline.reading.columns.names import KnownNames, bind
from pipeline.reading.columns.nearness import near_special
from pipeline.reading.customer_file import TYPED, CustomerFile
from pipeline.reading.delimited.decimal_mark import number_format
from pipeline.reading.delimited.dialect import detect
from pipeline.reading.delimited.reader import DelimitedReader
from pipeline.reading.delimited.records import LONGEST_RECORD
from pipeline.reading.delimited.streams import read_beginning
from pipeline.reading.facts import Format, ReadingFacts
from pipeline.reading.file_state import FileState
from pipeline.reading.memory import MemoryReader, MemoryTable
from pipeline.reading.options import AUTODETECT, ReadingOptions

if TYPE_CHECKING:
    from pipeline.reading.excel.reader import Sheet


@contextmanager
def open_customers(
    path: Path,
    contract: Contract | None = None,
    options: ReadingOptions = AUTODETECT,
    *,
    keep_bytes: bool = False,
) -> Iterator[CustomerFile]:
    """Open a customer file: its kind and columns are known by its beginning.

    Args:
        path: The file.
        contract: The columns that are looked for: by them the dialect of a text is known, its
            header, and the sheet of a workbook.
        options: What somebody stated about how the file is written.
        keep_bytes: Do not decode a text that is neither UTF-8 nor UTF-16, so that it can be
            written again as it was; unless a name that was stated has to be found in it.

    Yields:
        The file, whose rows are read by `CustomerFile.blocks`.

    Raises:
        WrongFile: It is no table, or can be read in two ways.
    """
    FileState.of(path)
    keep_bytes = keep_bytes and "".join(options.map).isascii()
    with refuse_unreadable(path), path.open("rb") as file:
        start = file.read(kinds.SIZE)
    if start.startswith(kinds.PARQUET):
        from pipeline.reading.parquet.reader import open_parquet  # text has no use for it

        reader = open_parquet(path)
        known = KnownNames.of(path, contract, options.map)
        facts: ReadingFacts = {"kind": "parquet"}
        table = _named(path, "parquet", reader.schema, reader, contract, known, facts)
        yield replace(table, numbers=_numbers_of(table.schema, contract, options))
        return
    if start.startswith((kinds.ZIP, kinds.OLE)):
        from pipeline.reading.excel import reader as excel

        if excel.is_workbook(path, start):
            with excel.as_text(path, contract, options) as sheet:
                yield _open_sheet(path, sheet, contract, options)
            return
    yield _open_text(path, contract, options, keep_bytes=keep_bytes)


def open_table(source: MemoryTable, contract: Contract | None = None) -> CustomerFile:
    """A table in memory as a customer file; text in it is a number only as programs write it.

    Args:
        source: The customers.
        contract: The columns that are looked for.
    """
    schema, reader = source.table.schema, MemoryReader(source.table)
    path, known = Path(source.name), KnownNames.of(source.name, contract)
    return _named(path, "parquet", schema, reader, contract, known, {"kind": "memory"})


def _numbers_of(
    schema: pa.Schema, contract: Contract | None, options: ReadingOptions
) -> NumberFormat:
    """How numbers are written that Parquet holds as text: nothing shows it but somebody's word."""
    if options.numbers.decimal:
        return options.numbers
    numeric = {feature.name for feature in contract.features if feature.numeric} if contract else ()
    typed = all(
        pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        or pa.types.is_decimal(field.type)
        for field in schema
        if field.name in numeric
    )  # fmt: skip
    return TYPED if typed else NumberFormat()


def _open_sheet(
    path: Path, sheet: "Sheet", contract: Contract | None, options: ReadingOptions
) -> CustomerFile:
    written = replace(
        AUTODETECT,
        delimiter=",",
        encoding="utf-8",
        header_row=options.header_row,
        map=options.map,
    )
    try:
        file = _open_text(sheet.text, contract, written, keep_bytes=False)
    except WrongFile as error:
        raise error.about(path) from error
    numbers = options.numbers
    if not numbers.decimal:
        numbers = NumberFormat() if sheet.ambiguous else TYPED
    if "header_row" in file.facts:
        sheet.facts["header_row"] = file.facts["header_row"]
    if "matched" in file.facts:
        sheet.facts["matched"] = file.facts["matched"]
    if "near" in file.facts:
        sheet.facts["near"] = file.facts["near"]
    return replace(file, path=path, numbers=numbers, facts=sheet.facts)


def _open_text(
    path: Path, contract: Contract | None, options: ReadingOptions, *, keep_bytes: bool
) -> CustomerFile:
    size = LONGEST_RECORD + (64 << 10)
    beginning = read_beginning(path, size, options.encoding, keep_bytes=keep_bytes)
    if not beginning.start.strip():
        raise WrongFile(path, "is empty; expected a header and a row for each customer")
    known = KnownNames.of(path, contract, options.map)
    text_format, dialect, rows = detect(path, beginning, contract, options, known)
    numbers = number_format(rows, dialect, contract, options.numbers, known)
    facts: ReadingFacts = {
        "kind": "delimited text",
        "packing": text_format.packing,
        "encoding": text_format.encoding,
        "newline": "\r\n" if b"\r\n" in beginning.start else "\n",
        "delimiter": dialect.delimiter,
        "decimal": numbers.decimal or "not shown",
        "unnamed_index": dialect.extra_field == "index",
    }
    if dialect.header_line > 1:
        facts["header_row"] = dialect.header_line
    if dialect.extra_field == "trailing":
        facts["trailing_delimiter"] = True
    if text_format.line_end != "newline":
        facts["returns_end_lines"] = True
    if text_format.backslashes:
        facts["backslash_escapes"] = True
    schema = pa.schema([pa.field(column, pa.string()) for column in dialect.names])
    reader = DelimitedReader(path, text_format, dialect)
    file = _named(path, "csv", schema, reader, contract, known, facts)
    return replace(file, numbers=numbers, text_format=text_format, header_text=dialect.header_text)


def _named(
    path: Path,
    kind: Format,
    schema: pa.Schema,
    reader: Reader,
    contract: Contract | None,
    known: KnownNames,
    facts: ReadingFacts,
) -> CustomerFile:
    header = tuple(schema.names)
    binding = bind(path, header, known)
    pairs = [*zip(header, binding.names, strict=True)]
    matched = {own: name for own, name in pairs if own != name and name in known.columns}
    if matched:
        facts["matched"] = matched
    if contract is not None and (near := near_special(contract, header, binding)):
        facts["near"] = near
    fields = [field.with_name(name) for field, (_, name) in zip(schema, pairs, strict=True)]
    renamed = pa.schema(fields, schema.metadata)
    return CustomerFile(
        path, kind, renamed, header, reader, facts, claimed=binding.claimed, contract=contract
    )
