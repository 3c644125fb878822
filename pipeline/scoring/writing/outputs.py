"""Writing the files of a run; the same results give the same bytes."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from pipeline.scoring.documents import ClusterSummary, OutputFormat
from pipeline.scoring.writing.csv_dialect import CsvDialect

MANIFEST = "manifest.json"
FAILED = "failed.json"
REPORT = "report.html"
FORMULA = r"^[=+\-@\t\r]"
"""The beginning of text that a spreadsheet runs as a formula."""
NUMBER = r"^[+-]?[0-9.,]+([eE][+-]?[0-9]+)?$"
"""A number in the syntax that Arrow and Python share."""
_NEWLINE = "\r\n"


def outputs(written: OutputFormat) -> dict[str, str]:
    """The names of a run's files by what they are."""
    names = {"assigned": f"assigned.{written}", "rejected": "rejected.csv"}
    return names | {"clusters": "clusters.csv", "summary": "summary.json", "report": REPORT}


def write_json(path: Path, document: object) -> None:
    """Write a document; the same document gives the same bytes."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_clusters(
    path: Path,
    clusters: Sequence[ClusterSummary],
    dialect: CsvDialect,
    run: Mapping[str, str],
) -> None:
    """Write the summaries of clusters as CSV: one row a cluster, what is nested in columns.

    Args:
        path: The file.
        clusters: One at least.
        dialect: How it is written.
        run: Names and cells of the last columns, by which files of many runs are told apart.
    """
    rows = [{**_cells(cluster), **run} for cluster in clusters]
    text = io.StringIO(newline="")
    writer = csv_writer(text, dialect.delimiter)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(dialect.number(c) if isinstance(c, float) else c for c in row.values())
    path.write_bytes(dialect.encode(text.getvalue()))


def _cells(cluster: ClusterSummary) -> dict[str, object]:
    observed = cluster["observed_churn"]
    nested = ("observed_churn", "means", "medians")
    return {
        **{name: value for name, value in cluster.items() if name not in nested},
        "observed_churned": observed and observed["churned"],
        "observed_customers": observed and observed["customers"],
        "observed_churn_rate": observed and observed["rate"],
        "observed_churn_low": observed and observed["low"],
        "observed_churn_high": observed and observed["high"],
        **{f"mean_{name}": mean for name, mean in cluster["means"].items()},
        **{f"median_{name}": median for name, median in cluster["medians"].items()},
    }


def csv_writer(file: TextIO, delimiter: str = ",") -> Any:
    """A writer of CSV whose lines end in a line feed.

    A cell with a line feed or a carriage return is quoted. Python's writer quotes what its own
    newline is made of: so that is both, and one is cut off.
    """
    return csv.writer(_LineFeeds(file), delimiter=delimiter, lineterminator=_NEWLINE)


class _LineFeeds:
    def __init__(self, file: TextIO) -> None:
        self._write = file.write

    def write(self, line: str) -> None:
        self._write(line.removesuffix(_NEWLINE) + "\n")


def csv_line(cells: Iterable[object], delimiter: str = ",") -> str:
    """One line of CSV without its newline."""
    line = io.StringIO(newline="")
    csv_writer(line, delimiter).writerow(cells)
    return line.getvalue().removesuffix("\n")


def without_formula(text: str) -> str:
    """Text with an apostrophe before it where a spreadsheet would run it; numbers stay."""
    return f"'{text}" if re.match(FORMULA, text) and not re.fullmatch(NUMBER, text) else text
