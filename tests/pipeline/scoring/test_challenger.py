"""A challenger assigns as well, changes nothing of what the model says, and loses no row."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from model_store import BUNDLED, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Challenger, Options
from tests.support.scoring import score_file

Write = Callable[..., Path]
Score = Callable[..., Path]
COLUMNS = (
    "CLIENTNUM", "Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct", "Credit_Limit",
    "Contacts_Count_12_mon", "Avg_Utilization_Ratio", "Attrition_Flag",
)  # fmt: skip


@pytest.fixture(scope="module")
def champion() -> ClusterModel:
    artifact = open_store(BUNDLED).open("champion")
    return load_model(artifact)


@pytest.fixture
def challenger(model: ClusterModel) -> Challenger:
    return Challenger(model, "v2", related=False)


@pytest.fixture
def score(champion: ClusterModel, tmp_path: Path) -> Score:
    """Scores a file with the champion; the folder of the run."""

    def run(path: Path, challenger: Challenger | None = None, **options: Any) -> Path:
        chosen = Options(**options, challenger=challenger)
        manifest = score_file(path, champion, "v1", tmp_path / "out", chosen)
        return tmp_path / "out" / Path(manifest["outputs"]["assigned"]).parent

    return run


def rows(count: int) -> list[str]:
    """Lines of a file that both models can read, of which some churned."""
    rng = np.random.default_rng(count)
    balance, amount = rng.integers(0, 2500, count), rng.integers(600, 15_000, count)
    number, limit = rng.integers(10, 130, count), rng.integers(1500, 34_000, count)
    flags = np.where(rng.random(count) < 0.2, "Attrited Customer", "Existing Customer")
    cells = zip(balance, amount, number, limit, flags, strict=True)
    return [
        f"{i:08d},{b},{a},{n},{lim},{i % 7},{i % 100 / 100},{flag}"
        for i, (b, a, n, lim, flag) in enumerate(cells)
    ]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def expected_ids(path: Path, model: ClusterModel) -> list[int]:
    with path.open(encoding="utf-8", newline="") as file:
        return [model.assign(row).cluster.id for row in csv.DictReader(file)]


def test_the_challengers_cluster_stands_in_a_column_of_its_own(
    score: Score, write: Write, challenger: Challenger
) -> None:
    path = write("\n".join([",".join(COLUMNS), *rows(300)]))
    theirs = expected_ids(path, challenger.model)
    plain, both = score(path), score(path, challenger)
    assert plain.name != both.name
    before = (plain / "assigned.csv").read_text().splitlines()
    after = (both / "assigned.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in after] == before
    last = [line.rpartition(",")[2] for line in after]
    assert last == ["challenger_cluster", *map(str, theirs)]
    parquet = pq.read_table(score(path, challenger, format="parquet") / "assigned.parquet")
    assert parquet.schema.field("challenger_cluster").type == pa.int64()
    assert parquet["challenger_cluster"].to_pylist() == theirs
    safe = pa.csv.read_csv(score(path, challenger, safe_csv=True) / "assigned.csv")
    assert safe["challenger_cluster"].to_pylist() == theirs
    typed = write(b"", "typed.parquet")
    pq.write_table(pa.csv.read_csv(path), typed)
    again = pq.read_table(score(typed, challenger) / "assigned.parquet")
    assert again["challenger_cluster"].to_pylist() == theirs


def test_the_name_of_the_column_never_collides(
    score: Score, write: Write, challenger: Challenger
) -> None:
    header = ",".join((*COLUMNS, "challenger_cluster", "assigned_challenger_cluster"))
    path = write("\n".join([header, *(f"{row},mine,yours" for row in rows(5))]))
    folder = score(path, challenger)
    with (folder / "assigned.csv").open(encoding="utf-8", newline="") as file:
        (first, *_) = csv.DictReader(file)
    assert (first["challenger_cluster"], first["assigned_challenger_cluster"]) == ("mine", "yours")
    name = json.loads((folder / "manifest.json").read_text())["columns"]["challenger_cluster"]
    assert name == "assigned_assigned_challenger_cluster"
    assert first[name] in "123"
    assert f"<code>{name}</code>" in (folder / "report.html").read_text()


def test_the_summary_shows_where_both_disagree(
    score: Score, write: Write, champion: ClusterModel, challenger: Challenger
) -> None:
    """On a file of several blocks, against counts made one customer at a time."""
    path = write("\n".join([",".join(COLUMNS), *rows(40_000)]))
    assert path.stat().st_size > 2 << 20
    found = summary(score(path, challenger))["challenger"]
    table = pa.csv.read_csv(path)
    columns = {name: table[name].to_numpy().astype(float) for name in COLUMNS[1:-1]}
    mine, theirs = (m.assign_many(columns).cluster for m in (champion, challenger.model))
    left = np.array(table["Attrition_Flag"]) == "Attrited Customer"
    assert (found["cluster_ids"], found["challenger_ids"]) == ([1, 2, 3, 4, 5], [1, 2, 3])
    assert found["crosstab"] == [
        [int(((mine == a) & (theirs == b)).sum()) for b in (1, 2, 3)] for a in range(1, 6)
    ]
    assert (found["customers"], found["unassigned"]) == (40_000, 0)
    for cluster in found["clusters"]:
        own = theirs == cluster["cluster"]
        churned = int((own & left).sum())
        assert (cluster["customers"], cluster["observed_churn"]["churned"]) == (own.sum(), churned)
    rates = [c.churn.rate for c in challenger.model.clusters if c.churn]
    expected = sum(rates[cluster_id - 1] for cluster_id in theirs)
    assert found["expected_churners"]["challenger"] == pytest.approx(expected)
    totals = summary(score(path))
    assert found["expected_churners"]["model"] == pytest.approx(totals["expected_churners"])
    assert (found["differ"], found["differ_share"]) == (None, None)  # never matched


def test_of_matched_models_the_share_that_differs_is_told(
    score: Score, write: Write, champion: ClusterModel
) -> None:
    path = write("\n".join([",".join(COLUMNS), *rows(500)]))
    same = summary(score(path, Challenger(champion, "v2", related=True)))["challenger"]
    assert (same["differ"], same["differ_share"], same["ari"]) == (0, 0, 1)
    first, *others = champion.clusters
    moved = replace(champion, clusters=(*others, replace(first, id=9)), golden=champion.golden)
    found = summary(score(path, Challenger(moved, "v3", related=True)))["challenger"]
    assert found["challenger_ids"] == [2, 3, 4, 5, 9]
    assert found["differ"] == expected_ids(path, champion).count(1)
    assert found["differ_share"] == found["differ"] / 500
    assert found["ari"] == 1  # the same groups under other names


def test_a_customer_that_only_the_challenger_cannot_read_is_kept_and_counted(
    score: Score, write: Write, challenger: Challenger
) -> None:
    header = ",".join(COLUMNS)
    odd = [
        "x1,0,1900,38,-5,2,0.1,Existing Customer",
        "x2,0,1900,38,9000,2,,Existing Customer",
        "x3,0,1900,38,9000,2,many,Existing Customer",
        "x4,nothing,1900,38,9000,2,0.1,Existing Customer",
    ]
    path = write("\n".join([header, *rows(20), *odd]))
    folder = score(path, challenger)
    lines = (folder / "assigned.csv").read_text().splitlines()
    assert len(lines) == 1 + 20 + 3
    assert all(line.endswith(",") for line in lines[-3:])
    totals = summary(folder)
    assert (totals["rows_assigned"], totals["rows_rejected"]) == (23, 1)
    found = totals["challenger"]
    assert (found["customers"], found["unassigned"]) == (20, 3)
    assert found["unassigned_for"] == {
        "Avg_Utilization_Ratio missing": 1,
        "Avg_Utilization_Ratio not_a_number": 1,
        "Credit_Limit out_of_range": 1,
    }
    table = pq.read_table(score(path, challenger, format="parquet") / "assigned.parquet")
    assert table["challenger_cluster"].to_pylist()[-3:] == [None] * 3
    assert "3 customers that the model assigned the challenger could not" in (
        folder / "report.html"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize("written", ["csv", "parquet"])
def test_a_file_without_the_challengers_columns_is_scored_all_the_same(
    score: Score, write: Write, challenger: Challenger, written: str
) -> None:
    path = write("\n".join([",".join(COLUMNS[:4]), *(",".join(r.split(",")[:4]) for r in rows(9))]))
    folder = score(path, challenger, format=written)
    totals = summary(folder)
    assert totals["rows_assigned"] == 9
    found = totals["challenger"]
    assert (found["customers"], found["unassigned"], found["ari"]) == (0, 9, 1)
    assert found["unassigned_for"] == {"Contacts_Count_12_mon no_column": 9}
    assert "the file has no such column" in (folder / "report.html").read_text(encoding="utf-8")


def test_without_a_challenger_nothing_tells_of_one(
    score: Score, write: Write, challenger: Challenger
) -> None:
    folder = score(write("\n".join([",".join(COLUMNS), *rows(30)])))
    for path in folder.iterdir():
        assert b"hallenger" not in path.read_bytes(), path.name
    assert Options().facts.keys() == {"format", "max_rejected_share", "safe_csv"}
    assert Options(challenger=challenger).facts["challenger"] == "v2"
