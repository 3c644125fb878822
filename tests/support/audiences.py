"""Invented customers to be listed, and lists read back."""

import csv
import json
from pathlib import Path
from typing import Any

from pipeline.runs.committed import CommittedRun, open_run

HEADER = (
    "CLIENTNUM", "Note", "Attrition_Flag", "Credit_Limit", "Contacts_Count_12_mon",
    "Total_Revolving_Bal", "Avg_Utilization_Ratio",
)  # fmt: skip
FORMULAS = ("=1+1", "+SUM(A1)", "-x", "@now", "\tx", "plain", "<r><t>no</t></r>", 'a "quote", b')


def customers(rows: int = 200, *, delimiter: str = ",", decimal: str = ".") -> str:
    """A file of customers in many places; every third has churned, of some it is unknown."""
    lines = [delimiter.join(HEADER)]
    for number in range(rows):
        flag = "Attrited Customer" if number % 3 == 0 else "Existing Customer"
        values = (
            f"{number:07d}", f"note {number}", "?" if number % 7 == 1 else flag,
            f"{1500 + number * 97 % 30000}{decimal}5", str(number % 6),
            str(number * 37 % 2500), f"0{decimal}{number * 13 % 1000:03d}",
        )  # fmt: skip
        lines.append(delimiter.join(values))
    return "\n".join(lines) + "\n"


def read_list(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a list in CSV."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, strict=True))


def read_sheet(path: Path, sheet: str) -> list[dict[str, Any]]:
    """The rows of a sheet, by the names in its first row."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True)
    header, *rows = book[sheet].iter_rows(values_only=True)
    book.close()
    return [dict(zip(header, row, strict=True)) for row in rows]


def risk_run(folder: Path, customers: list[tuple[str, float | None]]) -> CommittedRun:
    """A run with a column of risks, as a model with a risk score writes it.

    Args:
        folder: Where it goes.
        customers: The id and the risk of each.
    """
    columns = ("cluster", "cluster_name", "churn_rate", "risk", "distance", "margin", "outlier")
    lines = [f"CLIENTNUM,{','.join(columns)}"]
    for customer, risk in customers:
        lines.append(f"{customer},1,A,0.5,{'' if risk is None else risk},1,0.5,false")
    folder.mkdir()
    (folder / "assigned.csv").write_text("\n".join(lines) + "\n")
    summary = {"clusters": [{"cluster": 1, "training_churn_rate": 0.5}]}
    (folder / "summary.json").write_text(json.dumps(summary))
    manifest = {
        "run": "r",
        "input": {"name": "customers.csv", "kind": "delimited text"},
        "model_version": "v1",
        "rows_assigned": len(customers),
        "columns": {name: name for name in columns},
        "outputs": {"summary": "customers.csv/r/summary.json"},
        "bytes": {"assigned.csv": 1},
        "id_column": "CLIENTNUM",
        "label": None,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_run(str(folder))
