"""Two months of invented customers, some of whom moved to another group."""

import csv
import io
from collections.abc import Callable, Iterable

_COLUMNS = ("CLIENTNUM", "Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")
MOVED = 20
"""Of the customers in both months, those with far fewer transactions in the second one."""


def _written(rows: Iterable[tuple[str, int, int, int]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def table(ids: str, count: int = 45, transactions: Callable[[int], int] = lambda row: 70) -> bytes:
    """Customers with ids by a format and a number from 1 on."""
    return _written(
        (ids.format(row), 0, 3_000 + row, transactions(row)) for row in range(1, count + 1)
    )


def without_column(content: bytes, name: str) -> bytes:
    """The same file without a column."""
    lines = [*csv.reader(io.StringIO(content.decode()))]
    at = lines[0].index(name)
    return "".join(",".join(line[:at] + line[at + 1 :]) + "\n" for line in lines).encode()


EARLIER = table("A{:03d}")
_LATER = table("A{:03d}", 48, lambda row: 20 if row <= 25 else 70).splitlines(keepends=True)
LATER = b"".join([_LATER[0], *_LATER[6:]])
"""Without the first five, and with three more at the end."""
