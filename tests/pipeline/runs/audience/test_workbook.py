"""A list for people reads back as what it was, and no cell of it runs as a formula."""

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from pipeline.errors import WrongFile
from pipeline.runs.audience.lists import ABOUT, SHEET
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.audience.write import write_audience
from pipeline.scoring.spec import Explaining
from pipeline.scoring.writing import workbook
from tests.pipeline.runs.conftest import MakeRun
from tests.support.audiences import FORMULAS, HEADER, customers, read_list, read_sheet


@pytest.fixture
def with_formulas() -> str:
    """Customers whose notes and whose columns a spreadsheet would run."""
    header, *lines = customers(40).replace("Note", "=Note", 1).splitlines()
    for number, line in enumerate(lines):
        cells = line.split(",")
        cells[1] = '"' + FORMULAS[number % len(FORMULAS)].replace('"', '""') + '"'
        lines[number] = ",".join(cells)
    return "\n".join([header, *lines]) + "\n"


def test_a_workbook_has_the_rows_of_the_list_with_their_types(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run(customers(delimiter=";", decimal=","))
    for written in ("csv", "xlsx"):
        spec = AudienceSpec(control=0.3, format=written, day=date(2026, 11, 27))
        write_audience(run, spec, tmp_path / f"list.{written}")
    rows = read_sheet(tmp_path / "list.xlsx", SHEET)
    texts = read_list(tmp_path / "list.csv", ";")
    assert list(rows[0]) == list(texts[0])
    for row, text in zip(rows, texts, strict=True):
        for name in ("CLIENTNUM", "Note", "Attrition_Flag", "cluster_name", "run", "date"):
            assert row[name] == text[name]
        for name in ("Credit_Limit", "Avg_Utilization_Ratio", "churn_rate", "distance", "margin"):
            expected = float(text[name].replace(",", "."))
            assert row[name] == pytest.approx(expected, rel=1e-15)  # a cell has 16 digits
        for name in ("rank", "Contacts_Count_12_mon", "Total_Revolving_Bal", "cluster"):
            assert row[name] == int(text[name])
        for name in ("control", "outlier"):
            assert row[name] is (text[name] == "true")


def test_a_workbook_is_laid_out_for_people(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    write_audience(run, AudienceSpec(format="xlsx"), tmp_path / "list.xlsx")
    book = load_workbook(tmp_path / "list.xlsx")
    sheet = book[SHEET]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    assert sheet["A1"].font.bold
    formats = {sheet.cell(1, n).value: sheet.cell(2, n) for n in range(1, sheet.max_column + 1)}
    assert formats["churn_rate"].number_format == "0.0%"
    assert formats["CLIENTNUM"].number_format == "@" and formats["CLIENTNUM"].data_type == "s"
    assert {"A", "B", "C"} <= {*sheet.column_dimensions}
    about = {row["What"]: row["Value"] for row in read_sheet(tmp_path / "list.xlsx", ABOUT)}
    assert about["Run"] == run.manifest["run"] and about["Input"] == "customers.csv"
    assert about["Customers of the run"] == 200
    assert about["Left out: cancelled already"] == 58


def test_no_cell_is_a_formula(make_run: MakeRun, tmp_path: Path, with_formulas: str) -> None:
    run = make_run(with_formulas)
    for written in ("csv", "xlsx"):
        spec = AudienceSpec(include_churned=True, format=written)
        write_audience(run, spec, tmp_path / f"list.{written}")
    assert "<f>" not in unpacked(tmp_path / "list.xlsx")
    notes = {row["=Note"].rstrip(" ") for row in read_sheet(tmp_path / "list.xlsx", SHEET)}
    assert notes == {*FORMULAS}
    safe = {row["'=Note"] for row in read_list(tmp_path / "list.csv")}
    assert safe == {f"'{text}" if text[0] in "=+-@\t" else text for text in FORMULAS}


def test_a_workbook_of_a_run_is_a_run_like_another(make_run: MakeRun, tmp_path: Path) -> None:
    lists = []
    for written in ("csv", "xlsx"):
        run = make_run(format=written)
        write_audience(run, AudienceSpec(day=date(2026, 11, 27), top=30), tmp_path / "list.csv")
        rows = read_list(tmp_path / "list.csv")
        lists.append([{**row, "run": ""} for row in rows])
    assert [row["CLIENTNUM"] for row in lists[0]] == [row["CLIENTNUM"] for row in lists[1]]
    assert [*lists[0][0]] == [*lists[1][0]] and {*HEADER} < {*lists[0][0]}


def test_reasons_of_the_run_are_on_its_lists(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(
        customers(delimiter=";", decimal=","), explaining=Explaining(why=1, what_if=True)
    )
    write_audience(run, AudienceSpec(format="xlsx"), tmp_path / "list.xlsx")
    for row in read_sheet(tmp_path / "list.xlsx", SHEET):
        assert row["reason_1"] in HEADER
        assert isinstance(row["reason_1_part"], float) and isinstance(row["change_cluster"], int)


def test_more_customers_than_a_sheet_holds_are_refused(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 21)
    run = make_run()
    with pytest.raises(WrongFile, match=r"more than the 20 rows .* choose csv or parquet"):
        write_audience(run, AudienceSpec(format="xlsx"), tmp_path / "list.xlsx")
    audience = write_audience(run, AudienceSpec(format="xlsx", top=20), tmp_path / "list.xlsx")
    assert audience.counts.listed == len(read_sheet(tmp_path / "list.xlsx", SHEET)) == 20


def unpacked(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        sheets: list[Any] = [n for n in archive.namelist() if n.startswith("xl/worksheets/")]
        return "".join(archive.read(name).decode() for name in sheets)
