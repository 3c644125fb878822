"""How a customer file is written, as the manifest of a run has it."""

from typing import Literal, Required, TypedDict

Format = Literal["csv", "parquet"]


class ReadingFacts(TypedDict, total=False):
    """What a file was found to be; each kind of file has some of these."""

    kind: Required[str]
    """`delimited text`, `parquet`, `excel`, or `memory` for a table that was in no file."""
    packing: str
    encoding: str
    newline: str
    delimiter: str
    decimal: str
    """The decimal mark, or `not shown`."""
    unnamed_index: bool
    sheet: str
    other_sheets: list[str]
    empty_rows: int
    header_row: int
    """Line of a text or row of a sheet, where that is not the first."""
    trailing_delimiter: bool
    returns_end_lines: bool
    backslash_escapes: bool
    near: dict[str, str]
    """Id or label of the contract, where the file has none → a name in it that may be meant."""
    matched: dict[str, str]
    """Column in the file → column of the contract, by another known name, or as it was stated."""
