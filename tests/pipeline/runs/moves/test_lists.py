"""Lists of those who moved, came and went, and the page."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from model_store import S3Address, open_storage
from pipeline.runs.committed import open_run
from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.page import render
from pipeline.runs.moves.result import Moves
from pipeline.runs.moves.spec import KnownModels, MovesSpec
from tests.pipeline.runs.moves.conftest import MakeRun
from tests.support.audiences import read_list, read_sheet

COLUMNS = [
    "CLIENTNUM", "change", "old_cluster", "old_cluster_name", "new_cluster", "new_cluster_name",
    "old_churn_rate", "new_churn_rate", "direction", "feature", "feature_before", "feature_after",
    "feature_share",
]  # fmt: skip


def listed(
    make_run: MakeRun, known: KnownModels, target: Path, spec: MovesSpec, **stated: Any
) -> Moves:
    """Of five customers two move, one goes and one comes."""
    old = make_run("old", ["007", "b", "c", "gone"], [0, 0, 2, 4])
    new = make_run("new", ["come", "c", "b", "007"], [3, 2, 1, 4], **stated)
    return compare_runs(old, new, spec, known, target)


def test_whose_rate_rises_most_stands_first(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    target = tmp_path / "list.csv"
    moves = listed(make_run, known, target, MovesSpec())
    rows = read_list(target)
    assert [*rows[0]] == COLUMNS and moves.listed == 2
    assert [(row["CLIENTNUM"], row["old_cluster"], row["new_cluster"]) for row in rows] == [
        ("007", "1", "5"), ("b", "1", "2"),
    ]  # fmt: skip
    assert {row["direction"] for row in rows} == {"towards risk"}
    found = [row["feature"] for row in rows]
    assert {name: found.count(name) for name in found} == moves.features
    for row in rows:
        assert (
            row["feature_before"] != row["feature_after"] and 0 < float(row["feature_share"]) <= 1
        )


def test_who_comes_and_goes_is_listed_when_asked(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    target = tmp_path / "list.csv"
    listed(make_run, known, target, MovesSpec(listed=("moved", "came", "went")))
    rows = {row["CLIENTNUM"]: row for row in read_list(target)}
    assert [*rows] == ["007", "b", "come", "gone"]
    assert rows["come"]["change"] == "came" and rows["come"]["old_cluster"] == ""
    assert rows["come"]["new_cluster"] == "4" and rows["come"]["old_cluster_name"] == ""
    assert rows["gone"]["change"] == "went" and rows["gone"]["old_cluster"] == "5"
    assert rows["gone"]["new_churn_rate"] == rows["gone"]["feature"] == ""


def test_a_list_without_anybody_has_its_header(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    runs = [make_run(name, ["a", "b"], [0, 1]) for name in ("old", "new")]
    for written in ("csv", "parquet", "xlsx"):
        target = tmp_path / f"list.{written}"
        moves = compare_runs(runs[0], runs[1], MovesSpec(format=written), known, target)
        assert moves.listed == 0
    assert (tmp_path / "list.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert pq.read_schema(tmp_path / "list.parquet").names == COLUMNS
    assert read_sheet(tmp_path / "list.xlsx", "Moves") == []


def test_a_list_too_long_to_be_ordered_keeps_the_order_of_the_newer_file(
    make_run: MakeRun, known: KnownModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.runs.moves.lists.ORDERED_AT_MOST", 1)
    moves = listed(make_run, known, tmp_path / "list.csv", MovesSpec(listed=("moved", "went")))
    names = [row["CLIENTNUM"] for row in read_list(tmp_path / "list.csv")]
    assert names == ["b", "007", "gone"] and moves.listed == 3


def test_a_column_of_ids_with_a_name_of_ours_keeps_it(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    for name in ("old", "new"):
        make_run(name, ["a"], [0] if name == "old" else [1], id_column="change")
        path = tmp_path / name / "assigned.csv"
        path.write_text(path.read_text().replace("CLIENTNUM", "change"))
    runs = [open_run(str(tmp_path / name)) for name in ("old", "new")]
    compare_runs(runs[0], runs[1], MovesSpec(), known, tmp_path / "list.csv")
    (row,) = read_list(tmp_path / "list.csv")
    assert (row["change"], row["moves_change"]) == ("a", "moved")


def test_workbooks_have_ids_as_text_and_parquet_has_types(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    listed(make_run, known, tmp_path / "list.xlsx", MovesSpec(format="xlsx"))
    row = read_sheet(tmp_path / "list.xlsx", "Moves")[0]
    assert row["CLIENTNUM"] == "007" and row["old_cluster"] == 1
    assert isinstance(row["new_churn_rate"], float)
    about = {each["What"]: each["Value"] for each in read_sheet(tmp_path / "list.xlsx", "About")}
    assert about == {"Old run": "old.csv, run old", "New run": "new.csv, run new"}
    runs = [open_run(str(tmp_path / name)) for name in ("old", "new")]
    compare_runs(runs[0], runs[1], MovesSpec(format="parquet"), known, tmp_path / "list.parquet")
    table = pq.read_table(tmp_path / "list.parquet")
    assert table.column("CLIENTNUM").to_pylist() == ["007", "b"]
    assert table.column("old_cluster").to_pylist() == [1, 1]
    assert all(0 < rate < 1 for rate in table.column("new_churn_rate").to_pylist())


def test_a_list_is_written_as_the_newer_file_is(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    dialect = {"name": "new.csv", "kind": "delimited text", "delimiter": ";", "decimal": ","}
    old = make_run("old", ["a", "=1+1"], [0, 0])
    new = make_run("new", ["a", "=1+1"], [1, 1], input=dialect)
    path = tmp_path / "new" / "assigned.csv"
    path.write_text(path.read_text().replace(".", "§").replace(",", ";").replace("§", ","))
    compare_runs(old, new, MovesSpec(), known, tmp_path / "list.csv")
    rows = read_list(tmp_path / "list.csv", ";")
    assert [row["CLIENTNUM"] for row in rows] == ["a", "'=1+1"]
    assert all("," in row["old_churn_rate"] and "." not in row["feature_share"] for row in rows)


def test_the_page_says_what_was_found_and_shows_no_customer(
    make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    old = make_run("old", [f"secret-{n}" for n in range(40)], [0] * 40)
    new = make_run("new", [f"secret-{n}" for n in range(40)], [0] * 10 + [4] * 30,
                   as_of="2026-02-01")  # fmt: skip
    moves = compare_runs(old, new, models=known)
    page = render(moves)
    assert page == render(moves) and "secret" not in page
    assert "30 of 40 customers changed their group: 75.0% (95 % interval 59.8% to 85.8%)" in page
    assert "More moved towards risk than away from it: 30 towards, 0 away" in page
    assert "new.csv of 2026-02-01" in page
    assert moves.labels[next(iter(moves.features))] in page
    assert "<script" not in page and "http" not in page.split("</style>")[1]


def test_a_page_of_runs_without_common_customers_says_so(make_run: MakeRun) -> None:
    moves = compare_runs(make_run("old", ["a"], [0]), make_run("new", ["b"], [0]))
    page = render(moves)
    assert "No customer is in both files" in page and 'id="matrix"' not in page


@pytest.mark.usefixtures("aws")
def test_runs_and_lists_may_be_in_s3(
    make_run: MakeRun, known: KnownModels, make_bucket: Any, tmp_path: Path
) -> None:
    bucket = make_bucket()
    store = open_storage(f"s3://{bucket}/results")
    for name, groups in (("old", [0, 0, 0]), ("new", [0, 1, 4])):
        make_run(name, ["a", "b", "c"], groups)
        for path in (tmp_path / name).iterdir():
            store.upload(path, f"{name}/{path.name}")
    runs = [open_run(f"s3://{bucket}/results/{name}") for name in ("old", "new")]
    target = S3Address(bucket, "lists/movers.csv")
    moves = compare_runs(runs[0], runs[1], MovesSpec(), known, target)
    assert moves.listed == moves.moved == 2
    written = open_storage(f"s3://{bucket}").read("lists/movers.csv").decode()
    assert [line.split(",")[0] for line in written.splitlines()] == ["CLIENTNUM", "c", "b"]
