import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipeline.scoring.results
from pipeline.errors import WrongFile
from pipeline.model.churn import ChurnRate
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.spec import Options
from tests.support.scoring import score_file

Write = Callable[..., Path]
HEADER = "CLIENTNUM,Avg_Utilization_Ratio,Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal"
GOOD = "0042,0.061,12691,3,777"


@pytest.fixture
def score(model: ClusterModel, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Scores a file into the test's folder."""

    def run(path: Path, **options: Any) -> dict[str, Any]:
        return score_file(path, model, "v1", tmp_path / "out", Options(**options))

    return run


def text(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_assigned_or_rejected(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    path = write(f"{HEADER}\n{GOOD}\n0043,1.5,1,1,1\n0044,x,,1,1\nshort\n{GOOD}\n")
    manifest = score(path, max_rejected_share=0.7)
    assert (manifest["rows_in"], manifest["rows_assigned"], manifest["rows_rejected"]) == (5, 2, 3)
    rejected = text(tmp_path / "out" / manifest["outputs"]["rejected"])
    assert [(r["row"], r["id"], r["column"], r["code"], r["text"]) for r in rejected] == [
        ("2", "0043", "Avg_Utilization_Ratio", "out_of_range", ""),
        ("3", "0044", "Credit_Limit", "missing", ""),
        ("4", "", "", "wrong_number_of_fields", "short"),
    ]
    assert (
        "Avg_Utilization_Ratio: expected a number from 0 to 1, found 'x'" in rejected[1]["reason"]
    )


def test_columns_pass_through_as_the_text_they_were(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    odd = [
        "007",
        '"say ""hi"", now"',
        "1234567890123456789",
        "2024-01-01",
        "1.10",
        " padded ",
        "NA",
    ]
    path = write(f"{HEADER},odd\n" + "".join(f"{GOOD},{cell}\n" for cell in odd))
    found = text(tmp_path / "out" / score(path)["outputs"]["assigned"])
    with path.open(newline="") as file:
        assert [row["odd"] for row in found] == [row["odd"] for row in csv.DictReader(file)]
    assert {row["CLIENTNUM"] for row in found} == {"0042"}


def test_parquet_keeps_its_types(
    score: Callable[..., dict[str, Any]], model: ClusterModel, tmp_path: Path
) -> None:
    names = [feature.name for feature in model.contract.features]
    table = pa.table(
        {
            "when": pa.array([1, 2], pa.timestamp("ms")),
            **{name: pa.array([1, None], pa.int16()) for name in names},
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "long": pa.array(["a", "b"], pa.large_string()),
            "small": pa.array([1, 2], pa.uint8()),
        }
    ).replace_schema_metadata({"kept": "yes"})
    path = tmp_path / "customers.parquet"
    pq.write_table(table, path)
    manifest = score(path)
    found = pq.read_table(tmp_path / "out" / manifest["outputs"]["assigned"])
    assert found.num_rows == 1 and manifest["rows_rejected"] == 1
    assert found.schema.metadata[b"kept"] == b"yes"
    for name in table.column_names:
        assert found.schema.field(name).type == table.schema.field(name).type


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["0", "0.5", "1", "1.01", "", "x", "nan"]),
            st.sampled_from(["0", "1438.3", "34516", "-1", "1e3"]),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_is_scored_like_single_customers(
    model: ClusterModel,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow([*HEADER.split(","), "note"])
        for number, (utilization, limit, note) in enumerate(rows):
            writer.writerow([f"{number:04d}", utilization, limit, 2, 100, note])
    manifest = score_file(path, model, "v1", folder / "out", Options(max_rejected_share=1))
    assigned = text(folder / "out" / manifest["outputs"]["assigned"])
    rejected = text(folder / "out" / manifest["outputs"]["rejected"])
    assert manifest["rows_in"] == len(rows) == len(assigned) + len(rejected)
    for row in assigned:
        assert row["note"] == rows[int(row["CLIENTNUM"])][2]
        alone = model.assign(row)
        distance = f"{alone.distance:.6f}"
        assert (int(row["cluster"]), row["distance"]) == (alone.cluster.id, distance)


def test_appended_columns_never_collide(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    path = write(f"{HEADER},cluster,assigned_cluster\n{GOOD},mine,too\n")
    manifest = score(path)
    row = text(tmp_path / "out" / manifest["outputs"]["assigned"])[0]
    assert manifest["columns"]["cluster"] == "assigned_assigned_cluster"
    assert (row["cluster"], row["assigned_cluster"]) == ("mine", "too")
    assert row["assigned_assigned_cluster"] == "3"


def test_the_same_run_is_not_done_again(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    path = write(f"{HEADER}\n{GOOD}\n")
    first = score(path)
    assigned = tmp_path / "out" / first["outputs"]["assigned"]
    before = assigned.stat().st_mtime_ns
    assert score(path) == first
    assert assigned.stat().st_mtime_ns == before
    assert score(path, format="parquet")["run"] != first["run"]


def test_a_run_that_dies_leaves_no_manifest_and_can_be_repeated(
    score: Callable[..., dict[str, Any]],
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write(f"{HEADER}\n{GOOD}\n")

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(pipeline.scoring.results, "write_clusters", die)
        score(path)
    assert list((tmp_path / "out").iterdir()) == []
    assert score(path)["rows_in"] == 1


def test_the_summary_counts_observed_and_expected_churn(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    labels = ["Attrited Customer", "Existing Customer", "existing customer", "", "1"]
    path = write(f"{HEADER},Attrition_Flag\n" + "".join(f"{GOOD},{label}\n" for label in labels))
    manifest = score(path)
    summary = json.loads((tmp_path / "out" / manifest["outputs"]["summary"]).read_text())
    third = summary["clusters"][2]
    rate = ChurnRate.of(2, 4)
    assert rate is not None
    assert third["observed_churn"] == {
        "churned": 2,
        "customers": 4,
        "rate": 0.5,
        "low": rate.low,
        "high": rate.high,
    }
    assert third["expected_churners"] == pytest.approx(5 * 1030 / 3393)
    assert third["means"]["Credit_Limit"] == 12691
    assert summary["clusters"][0]["means"]["Credit_Limit"] is None
    table = text(tmp_path / "out" / manifest["outputs"]["clusters"])
    assert [row["customers"] for row in table] == ["0", "0", "5"]
    assert table[2]["observed_churned"] == "2"


def test_too_many_rejects_refuse_the_file_and_leave_nothing(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    path = write(f"{HEADER}\n{GOOD}\n1,x,1,1,1\n2,x,1,1,1\n")
    with pytest.raises(WrongFile, match=r"2 of 3 rows cannot be scored .*not_a_number: 2"):
        score(path)
    assert [found for found in (tmp_path / "out").rglob("*") if found.is_file()] == []


def test_a_model_without_churn_still_assigns(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    silent = replace(model, clusters=tuple(replace(c, churn=None) for c in model.clusters))
    path = write(f"{HEADER}\n{GOOD}\n")
    manifest = score_file(path, silent, "v1", tmp_path / "out", Options())
    row = text(tmp_path / "out" / manifest["outputs"]["assigned"])[0]
    assert (row["cluster"], row["churn_rate"]) == ("3", "")


def test_csv_and_parquet_of_the_real_customers_agree(
    model: ClusterModel, bank_churners: Path, tmp_path: Path
) -> None:
    parquet = tmp_path / "customers.parquet"
    pq.write_table(pc.read_csv(bank_churners), parquet)
    found = []
    for path in (bank_churners, parquet):
        manifest = score_file(path, model, "v1", tmp_path / "out", Options(format="parquet"))
        assert manifest["rows_assigned"] == manifest["rows_in"] == 10_127
        found.append(pq.read_table(tmp_path / "out" / manifest["outputs"]["assigned"]))
    for column in ("cluster", "cluster_name", "churn_rate", "distance", "margin", "outlier"):
        assert found[0][column].equals(found[1][column])
    assert np.bincount(found[0]["cluster"].to_numpy()).tolist() == [0, 4706, 2028, 3393]


def test_a_file_whose_name_is_no_text_is_refused(
    score: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_text(f"{HEADER}\n{GOOD}\n")
    with pytest.raises(WrongFile, match="no text; rename it"):
        score(path)


def test_a_file_where_results_should_go_is_told(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path = write(f"{HEADER}\n{GOOD}\n")
    for out in (path, tmp_path):
        with pytest.raises(WrongFile, match=f"^{path}: is a file; results go into a folder"):
            score_file(path, model, "v1", out, Options())
