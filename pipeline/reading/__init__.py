"""Reading a customer file in blocks of bounded size, told apart by content and not by name.

Cells of a text file stay the text they are; a Parquet column keeps its type. A row that the format
itself breaks is handed on with its text, never dropped.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import WrongFile, readable
from pipeline.file_state import FileState
from pipeline.reading import excel, parquet
from pipeline.reading.delimited import DelimitedReader
from pipeline.reading.dialect import detect
from pipeline.reading.records import LONGEST_RECORD, BrokenRow
from pipeline.reading.streams import CHUNK, look
from pipeline.reading.table import (
    FORMATS,
    Block,
    CustomerFile,
    Format,
    Reader,
    canonical,
    is_text,
    plain,
)

_PARQUET_MAGIC = b"PAR1"
_ZIP_MAGIC = b"PK"


@contextmanager
def open_customers(
    path: Path, wanted: Collection[str] = (), sheet: str | None = None
) -> Iterator[CustomerFile]:
    """Look at a file's beginning and open it; WrongFile when it is no table.

    The dialect of a text file is the one that finds most of the `wanted` columns. `sheet` names
    that of an Excel workbook, by default its first.
    """
    FileState.of(path)
    with readable(path), path.open("rb") as file:
        start = file.read(4)
    if start == _PARQUET_MAGIC:
        reader = parquet.open_parquet(path)
        yield _named(path, "parquet", reader.schema, reader, wanted, {"kind": "parquet"})
    elif start.startswith(_ZIP_MAGIC) and excel.is_workbook(path):
        with excel.as_text(path, sheet) as text:
            opened = _open_text(path, text, wanted)
            matched = {key: fact for key, fact in opened.facts.items() if key == "matched"}
            yield replace(opened, facts={"kind": "excel", "sheet": sheet or "the first", **matched})
    else:
        yield _open_text(path, path, wanted)


def _open_text(name: Path, path: Path, wanted: Collection[str]) -> CustomerFile:
    size = LONGEST_RECORD + (64 << 10)
    text, start = look(path, size)
    if not start.strip():
        raise WrongFile(name, "is empty; expected a header and a row for each customer")
    if b"\0" in start:
        raise WrongFile(name, "is neither text nor Parquet nor Excel; expected one of them")
    dialect = detect(name, start, wanted, whole=len(start) < size // 2)
    facts = {
        "kind": "delimited text",
        "packing": text.packing,
        "encoding": text.encoding,
        "newline": "\r\n" if b"\r\n" in start else "\n",
        "delimiter": dialect.delimiter,
        "decimal": dialect.decimal,
        "unnamed_index": dialect.unnamed_index,
    }
    schema = pa.schema([pa.field(column, pa.string()) for column in dialect.names])
    reader = DelimitedReader(path, text, dialect)
    file = _named(name, "csv", schema, reader, wanted, facts)
    return replace(file, decimal=dialect.decimal, header_text=dialect.header_text)


def _named(
    path: Path,
    format: Format,
    schema: pa.Schema,
    reader: Reader,
    wanted: Collection[str],
    facts: dict[str, Any],
) -> CustomerFile:
    header = tuple(schema.names)
    names = canonical(header, wanted)
    matched = {found: name for found, name in zip(header, names, strict=True) if found != name}
    facts = {**facts, "matched": matched} if matched else facts
    fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
    renamed = pa.schema(fields, schema.metadata)
    return CustomerFile(path, format, renamed, header, reader, facts=facts)


__all__ = [
    "CHUNK",
    "FORMATS",
    "Block",
    "BrokenRow",
    "CustomerFile",
    "Format",
    "is_text",
    "open_customers",
    "plain",
]
