"""Rows of Arrow columns as the cells of a workbook: numbers as numbers, ids as text.

What a text file says stays text unless its whole column says numbers: every cell of the first
block, without leading zeros, and short enough to be no id.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline.reading.arrow_columns import as_text, is_text, without_dictionary, without_view
from pipeline.scoring.writing.workbook import Cell, Column, Kind

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,10})")
_APPENDED: Mapping[str, Kind] = {
    "cluster": "whole",
    "cluster_name": "text",
    "churn_rate": "share",
    "risk": "share",
    "risk_low": "share",
    "risk_high": "share",
    "distance": "number",
    "margin": "number",
    "outlier": "flag",
    "challenger_cluster": "whole",
    "runner_up": "whole",
    "change_cluster": "whole",
}


def kind_of_appended(role: str) -> Kind | None:
    """What the cells of a column are that scoring appends, by what it is; None: they show it."""
    return "number" if role.endswith("_part") else _APPENDED.get(role)


def kinds_of_appended(roles: Mapping[int, str]) -> dict[int, Kind]:
    """The kinds that are known of columns, by position, from what these are."""
    kinds = {index: kind_of_appended(role) for index, role in roles.items()}
    return {index: kind for index, kind in kinds.items() if kind is not None}


class Cells:
    """Turns the batches of one table into rows; the first one decides about columns of text."""

    def __init__(
        self,
        known: Mapping[int, Kind],
        decimal: str = ".",
        readers: Mapping[int, Callable[[str], Cell]] | None = None,
    ) -> None:
        """Nothing is decided yet.

        Args:
            known: What the cells of a column are, by its position: those of others follow from
                their type or from the first batch.
            decimal: The decimal mark of numbers in text; empty where none is known.
            readers: What reads a text that is a number in another way, by the column's position.
        """
        self._known, self._decimal, self._readers = known, decimal, readers or {}
        mark = re.escape(decimal)
        self._number = re.compile(
            rf"{_WHOLE.pattern}(?:{mark}[0-9]{{1,17}})?(?:e[+-][0-9]{{1,3}})?"
            if decimal
            else _WHOLE.pattern
        )
        self._kinds: list[Kind] | None = None

    def columns(self, batch: pa.RecordBatch) -> list[Column]:
        """The columns of the sheet, by the first batch."""
        self._kinds = [self._kind(index, column) for index, column in enumerate(batch.columns)]
        return [Column(*each) for each in zip(batch.schema.names, self._kinds, strict=True)]

    def rows(self, batch: pa.RecordBatch) -> Iterator[Sequence[Cell]]:
        """The rows of a batch, once the columns are known."""
        assert self._kinds is not None
        cells = [
            self._cells(index, column, kind)
            for index, (column, kind) in enumerate(zip(batch.columns, self._kinds, strict=True))
        ]
        return zip(*cells, strict=True)

    def _kind(self, index: int, column: pa.Array) -> Kind:
        if index in self._known:
            return self._known[index]
        kind = column.type
        if pa.types.is_boolean(kind):
            return "flag"
        if pa.types.is_integer(kind):
            return "whole"
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return "number"
        if not is_text(column):
            return "text"
        texts = {text for text in _plain(column).to_pylist() if text}
        if not texts or not all(map(self._number.fullmatch, texts)):
            return "text"
        return "whole" if all(map(_WHOLE.fullmatch, texts)) else "number"

    def _cells(self, index: int, column: pa.Array, kind: Kind) -> Sequence[Cell]:
        cells = _plain(column).to_pylist()
        if kind == "text":
            return [None if cell is None or cell == "" else _shown(cell) for cell in cells]
        if is_text(column):
            other = self._readers.get(index, _as_is)
            if kind == "flag":
                return [_flag(cell) if cell else None for cell in cells]
            return [self._read(cell, other) if cell else None for cell in cells]
        return [_number(cell) for cell in cells]

    def _read(self, text: str, other: Callable[[str], Cell]) -> Cell:
        """A number of text as a number; what is written in another way is read by another."""
        if _WHOLE.fullmatch(text):
            return int(text)
        if self._number.fullmatch(text):
            return float(text.replace(self._decimal, "."))
        return other(text)


def _plain(column: pa.Array) -> pa.Array:
    return as_text(without_view(without_dictionary(column)))


def _as_is(text: str) -> Cell:
    return text


def _flag(text: str) -> Cell:
    return {"true": True, "false": False}.get(text.lower(), text)


def _shown(cell: Any) -> str:
    return cell if isinstance(cell, str) else str(cell)


def _number(cell: Any) -> Cell:
    """A cell of a typed column; what a sheet has no number for is text."""
    if cell is None or cell != cell:  # not a number
        return None
    if isinstance(cell, bool | int | float):
        return cell
    return float(cell) if hasattr(cell, "as_tuple") else str(cell)
