"""The cells of one record of delimited text."""

import re

_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')


def fields_of(record: str, delimiter: str) -> list[str] | None:
    """The cells of a record without its newline; None where its quotes are astray."""
    if '"' not in record:
        return record.split(delimiter)
    cells, at = [], 0
    while True:
        if record.startswith('"', at):
            quoted = _QUOTED.match(record, at)
            if quoted is None:
                return None
            cells.append(quoted[1].replace('""', '"'))
            at = quoted.end()
        else:
            end = record.find(delimiter, at)
            end = len(record) if end < 0 else end
            cells.append(record[at:end])
            at = end
        if at == len(record):
            return cells
        if not record.startswith(delimiter, at):
            return None
        at += len(delimiter)


def whole_with_returns(record: str, delimiter: str, width: int) -> list[str] | None:
    """The cells of a record with a return in one of them; None where it may end a line instead.

    In the first cell it may be the end of the row before, whose last cell is cut.
    """
    cells = fields_of(record, delimiter)
    return None if cells is None or len(cells) != width or "\r" in cells[0] else cells
