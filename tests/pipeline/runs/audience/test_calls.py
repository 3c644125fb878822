"""Whom to turn to first, and the rows of one cluster, read from the files of a run."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from model_store import BUNDLED, open_store
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.reading.options import ReadingOptions
from pipeline.runs.audience.calls import first_calls
from pipeline.runs.audience.group import group_rows
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.audience.write import write_audience
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.scoring.spec import Options
from tests.support.audiences import read_list
from tests.support.paths import CUSTOMERS
from tests.support.scoring import score_file

RISKY = 5
Score = Callable[..., CommittedRun]


@pytest.fixture(scope="module")
def champion() -> ClusterModel:
    return replace(load_model(open_store(BUNDLED).open("champion")), risk=None)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """The invented customers that can be scored."""
    frame = pd.read_csv(CUSTOMERS, dtype={"CLIENTNUM": str}, on_bad_lines="skip")
    for name in ("Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    kept = frame.replace([np.inf, -np.inf], np.nan).dropna()
    return kept[kept["Total_Trans_Ct"].between(1, 300)].reset_index(drop=True)


@pytest.fixture
def score(champion: ClusterModel, tmp_path: Path) -> Score:
    def run(path: Path, **options: Any) -> CommittedRun:
        manifest = score_file(path, champion, "v1", tmp_path / "out", Options(**options))
        return open_run(str((tmp_path / "out" / manifest["outputs"]["assigned"]).parent))

    return run


def rows_of(run: CommittedRun, cluster: int = RISKY) -> bytes:
    return b"".join(group_rows(run, cluster))


def assigned(run: CommittedRun) -> Path:
    return Path(run.address) / run.assigned[0]


def written(frame: pd.DataFrame, folder: Path, kind: str) -> Path:
    path = folder / f"customers.{kind}"
    if kind == "parquet":
        frame.to_parquet(path, index=False)
    elif kind == "xlsx":
        frame.to_excel(path, index=False)
    elif kind == "german.csv":
        frame.to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252", errors="replace")
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("kind", ["csv", "german.csv", "parquet", "xlsx"])
def test_who_has_not_left_is_listed_the_surest_of_the_group_first(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path, kind: str
) -> None:
    calls = first_calls(score(written(customers, tmp_path, kind)), champion, RISKY, most=7)
    plain = assigned(score(written(customers, tmp_path, "csv"), format="csv"))
    expected = pd.read_csv(plain, dtype={"CLIENTNUM": str})
    waiting = expected[(expected["cluster"] == RISKY)]
    waiting = waiting[waiting["Attrition_Flag"] == "Existing Customer"]
    wanted = waiting.sort_values("margin", ascending=False, kind="stable").head(7)
    assert [call["id"] for call in calls] == wanted["CLIENTNUM"].tolist()
    assert [call["row"] for call in calls] == [int(row) + 1 for row in wanted.index]
    first = calls[0]
    assert first["risk"] is None
    assert first["values"]["Total_Trans_Ct"] == wanted["Total_Trans_Ct"].iloc[0]
    located = champion.locate(first["values"])
    assert located.cluster.id == RISKY
    assert first["reason"] == located.reasons[0].sentence


def test_a_risk_of_their_own_comes_before_the_margin(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    run = score(written(customers, tmp_path, "csv"))
    path = assigned(run)
    frame = pd.read_csv(path, dtype={"CLIENTNUM": str})
    frame["risk"] = np.random.default_rng(1).uniform(size=len(frame)).round(4)
    frame.to_csv(path, index=False)
    run.manifest["columns"]["risk"] = "risk"
    calls = first_calls(run, champion, RISKY)
    waiting = frame[(frame["cluster"] == RISKY) & (frame["Attrition_Flag"] == "Existing Customer")]
    wanted = waiting.sort_values("risk", ascending=False).head(10)
    assert [call["risk"] for call in calls] == wanted["risk"].tolist()
    assert [call["id"] for call in calls] == wanted["CLIENTNUM"].tolist()


def test_without_ids_and_label_the_list_has_rows(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    bare = customers[["Total_Trans_Ct", "Total_Trans_Amt", "Total_Revolving_Bal"]]
    run = score(written(bare, tmp_path, "csv"))
    calls = first_calls(run, champion, RISKY)
    assert {call["id"] for call in calls} == {""}
    assert champion.assign(dict(bare.iloc[calls[0]["row"] - 1])).cluster.id == RISKY
    with pytest.raises(WrongFile, match="no cluster 99"):
        first_calls(run, champion, cluster=99)


def test_the_rows_of_a_group_stay_as_they_were_written(score: Score) -> None:
    run = score(CUSTOMERS)
    lines = assigned(run).read_bytes().splitlines(keepends=True)
    found = rows_of(run).splitlines(keepends=True)
    assert found[0] == lines[0]
    assert found[1:] == [line for line in lines if b',5,"Little revolving balance, rare' in line]
    assert len(found) > 100
    header = rows_of(run, cluster=99)
    assert header == lines[0]


def test_the_groups_together_are_the_file(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    for kind in ("german.csv", "parquet", "xlsx"):
        run = score(written(customers, tmp_path, kind))
        total = 0
        for cluster in champion.clusters:
            text = rows_of(run, cluster.id).decode("cp1252")
            mark = ";" if kind == "german.csv" else ","
            rows = list(csv.DictReader(io.StringIO(text.removeprefix("ï»¿")), delimiter=mark))
            assert {row["cluster"] for row in rows} <= {str(cluster.id)}
            total += len(rows)
        assert total == len(customers)


def test_cells_of_a_table_cannot_run_where_that_was_asked_for(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    risky = customers.assign(City="=1+1")
    path = written(risky, tmp_path, "parquet")
    assert b'"=1+1"' in rows_of(score(path))
    safe = rows_of(score(path, safe_csv=True))
    assert b"'=1+1" in safe
    assert b'"=1+1"' not in safe


def test_cells_of_a_workbook_cannot_run_where_that_was_asked_for(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    path = written(customers.assign(City="=1+1"), tmp_path, "parquet")
    rows = rows_of(score(path, format="xlsx", safe_csv=True))
    assert b"'=1+1" in rows
    assert not re.search(rb'[,"]=', rows)


def test_a_column_that_csv_does_not_hold_is_told_before_the_first_row(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "lists.parquet"
    customers.assign(Tags=pd.Series([["a"]] * len(customers))).to_parquet(path)
    rows = group_rows(score(path), RISKY)
    with pytest.raises(WrongFile, match="cannot be written as csv"):
        next(rows)


def test_numbers_that_somebody_explained_are_read_again(
    score: Score, champion: ClusterModel, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    rows = "0;1.900;38\n0;1.612;47\n"
    path.write_text("Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\n" + rows)
    run = score(path, reading=ReadingOptions(decimal=",", thousands="."))
    calls = first_calls(run, champion, RISKY)
    assert sorted(float(call["values"]["Total_Trans_Amt"]) for call in calls) == [1612, 1900]


def test_a_sheet_that_was_chosen_is_listed_like_any_other(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        customers.to_excel(book, sheet_name="June", index=False)
        customers.head(3).to_excel(book, sheet_name="May", index=False)
    run = score(path, reading=ReadingOptions(sheet="June", decimal="."))
    assert len(first_calls(run, champion, RISKY)) == 10
    assert rows_of(run).count(b"\n") == 131


def test_an_audience_in_the_same_order_begins_with_the_calls(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    run = score(written(customers, tmp_path, "csv"))
    frame = pd.read_csv(assigned(run), dtype={"CLIENTNUM": str})
    frame["risk"] = (frame["margin"] * 10).round() / 10  # with many that are alike
    frame.to_csv(assigned(run), index=False)
    run.manifest["columns"]["risk"] = "risk"
    write_audience(run, AudienceSpec((RISKY,), 10, "risk"), tmp_path / "list.csv")
    listed = [row["CLIENTNUM"] for row in read_list(tmp_path / "list.csv")]
    assert [call["id"] for call in first_calls(run, champion, RISKY)] == listed


def test_text_in_an_unknown_encoding_stays_and_is_listed(
    score: Score, champion: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    text = customers.assign(City="X").to_csv(index=False).encode()
    path.write_bytes(text.replace(b",X,", b",\xc4\xd6\xdc,"))
    run = score(path)
    assert run.manifest["input"]["encoding"] == "unknown"
    assert rows_of(run).count(b",\xc4\xd6\xdc,") == 130
    assert len(first_calls(run, champion, RISKY)) == 10
