"""Which decimal mark a text file uses, shown by those of its values that have one reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.model.contract import Contract, Feature
from pipeline.model.numbers import MARKS, NumberFormat, readings
from pipeline.reading.delimited.dialect import Dialect, normalised

_ENOUGH = 20
"""Values that show a decimal mark."""
_OFTEN = 100
"""Rows after which it is asked whether that is enough."""
_CLEARLY = 9
"""So many times as many as show the other."""
_UNKNOWN = NumberFormat()


@dataclass(slots=True)
class _Column:
    """What the cells of a column show."""

    feature: Feature | None
    points: int = 0
    commas: int = 0
    texts: int = 0
    """Cells that are no numbers."""

    def add(self, cell: str) -> None:
        """Take in a cell."""
        if "." not in cell and "," not in cell:
            self.texts += self.feature is None and bool(cell) and not cell.isdigit()
            return
        unit = self.feature.unit if self.feature else ""
        found = readings(cell, _UNKNOWN, unit)
        marks = {reading.decimal for reading in found}
        if len(marks) == 2 and self.feature and self.feature.type == "integer":
            # what must be a whole number shows which mark groups, unless both readings are whole
            marks = {reading.decimal for reading in found if reading.value.is_integer()}
        if not found:
            self.texts += bool(cell.strip())
        elif marks == {"."}:
            self.points += 1
        elif marks == {","}:
            self.commas += 1


def number_format(
    rows: Iterable[Sequence[str]], dialect: Dialect, contract: Contract | None, said: NumberFormat
) -> NumberFormat:
    """The format of a file's numbers, by the rows that were looked at.

    The columns of the contract decide, and others that hold numbers only. Its decimal mark is empty
    where the values show none, or both.
    """
    if said.decimal:
        return said
    numeric = {normalised(f.name): f for f in contract.features if f.numeric} if contract else {}
    columns = [_Column(numeric.get(normalised(name))) for name in dialect.names]
    own = [column for column in columns if column.feature is not None]
    for number, row in enumerate(rows, 1):
        if len(row) == len(columns):
            for column, cell in zip(columns, row, strict=True):
                column.add(cell)
        if number % _OFTEN == 0 and (_shown(own) >= _ENOUGH or _shown(columns) >= _ENOUGH):
            break
    others = [column for column in columns if column.feature is None and not column.texts]
    shown = {_decided(own), _decided(others)} - {""}
    return replace(said, decimal=shown.pop() if len(shown) == 1 else "")


def _shown(columns: Sequence[_Column]) -> int:
    return sum(column.points + column.commas for column in columns if not column.texts)


def _decided(columns: Sequence[_Column]) -> str:
    points = sum(column.points for column in columns)
    commas = sum(column.commas for column in columns)
    if max(points, commas) <= _CLEARLY * min(points, commas):
        return ""
    return MARKS[0] if points > commas else MARKS[1]
