"""Whatever a file is written in, the same customers get the same answers and nothing is lost."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_store import BUNDLED, open_store
from pipeline.errors import WrongRow
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.numbers import NumberFormat
from pipeline.model.published.loading import load_model
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.spec import Options
from tests.support.scoring import score_file

Score = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def champion() -> ClusterModel:
    artifact = open_store(BUNDLED).open("champion")
    return load_model(artifact)


@pytest.fixture
def score(champion: ClusterModel, tmp_path: Path) -> Score:
    def run(path: Path, **options: Any) -> dict[str, Any]:
        return score_file(path, champion, "v1", tmp_path / "out", Options(**options))

    return run


def semicolons(frame: pd.DataFrame, path: Path) -> None:
    text = frame.to_csv(sep=";", decimal=",", index=False, lineterminator="\r\n")
    path.write_bytes(text.encode("utf-8-sig"))


def tabs_in_utf_16(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, sep="\t", index=False, encoding="utf-16")


def quoted_with_an_index(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, quoting=csv.QUOTE_ALL, index=True)


def packed_pipes(frame: pd.DataFrame, path: Path) -> None:
    path.write_bytes(gzip.compress(frame.to_csv(sep="|", index=False).encode()))


def other_case(frame: pd.DataFrame, path: Path) -> None:
    frame.rename(columns=lambda name: f" {name.lower()} ").to_csv(path, index=False)


def parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def workbook(frame: pd.DataFrame, path: Path) -> None:
    frame.to_excel(path, index=False, engine="openpyxl")


WRITERS = [
    semicolons, tabs_in_utf_16, quoted_with_an_index, packed_pipes, other_case, parquet, workbook,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITERS, ids=lambda writer: writer.__name__)
def test_the_real_file_gets_the_same_answers_in_every_dialect(
    bank_churners: Path, score: Score, tmp_path: Path, write: Callable[[pd.DataFrame, Path], None]
) -> None:
    frame = pd.read_csv(bank_churners).iloc[:, :21]
    frame = frame.head(2_000) if write is workbook else frame
    plain, odd = tmp_path / "plain.csv", tmp_path / "odd.xlsx"
    frame.to_csv(plain, index=False)
    write(frame, odd)
    first, second = (
        pq.read_table(tmp_path / "out" / score(path, format="parquet")["outputs"]["assigned"])
        for path in (plain, odd)
    )
    assert second.num_rows == len(frame)
    for name in ("cluster", "cluster_name", "churn_rate", "distance", "margin", "outlier"):
        assert first.column(name).equals(second.column(name)), name


NUMBERS = st.sampled_from(
    ["0", "777", "1900.5", "38", "1e3", "-1", "", "x", "NaN", "2,5", " 12 ", "1,900.00", "(3)"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
ROWS = st.tuples(TEXTS, NUMBERS, TEXTS, NUMBERS, NUMBERS, TEXTS)
COLUMNS = ("id", "Total_Revolving_Bal", "note", "Total_Trans_Amt", "Total_Trans_Ct", "end")


@given(
    rows=st.lists(ROWS, min_size=1, max_size=30),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    chunk=st.sampled_from([50, 1 << 20]),
)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_for_any_table_in_any_dialect_every_row_is_assigned_or_rejected(
    champion: ClusterModel,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[tuple[str, ...]],
    delimiter: str,
    newline: str,
    quoting: Any,
    encoding: str,
    chunk: int,
) -> None:
    monkeypatch.setattr("pipeline.reading.delimited.streams.CHUNK", chunk)
    folder = tmp_path_factory.mktemp("any")
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=newline).writerows(
        [COLUMNS, *rows]
    )
    (folder / "customers.csv").write_bytes(text.getvalue().encode(encoding))
    manifest = score_file(
        folder / "customers.csv", champion, "v1", folder / "out", Options(max_rejected_share=1.0)
    )
    numbers = NumberFormat(manifest["input"]["decimal"].replace("not shown", ""))
    rows = [row for row in rows if any(cell.strip(" \t") for cell in row)]  # commas are no row
    expected: list[tuple[tuple[str, ...], int]] = []
    for row in rows:
        values = dict(zip(COLUMNS, row, strict=True))
        try:
            parsed = {f.name: f.parse(values[f.name], numbers) for f in champion.contract.features}
            found = champion.assign(parsed)
            expected.append((row, found.cluster.id))
        except WrongRow:
            continue
    assigned = (folder / "out" / manifest["outputs"]["assigned"]).read_bytes().decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(assigned, newline=""), delimiter=delimiter))[1:]
    assert [(tuple(row[:6]), int(row[6])) for row in read] == expected
    rejected = (folder / "out" / manifest["outputs"]["rejected"]).read_text()
    refused = list(csv.DictReader(io.StringIO(rejected, newline="")))
    assert manifest["rows_in"] == len(rows) == len(expected) + len(refused)
    # what was quoted stays quoted, byte by byte
    given_lines = [line + delimiter for line in text.getvalue().split(newline)[1:] if line]
    for line in assigned.split(newline)[1:]:
        assert not line or any(line.startswith(known) for known in given_lines)


def test_a_windows_file_comes_back_as_the_bytes_it_was(score: Score, tmp_path: Path) -> None:
    text = (
        "id;Name;Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\r\n1;Müller;0,5;1900,25;38\r\n"
    )
    path = tmp_path / "customers.csv"
    path.write_bytes(text.encode("cp1252"))
    manifest = score(path)
    assert (manifest["input"]["encoding"], manifest["input"]["decimal"]) == ("cp1252", ",")
    written = (tmp_path / "out" / manifest["outputs"]["assigned"]).read_bytes()
    assert written.startswith(b"id;Name;")
    assert "1;Müller;0,5;1900,25;38;5;".encode("cp1252") in written
    assert written.count(b"\r\n") == written.count(b"\n") == 2
    number = written.decode("cp1252").splitlines()[1].split(";")[8]
    assert number.startswith("0,") and "." not in number


def test_formulas_are_made_harmless_on_request_and_numbers_are_not_touched(
    score: Score, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(
        "note,other,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"
        '"=1+1",-5,0,1900,38\n@SUM(A1),+4.5,0,1900,38\n-cmd,plain,0,1900,38\n'
    )
    manifest = score(path, safe_csv=True)
    with (tmp_path / "out" / manifest["outputs"]["assigned"]).open(newline="") as file:
        cells = [(row["note"], row["other"]) for row in csv.DictReader(file)]
    assert cells == [("'=1+1", "-5"), ("'@SUM(A1)", "+4.5"), ("'-cmd", "plain")]


def test_a_named_sheet_is_read_and_a_missing_one_refused(score: Score, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["nothing", "here"])
    sheet = book.create_sheet("Customers")
    sheet.append(["CLIENTNUM", "Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct", "When"])
    sheet.append(["007", 0, 1900.5, 38, pd.Timestamp("2024-02-03").to_pydatetime()])
    path = tmp_path / "book.dat"
    book.save(path)
    manifest = score(path, reading=ReadingOptions(sheet="Customers"))
    assert manifest["rows_assigned"] == 1
    text = (tmp_path / "out" / manifest["outputs"]["assigned"]).read_text("utf-8-sig")
    assert text.splitlines()[1].startswith("007,0,1900.5,38,2024-02-03")
    with pytest.raises(Exception, match="no sheet 'Kunden'; there are: 'Sheet', 'Customers'"):
        score(path, reading=ReadingOptions(sheet="Kunden"))


def test_a_rejected_row_of_a_workbook_keeps_its_id(score: Score, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["CLIENTNUM", "Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct"])
    book.active.append(["007", 0, 1900, 38])
    book.active.append(["008", 0, None, 38])
    book.save(tmp_path / "book.xlsx")
    manifest = score(tmp_path / "book.xlsx")
    with (tmp_path / "out" / manifest["outputs"]["rejected"]).open(newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ["008"]


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.float32(), pa.decimal128(22, 2), pa.uint64(), pa.string()]
)
def test_parquet_numbers_of_any_type_are_read(score: Score, tmp_path: Path, kind: Any) -> None:
    names = ["Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct"]
    values = pa.array(["0", "100", None]) if kind == pa.string() else pa.array([0, 100, None])
    columns = {name: values.cast(kind) for name in names}
    label = pa.array([True, False, None])
    path = tmp_path / "customers.parquet"
    pq.write_table(pa.table({**columns, "Attrition_Flag": label}), path, row_group_size=2)
    manifest = score(path)
    assert (manifest["rows_assigned"], manifest["rows_rejected"]) == (2, 1)
    summary = json.loads((tmp_path / "out" / manifest["outputs"]["summary"]).read_text())
    assert summary["observed_churn"]["churned"] == 1
    assert summary["observed_churn"]["customers"] == 2
