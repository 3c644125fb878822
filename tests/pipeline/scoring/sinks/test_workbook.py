"""A scored workbook reads back as what was scored, with types, and runs nothing."""

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.runs.in_parts import InParts
from pipeline.runs.inputs import DataSetInput
from pipeline.runs.store import Workspace
from pipeline.scoring.parts.locations import LocalTarget
from pipeline.scoring.sinks import workbook as sink
from pipeline.scoring.spec import Explaining, Options, ScoringSpec
from pipeline.scoring.writing import workbook
from tests.support.audiences import FORMULAS, HEADER, customers, read_sheet
from tests.support.scoring import score_file

Score = Callable[..., Path]


@pytest.fixture
def score(model: ClusterModel, tmp_path: Path) -> Score:
    """Scores a file; the folder of its run."""

    def scored(content: str | bytes | Path, name: str = "out", **chosen: Any) -> Path:
        path = tmp_path / "customers.csv"
        if isinstance(content, Path):
            path = content
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        options = Options(**{"format": "xlsx", **chosen})
        manifest = score_file(path, model, "v1", tmp_path / name, options)
        summary: str = manifest["outputs"]["summary"]
        return (tmp_path / name / summary).parent

    return scored


def with_bad_rows() -> str:
    lines = customers(100, delimiter=";", decimal=",").splitlines()
    lines[3] = lines[3].replace(";0,", ";many,")
    return "\n".join([*lines, "=1+1;a;b", ""])


def test_sheets_hold_groups_customers_and_rejects(score: Score) -> None:
    run = score(with_bad_rows())
    path = run / "assigned.xlsx"
    assert load_workbook(path).sheetnames == ["Groups", "Customers", "Rejects"]
    rejects = read_sheet(path, "Rejects")
    with (run / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file, delimiter=";"))
    assert len(rejects) == 2
    for row, text in zip(rejects, expected, strict=True):
        assert {name: "" if cell is None else str(cell) for name, cell in row.items()} == text
    groups = read_sheet(path, "Groups")
    rows = read_sheet(path, "Customers")
    assert len(rows) == 99
    for group in groups:
        of = [row for row in rows if row["cluster"] == group["Group"]]
        assert group["Customers"] == len(of)
        assert group["Share"] == pytest.approx(len(of) / 99)
        assert group["Cancelled"] == sum(row["Attrition_Flag"] == "Attrited Customer" for row in of)
        assert group["Median of Contacts"] is not None or not of


def test_numbers_are_numbers_and_ids_are_text(score: Score) -> None:
    rows = read_sheet(score(with_bad_rows()) / "assigned.xlsx", "Customers")
    first = rows[0]
    assert list(first)[: len(HEADER)] == list(HEADER)
    assert first["CLIENTNUM"] == "0000000" and first["Note"] == "note 0"
    assert first["Credit_Limit"] == 1500.5 and first["Contacts_Count_12_mon"] == 0
    assert isinstance(first["cluster"], int) and isinstance(first["margin"], float)
    assert first["outlier"] is False or first["outlier"] is True


def test_features_in_other_notations_are_the_numbers_that_the_model_read(score: Score) -> None:
    text = customers(20).replace("1500.5", '"USD 1,500.50"').replace("1597.5", '"1,597.50"')
    rows = read_sheet(score(text) / "assigned.xlsx", "Customers")
    assert [row["Credit_Limit"] for row in rows[:2]] == [1500.5, 1597.5]


def test_a_column_of_text_is_numbers_only_where_every_first_cell_is(score: Score) -> None:
    lines = customers(6).splitlines()
    more = ["phone,zip,year,amount", "491711234567,01234,2024,1.5", "491711234568,12345,2025,",
            "491711234569,12346,2026,2.25"]  # fmt: skip
    text = "\n".join(f"{line},{more[min(n, 3)]}" for n, line in enumerate(lines))
    rows = read_sheet(score(text) / "assigned.xlsx", "Customers")
    first = rows[0]
    assert (first["phone"], first["zip"]) == ("491711234567", "01234")
    assert (first["year"], first["amount"]) == (2024, 1.5)
    assert rows[1]["amount"] is None


def test_no_cell_is_a_formula(score: Score) -> None:
    lines = customers(16).splitlines()
    for number, line in enumerate(lines[1:], 1):
        cells = line.split(",")
        text = FORMULAS[number % len(FORMULAS)].replace('"', '""')
        lines[number] = ",".join([cells[0], f'"{text}"', *cells[2:]])
    path = score("\n".join([*lines, "=cmd,1", ""])) / "assigned.xlsx"
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        assert len(names) == 3
        assert not any(b"<f>" in archive.read(name) for name in names)
    notes = {row["Note"].rstrip(" ") for row in read_sheet(path, "Customers")}
    assert notes == {*FORMULAS}
    assert read_sheet(path, "Rejects")[0]["text"] == "=cmd,1"


def test_the_same_input_gives_the_same_bytes(score: Score) -> None:
    first, second = (score(with_bad_rows(), name) / "assigned.xlsx" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_columns_of_parquet_keep_their_types(score: Score, tmp_path: Path) -> None:
    table = pa.table(
        {
            "CLIENTNUM": [1, 2**60],
            "when": pa.array([0, 86_400], pa.timestamp("s")),
            "flag": [True, None],
            "Credit_Limit": [1500.5, 1.0],
            "Contacts_Count_12_mon": [1, 2],
            "Total_Revolving_Bal": [1, 2],
            "Avg_Utilization_Ratio": [0.5, 0.25],
        }
    )
    pq.write_table(table, tmp_path / "typed.parquet")
    rows = read_sheet(score(tmp_path / "typed.parquet") / "assigned.xlsx", "Customers")
    assert [row["CLIENTNUM"] for row in rows] == ["1", str(2**60)]
    assert [row["flag"] for row in rows] == [True, None]
    assert rows[1]["when"] == "1970-01-02 00:00:00"
    assert rows[0]["Credit_Limit"] == 1500.5


def test_why_and_what_if_stand_in_a_workbook_too(score: Score) -> None:
    run = score(customers(30), explaining=Explaining(2, True, True))
    rows = read_sheet(run / "assigned.xlsx", "Customers")
    for row in rows:
        assert isinstance(row["reason_1_part"], float) and isinstance(row["runner_up"], int)
        assert abs(row["reason_1_part"]) >= abs(row["reason_2_part"])
        assert row["reason_1"] in HEADER and row["reason_1_sentence"].endswith(".")
        assert row["change_cluster"] != row["cluster"]


def test_a_file_of_rejects_alone_has_its_header(score: Score) -> None:
    header = ",".join(HEADER)
    path = score(f"{header}\n1,a,?,x,1,1,1\n", max_rejected_share=1) / "assigned.xlsx"
    assert read_sheet(path, "Customers") == []
    assert len(read_sheet(path, "Rejects")) == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_more_rows_than_a_sheet_holds_are_refused_before_any_is_scored(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for module in (workbook, sink):
        monkeypatch.setattr(module, "MOST_ROWS", 100)
    text: str | Path = customers(100)
    if kind == "parquet":
        rows = list(csv.DictReader(customers(100).splitlines()))
        text = tmp_path / "customers.parquet"
        pq.write_table(pa.Table.from_pylist(rows), text)
    with pytest.raises(WrongFile, match="more than the 99 rows that a sheet of a workbook holds"):
        score(text)
    assert not list((tmp_path / "out").glob("*/*/*"))
    assert len(read_sheet(score(customers(99)) / "assigned.xlsx", "Customers")) == 99


def test_cells_longer_than_a_sheet_takes_are_cut(score: Score) -> None:
    path = score(customers(5).replace("note 1", "n" * 40_000)) / "assigned.xlsx"
    assert len(read_sheet(path, "Customers")[1]["Note"]) == 16_383


def test_workers_leave_a_workbook_to_one_of_them(model: ClusterModel, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.csv").write_text(customers(5))
    spec = ScoringSpec(model, "v1", Options("xlsx"))
    engine = InParts(lambda task, parts: pytest.fail("no part is asked for"))
    workspace = Workspace(tmp_path, lambda: LocalTarget(tmp_path))
    with pytest.raises(WrongFile, match="is a data set, which no workbook holds"):
        engine(
            DataSetInput.below(tmp_path / "set"), spec, workspace, lambda rows: None, lambda: None
        )
