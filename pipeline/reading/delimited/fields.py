"""The cells of one record of delimited text."""

import re

_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')


def fields_of(record: str, delimiter: str) -> list[str] | None:
    """The cells of a record without its newline; None where its quotes are astray."""
    cells = record.split(delimiter)
    if '"' not in record or _without_quotes(cells):
        return cells
    cells, position = [], 0
    while True:
        if record.startswith('"', position):
            quoted = _QUOTED.match(record, position)
            if quoted is None:
                return None
            cells.append(quoted[1].replace('""', '"'))
            position = quoted.end()
        else:
            end = record.find(delimiter, position)
            end = len(record) if end < 0 else end
            cells.append(record[position:end])
            position = end
        if position == len(record):
            return cells
        if not record.startswith(delimiter, position):
            return None
        position += len(delimiter)


def _without_quotes(cells: list[str]) -> bool:
    """Take the quotes off cells; False where a quote is anywhere but around a whole cell."""
    for index, cell in enumerate(cells):
        if '"' in cell:
            if cell.count('"') != 2 or cell[0] != '"' or cell[-1] != '"':
                return False
            cells[index] = cell[1:-1]
    return True


def fields_with_returns(record: str, delimiter: str, width: int) -> list[str] | None:
    """The cells of a record with a return in one of them; None where it may end a line instead.

    In the first cell it may be the end of the row before, whose last cell is cut.
    """
    cells = fields_of(record, delimiter)
    return None if cells is None or len(cells) != width or "\r" in cells[0] else cells
