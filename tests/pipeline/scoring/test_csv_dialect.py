"""Files beside the assigned rows are written as the input is, and say which run they are of."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.spec import Options
from pipeline.scoring.writing.csv_dialect import CsvDialect
from tests.support.audiences import customers
from tests.support.scoring import score_file

MARK = b"\xef\xbb\xbf"
Score = Callable[..., tuple[Path, dict[str, Any]]]


@pytest.fixture
def score(model: ClusterModel, tmp_path: Path) -> Score:
    """Scores a file; the folder of its run, and its manifest."""

    def scored(path: Path, **chosen: Any) -> tuple[Path, dict[str, Any]]:
        manifest = score_file(path, model, "v1", tmp_path / "out", Options(**chosen))
        return (tmp_path / "out" / str(manifest["outputs"]["summary"])).parent, manifest

    return scored


def table(content: bytes, delimiter: str, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(encoding)), delimiter=delimiter))


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b""), ("utf-8-sig", MARK), ("utf-16", MARK), ("cp1252", b"")],
)
def test_clusters_have_delimiter_decimal_mark_and_encoding_of_the_input(
    score: Score, write: Callable[..., Path], encoding: str, mark: bytes
) -> None:
    text = customers(60, delimiter=";", decimal=",").replace("note", "grün")
    run, _ = score(write(text.encode(encoding)))
    content = (run / "clusters.csv").read_bytes()
    assert content.startswith(mark) and (mark or not content.startswith(MARK))
    rows = table(content, ";")
    assert float(rows[0]["share"].replace(",", ".")) > 0
    assert "," in rows[0]["mean_Credit_Limit"] and "." not in rows[0]["mean_Credit_Limit"]


def test_rejects_have_the_delimiter_of_the_input(score: Score, write: Callable[..., Path]) -> None:
    text = customers(20, delimiter=";", decimal=",").replace("0000003;note 3", "0000003;x;ü")
    run, _ = score(write(text.encode("cp1252"), "bad.csv"))
    content = (run / "rejected.csv").read_bytes()
    assert content.startswith(MARK)
    (reject,) = table(content, ";")
    assert reject["text"].startswith("0000003;x;ü;")


def test_of_a_workbook_all_text_has_the_mark_by_which_excel_reads_it(
    score: Score, tmp_path: Path
) -> None:
    book = Workbook()
    for row in csv.reader(customers(20).splitlines()):
        book.active.append(
            row[:3] + [float(cell) if cell[0].isdigit() else cell for cell in row[3:]]
        )
    book.save(tmp_path / "book.xlsx")
    run, _ = score(tmp_path / "book.xlsx")
    for name in ("assigned.csv", "clusters.csv", "rejected.csv"):
        assert (run / name).read_bytes().startswith(MARK)


def test_of_parquet_text_is_plain(score: Score, tmp_path: Path) -> None:
    rows = list(csv.DictReader(customers(20).splitlines()))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "customers.parquet")
    run, _ = score(tmp_path / "customers.parquet")
    for name in ("clusters.csv", "rejected.csv"):
        assert not (run / name).read_bytes().startswith(MARK)


def test_clusters_of_many_months_can_be_told_apart(
    score: Score, write: Callable[..., Path]
) -> None:
    stacked = []
    for month, rows_in in (("may", 30), ("june", 31)):
        run, manifest = score(write(customers(rows_in), f"{month}.csv"))
        rows = table((run / "clusters.csv").read_bytes(), ",")
        assert [*rows[0]][-3:] == ["run", "model_version", "input"]
        said = {(row["run"], row["model_version"], row["input"]) for row in rows}
        assert said == {(manifest["run"], "v1", f"{month}.csv")}
        stacked += rows
    assert len({(row["run"], row["cluster"]) for row in stacked}) == len(stacked)


def test_a_name_that_a_spreadsheet_would_run_is_made_safe_when_asked(
    score: Score, write: Callable[..., Path]
) -> None:
    path = write(customers(30), "=1+1.csv")
    for safe, shown in ((False, "=1+1.csv"), (True, "'=1+1.csv")):
        run, _ = score(path, safe_csv=safe)
        assert table((run / "clusters.csv").read_bytes(), ",")[0]["input"] == shown


def test_letters_that_an_encoding_lacks_make_it_utf_8() -> None:
    dialect = CsvDialect.of({"kind": "delimited text", "encoding": "cp1252"})
    assert dialect.encode("ü") == "ü".encode("cp1252")
    assert dialect.encode("Ł") == MARK + "Ł".encode()
