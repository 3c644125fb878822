"""Writing the files of a run; the same results give the same bytes."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FAILED = "failed.json"
REPORT = "report.html"


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
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def csv_line(cells: Sequence[str], delimiter: str) -> str:
    """One line of CSV without its newline."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(cells)
    return line.getvalue()
