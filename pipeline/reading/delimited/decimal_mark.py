"""Which decimal mark a text file uses, shown by those of its values that have one reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.model.contract import Contract, Feature
from pipeline.model.numbers import DECIMAL_MARKS, NumberFormat, interpretations
from pipeline.reading.columns.names import KnownNames
from pipeline.reading.delimited.dialect import Dialect

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
        numbers = interpretations(cell, _UNKNOWN, unit)
        marks = {number.decimal for number in numbers}
        if len(marks) == 2 and self.feature and self.feature.type == "integer":
            # what must be a whole number shows which mark groups, unless both are whole
            marks = {number.decimal for number in numbers if number.value.is_integer()}
        if not numbers:
            self.texts += bool(cell.strip())
        elif marks == {"."}:
            self.points += 1
        elif marks == {","}:
            self.commas += 1


def number_format(
    rows: Iterable[Sequence[str]],
    dialect: Dialect,
    contract: Contract | None,
    stated: NumberFormat,
    known: KnownNames,
) -> NumberFormat:
    """The format of a file's numbers, by the rows of its beginning.

    The columns of the contract decide, and others that hold numbers only.

    Args:
        rows: The cells of each row.
        dialect: How the file is written.
        contract: The columns that are looked for, where there are any.
        stated: What somebody said about its numbers.
        known: The names under which these columns may stand in the file.

    Returns:
        The format. Its decimal mark is empty where the values show none, or both.
    """
    if stated.decimal:
        return stated
    numeric = {it.name: it for it in contract.features if it.numeric} if contract else {}
    columns = [_Column(numeric.get(known.meaning(name) or "")) for name in dialect.names]
    own = [column for column in columns if column.feature is not None]
    for number, row in enumerate(rows, 1):
        if len(row) == len(columns):
            for column, cell in zip(columns, row, strict=True):
                column.add(cell)
        if number % _OFTEN == 0 and (_shown(own) >= _ENOUGH or _shown(columns) >= _ENOUGH):
            break
    others = [column for column in columns if column.feature is None and not column.texts]
    shown = {_decided(own), _decided(others)} - {""}
    return replace(stated, decimal=shown.pop() if len(shown) == 1 else "")


def _shown(columns: Sequence[_Column]) -> int:
    return sum(column.points + column.commas for column in columns if not column.texts)


def _decided(columns: Sequence[_Column]) -> str:
    points = sum(column.points for column in columns)
    commas = sum(column.commas for column in columns)
    if max(points, commas) <= _CLEARLY * min(points, commas):
        return ""
    return DECIMAL_MARKS[0] if points > commas else DECIMAL_MARKS[1]
