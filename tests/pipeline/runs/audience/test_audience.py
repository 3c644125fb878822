"""An audience has the customers that were asked for, each counted once, in a stable order."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store import NotFound, Temporary
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.options import WrongOption
from pipeline.runs.audience import write
from pipeline.runs.audience.spec import Audience, AudienceSpec
from pipeline.runs.audience.write import write_audience
from pipeline.runs.committed import CommittedRun, open_run
from tests.pipeline.runs.conftest import MakeRun
from tests.support.audiences import HEADER, customers, read_list, risk_run

DAY = date(2026, 11, 27)


def listed(run: CommittedRun, path: Path, **chosen: Any) -> tuple[list[dict[str, str]], Audience]:
    audience = write_audience(run, AudienceSpec(day=DAY, **chosen), path)
    return read_list(path, run.manifest["input"].get("delimiter", ",")), audience


def scored(run: CommittedRun) -> list[dict[str, str]]:
    with run.on_disk("assigned.csv") as path:
        return read_list(path, run.manifest["input"].get("delimiter", ","))


def test_who_has_churned_is_left_out_and_counted(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    every = [row for row in scored(run) if row["cluster"] == "3"]
    churned = [row for row in every if row["Attrition_Flag"] == "Attrited Customer"]
    rows, audience = listed(run, tmp_path / "list.csv", clusters=(3,))
    assert churned and len(every) > len(churned)
    assert {row["CLIENTNUM"] for row in rows} == {
        row["CLIENTNUM"] for row in every if row not in churned
    }
    counts = audience.counts
    assert counts.churned == len(churned)
    assert counts.churn_unknown == sum(row["Attrition_Flag"] == "?" for row in every)
    assert counts.assigned == counts.other_clusters + counts.churned + counts.listed
    both, audience = listed(run, tmp_path / "all.csv", clusters=(3,), include_churned=True)
    assert len(both) == len(every) and audience.counts.churned == 0


def test_a_list_tells_where_it_comes_from(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    rows, audience = listed(run, tmp_path / "list.csv", top=3)
    assert list(rows[0]) == [
        "rank", *HEADER, *run.manifest["columns"].values(), "run", "model_version", "input", "date"
    ]  # fmt: skip
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    said = (run.manifest["run"], "v1", "customers.csv", "2026-11-27")
    assert {tuple(row.values())[-4:] for row in rows} == {said}
    assert audience.to_dict()["counts"]["listed"] == 3


def test_ids_stay_the_text_that_they_are(make_run: MakeRun, tmp_path: Path) -> None:
    rows, _ = listed(make_run(), tmp_path / "list.csv")
    assert all(len(row["CLIENTNUM"]) == 7 for row in rows)


def test_without_risk_the_riskiest_group_comes_first_and_its_surest(
    make_run: MakeRun, tmp_path: Path
) -> None:
    rows, audience = listed(make_run(), tmp_path / "list.csv")
    assert audience.by == "churn_rate"
    rates = [float(row["churn_rate"]) for row in rows]
    assert rates == sorted(rates, reverse=True)
    for rate in set(rates):
        margins = [float(row["margin"]) for row in rows if float(row["churn_rate"]) == rate]
        assert margins == sorted(margins, reverse=rate == max(rates))


@pytest.mark.parametrize(("by", "sign"), [("margin", -1), ("distance", 1), ("churn_rate", -1)])
def test_the_first_ones_are_the_same_as_of_the_whole_order(
    make_run: MakeRun, tmp_path: Path, by: Any, sign: int
) -> None:
    run = make_run()
    every, _ = listed(run, tmp_path / "all.csv", by=by)
    first, audience = listed(run, tmp_path / "first.csv", by=by, top=17)
    keys = [sign * float(row[by]) for row in every]
    assert keys == sorted(keys)
    assert first == every[:17]
    assert audience.counts.beyond_top == len(every) - 17


def test_ties_keep_the_order_of_the_file(make_run: MakeRun, tmp_path: Path) -> None:
    header, *lines = customers(30).splitlines()
    same = [f"{number:03d},x,?,{lines[4].split(',', 3)[3]}" for number in range(500)]
    run = make_run("\n".join([header, *same]) + "\n")
    rows, _ = listed(run, tmp_path / "list.csv", top=40)
    assert [row["CLIENTNUM"] for row in rows] == [f"{number:03d}" for number in range(40)]


def test_the_order_is_by_risk_where_the_run_has_it(tmp_path: Path) -> None:
    run = risk_run(tmp_path / "risk", [("a", 0.1), ("b", None), ("c", 0.9), ("d", 0.4)])
    rows, audience = listed(run, tmp_path / "list.csv")
    assert [row["CLIENTNUM"] for row in rows] == ["c", "d", "a", "b"]
    assert audience.by == "risk"


def test_who_is_near_a_border_or_an_outlier_is_left_out_when_asked(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    every, _ = listed(run, tmp_path / "all.csv")
    rows, audience = listed(run, tmp_path / "list.csv", min_margin=0.2, exclude_outliers=True)
    outliers = [row for row in every if row["outlier"] == "true"]
    near = [row for row in every if float(row["margin"]) < 0.2 and row not in outliers]
    assert outliers and near
    assert [row["CLIENTNUM"] for row in rows] == [
        row["CLIENTNUM"] for row in every if row not in [*outliers, *near]
    ]
    assert (audience.counts.outliers, audience.counts.near_border) == (len(outliers), len(near))


def test_a_long_list_without_top_is_streamed_in_the_order_of_the_file(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    monkeypatch.setattr(write, "ORDERED_AT_MOST", 50)
    rows, audience = listed(run, tmp_path / "list.csv", control=0.5)
    known = [row["CLIENTNUM"] for row in scored(run) if row["Attrition_Flag"][0] != "A"]
    assert [row["CLIENTNUM"] for row in rows] == known
    assert {row["rank"] for row in rows} == {""}
    assert audience.by is None
    assert audience.counts.control == sum(row["control"] == "true" for row in rows)


def test_chosen_columns_stand_in_their_order(make_run: MakeRun, tmp_path: Path) -> None:
    rows, _ = listed(make_run(), tmp_path / "list.csv", columns=("margin", "CLIENTNUM"))
    assert list(rows[0]) == [
        "rank", "margin", "CLIENTNUM", "run", "model_version", "input", "date"
    ]  # fmt: skip


def test_the_id_is_listed_without_being_named(make_run: MakeRun, tmp_path: Path) -> None:
    rows, _ = listed(make_run(), tmp_path / "list.csv", columns=("margin",))
    assert list(rows[0])[:3] == ["rank", "CLIENTNUM", "margin"]


def test_columns_of_the_file_keep_their_names_beside_those_that_are_added(
    make_run: MakeRun, tmp_path: Path
) -> None:
    text = customers().replace("CLIENTNUM,Note", "CLIENTNUM,date", 1)
    rows, _ = listed(make_run(text), tmp_path / "list.csv", top=1)
    assert rows[0]["date"].startswith("note ")
    assert rows[0]["audience_date"] == "2026-11-27"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_list_is_written_as_its_input_is(
    make_run: MakeRun, tmp_path: Path, encoding: str
) -> None:
    text = customers(delimiter=";", decimal=",").replace("note 1", "grün 1")
    run = make_run(text.encode(encoding))
    rows, _ = listed(run, tmp_path / "list.csv", top=500)
    by_id = {row["CLIENTNUM"]: row for row in rows}
    assert by_id["0000011"]["Note"] == "grün 11"
    assert by_id["0000011"]["Credit_Limit"].endswith(",5")
    assert "," in by_id["0000011"]["margin"]
    marked = (tmp_path / "list.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert marked == (encoding != "utf-8")


def test_a_decimal_comma_counts_in_order_and_margin(make_run: MakeRun, tmp_path: Path) -> None:
    points, _ = listed(make_run(), tmp_path / "points.csv", min_margin=0.2, top=50)
    comma = make_run(customers(delimiter=";", decimal=","))
    commas, _ = listed(comma, tmp_path / "commas.csv", min_margin=0.2, top=50)
    assert [row["CLIENTNUM"] for row in commas] == [row["CLIENTNUM"] for row in points]


def test_runs_of_parquet_and_lists_in_parquet_have_types(make_run: MakeRun, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(customers())))
    for row in rows:
        for name in HEADER[3:]:
            row[name] = float(row[name])
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "customers.parquet")
    from_parquet, from_text = make_run(tmp_path / "customers.parquet"), make_run()
    tables = []
    for run in (from_parquet, from_text):
        write_audience(run, AudienceSpec(top=30, format="parquet"), tmp_path / "list.parquet")
        tables.append(pq.read_table(tmp_path / "list.parquet"))
    assert tables[0]["CLIENTNUM"].to_pylist() == tables[1]["CLIENTNUM"].to_pylist()
    for table in tables:
        assert table.schema.field("CLIENTNUM").type == pa.string()
        assert table.schema.field("cluster").type == pa.int64()
        assert table.schema.field("churn_rate").type == pa.float64()
        assert table.schema.field("outlier").type == pa.bool_()
        assert table.schema.field("rank").type == pa.int64()
    assert tables[0].schema.field("Credit_Limit").type == pa.float64()
    first, audience = listed(from_parquet, tmp_path / "list.csv", top=30)
    assert [row["CLIENTNUM"] for row in first] == tables[0]["CLIENTNUM"].to_pylist()
    assert audience.counts.churned


def test_a_list_goes_to_a_stream(make_run: MakeRun, tmp_path: Path) -> None:
    run, stream = make_run(), io.BytesIO()
    write_audience(run, AudienceSpec(day=DAY), stream)
    listed(run, tmp_path / "list.csv")
    assert stream.getvalue() == (tmp_path / "list.csv").read_bytes()


def test_the_same_list_has_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    for written in ("csv", "parquet", "xlsx"):
        spec = AudienceSpec(day=DAY, control=0.2, format=written)
        for name in ("a", "b"):
            write_audience(run, spec, tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_without_a_label_leaves_nobody_out_for_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(customers().replace("Attrition_Flag", "Other", 1))
    rows, audience = listed(run, tmp_path / "list.csv")
    assert len(rows) == run.manifest["rows_assigned"]
    assert audience.churned_word is None and not audience.to_dict()["has_label"]


def test_a_column_of_another_spelling_is_the_label(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(customers().replace("Attrition_Flag", "attrition_flag ", 1))
    assert listed(run, tmp_path / "list.csv")[1].counts.churned


def test_runs_of_old_are_read_with_the_contract_of_their_model(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    expected = listed(run, tmp_path / "new.csv")[1].counts
    for name in ("id_column", "label"):
        del run.manifest[name]  # type: ignore[misc]
    with pytest.raises(WrongFile, match="name the store of model v1"):
        write_audience(run, AudienceSpec(), tmp_path / "old.csv")
    audience = write_audience(
        run, AudienceSpec(), tmp_path / "old.csv", lambda version: model.contract
    )
    assert audience.counts == expected


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"clusters": (9,)}, "has no cluster 9; there are 1, 2, 3"),
        ({"columns": ("note",)}, "has no column 'note'; there are 'CLIENTNUM', 'Note'"),
        ({"min_margin": 1.0}, "leaves nobody to list: of 200 customers 58 gone already, 142"),
        ({"by": "risk"}, r"--by: expected a column that this run has \(churn_rate, margin, dist"),
    ],
)
def test_what_a_run_has_not_is_refused_and_nothing_is_written(
    make_run: MakeRun, tmp_path: Path, chosen: dict[str, Any], message: str
) -> None:
    run = make_run()
    with pytest.raises((WrongFile, WrongOption), match=message):
        write_audience(run, AudienceSpec(**chosen), tmp_path / "list.csv")
    assert not (tmp_path / "list.csv").exists()


def test_a_control_group_needs_ids(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(customers().replace("CLIENTNUM", "number", 1))
    with pytest.raises(WrongFile, match="has no id column, by which a control group is drawn"):
        write_audience(run, AudienceSpec(control=0.1), tmp_path / "list.csv")


@pytest.mark.parametrize(
    "chosen",
    [{"top": 0}, {"by": "id"}, {"min_margin": 2}, {"control": 1}, {"control_key": ""},
     {"format": "ods"}],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(WrongOption, match=f"--{next(iter(chosen)).replace('_', '-')}: expected"):
        AudienceSpec(**chosen)


def test_what_is_no_committed_run_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    folder = Path(run.address)
    with pytest.raises(NotFound, match=f"no committed run .* there are: {folder.name}"):
        open_run(str(folder.parent))
    assert open_run(f"{folder}/manifest.json").manifest == run.manifest
    outside = run.manifest | {"bytes": {"assigned./../../secret": 1}}
    for content in ('{"run": 1}', "[]", "{", json.dumps(outside)):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(WrongFile, match=r"manifest\.json: is damaged"):
            open_run(str(folder))
    (folder / "manifest.json").unlink()
    with pytest.raises(NotFound, match="no committed run"):
        open_run(str(folder))
    (folder / "failed.json").write_text('{"reason": "a.csv: is empty"}')
    with pytest.raises(WrongFile, match=r"is a run that failed and has no customers: a\.csv: is"):
        open_run(str(folder))


def test_rows_that_were_changed_after_the_run_are_refused(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    assigned = Path(run.address) / "assigned.csv"
    lines = assigned.read_text().splitlines(keepends=True)
    for content in (lines[:-1], [*lines, "1,2\n"], [lines[0].replace("margin", "m"), *lines[1:]]):
        assigned.write_text("".join(content))
        with pytest.raises(WrongFile, match="has assigned rows that are not what was written"):
            write_audience(run, AudienceSpec(), tmp_path / "list.csv")


def test_a_place_that_takes_no_file_is_told_in_a_line(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Temporary, match=r"could not write in .*list\.csv"):
        write_audience(make_run(), AudienceSpec(), tmp_path / "file" / "list.csv")
