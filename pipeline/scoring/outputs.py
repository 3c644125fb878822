"""Writing the files of a run; the same results give the same bytes."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

MANIFEST = "manifest.json"
FAILED = "failed.json"
REPORT = "report.html"
FORMULA = r"^[=+\-@\t\r]"
NUMBER = r"^[+-]?[0-9.,]+([eE][+-]?[0-9]+)?$"
"""In the syntax that Arrow and Python share."""
_NEWLINE = "\r\n"


def write_json(path: Path, document: Any) -> None:
    """Write a document; the same document gives the same bytes."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_clusters(path: Path, clusters: Sequence[Mapping[str, Any]]) -> None:
    """The cluster summary as a table: one row a cluster."""
    rows = []
    nested = ("observed_churn", "means", "medians")
    for cluster in clusters:
        observed = cluster["observed_churn"] or {}
        rows.append(
            {
                **{k: v for k, v in cluster.items() if k not in nested},
                "observed_churned": observed.get("churned"),
                "observed_customers": observed.get("customers"),
                "observed_churn_rate": observed.get("rate"),
                "observed_churn_low": observed.get("low"),
                "observed_churn_high": observed.get("high"),
                **{f"mean_{name}": mean for name, mean in cluster["means"].items()},
                **{f"median_{name}": median for name, median in cluster["medians"].items()},
            }
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        csv_writer(file).writerows([rows[0], *(row.values() for row in rows)])


def csv_writer(file: TextIO, delimiter: str = ",") -> Any:
    """Writes rows of CSV; a cell with a line feed or a carriage return is quoted.

    Python's writer quotes what its own newline is made of: so that is both, and one is cut off.
    """
    return csv.writer(_OneNewline(file), delimiter=delimiter, lineterminator=_NEWLINE)


class _OneNewline:
    def __init__(self, file: TextIO) -> None:
        self._write = file.write

    def write(self, line: str) -> None:
        self._write(line.removesuffix(_NEWLINE) + "\n")


def csv_line(cells: Iterable[object], delimiter: str = ",") -> str:
    """One line of CSV without its newline."""
    line = io.StringIO(newline="")
    csv_writer(line, delimiter).writerow(cells)
    return line.getvalue().removesuffix("\n")


def harmless(text: str) -> str:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay."""
    return f"'{text}" if re.match(FORMULA, text) and not re.fullmatch(NUMBER, text) else text
