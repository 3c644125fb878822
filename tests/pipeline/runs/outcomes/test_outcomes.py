"""What became of a run's customers, from files as people have them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store import FolderStorage
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.options import ReadingOptions, WrongOption
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.audience.write import write_audience
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.outcomes import sentences
from pipeline.runs.outcomes.measure import outcomes_of
from pipeline.runs.outcomes.page import render
from pipeline.runs.outcomes.spec import OutcomesSpec
from pipeline.runs.outcomes.store import folder_of, keep, kept
from pipeline.scoring.outcome_documents import OutcomesDocument
from tests.pipeline.runs.conftest import MakeRun
from tests.support.audiences import customers, risk_run
from tests.support.outcomes import write_labels

DAY = date(2026, 11, 27)
GONE, THERE = "Attrited Customer", "Existing Customer"
ROWS = 200
KNOWN_BEFORE = [n for n in range(ROWS) if n % 3 == 0 and n % 7 != 1]


def later(path: Path, *, churned: int = 10, write: str = "{:07d}") -> Path:
    """Labels of all customers: every tenth of those who had not churned has by now."""
    states = [(write.format(n), GONE if n % churned == 1 else THERE) for n in range(ROWS)]
    return write_labels(path, states)


def measured(
    run: CommittedRun, model: ClusterModel, labels: Path, **chosen: Any
) -> OutcomesDocument:
    if "audience" in chosen:
        chosen["audience"] = str(chosen["audience"])
    return outcomes_of(run, model, OutcomesSpec(str(labels), **{"as_of": DAY, **chosen}))


def refused(run: CommittedRun, model: ClusterModel, labels: Path, **chosen: Any) -> str:
    with pytest.raises((WrongFile, WrongOption)) as caught:
        measured(run, model, labels, **chosen)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_who_had_churned_before_is_not_counted_and_that_is_told(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    document = measured(make_run(), model, later(tmp_path / "later.csv"))
    expected = [n for n in range(ROWS) if n not in KNOWN_BEFORE]
    assert document["counts"]["churned_before"] == len(KNOWN_BEFORE)
    assert document["overall"]["counted"] == len(expected) == document["counts"]["counted"]
    observed = document["overall"]["observed"]
    assert observed is not None
    assert observed["churned"] == sum(n % 10 == 1 for n in expected)
    assert sum(cluster["counted"] for cluster in document["clusters"]) == len(expected)
    told = sentences.told(document)
    assert told == [
        f"{len(KNOWN_BEFORE)} customers not counted: cancelled already when the file was scored"
    ]


def test_the_file_s_own_labels_are_no_outcomes_and_that_is_asked(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    document = measured(run, model, tmp_path / "customers.csv")
    assert document["overall"]["observed"] is not None
    assert document["overall"]["observed"]["churned"] == 0
    assert sentences.told(document)[0] == (
        "Nobody else cancelled since the file was scored: are these its own labels?"
    )


def test_the_expected_rate_is_training_s_group_by_group(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    document = measured(make_run(), model, later(tmp_path / "later.csv"))
    of = {cluster.id: cluster.churn for cluster in model.clusters}
    for cluster in document["clusters"]:
        churn = of[cluster["cluster"]]
        assert churn is not None
        assert cluster["expected"]["value"] == pytest.approx(churn.rate, rel=1e-5)
        assert cluster["trained_on"] == churn.customers
    total = sum(cluster["expected_churners"] for cluster in document["clusters"])
    assert document["overall"]["expected_churners"] == pytest.approx(total, abs=0.5)


def test_labels_may_be_a_table_with_ids_as_numbers(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run(customers().replace("\n0", "\n71"))  # no zeros at the beginning
    path = tmp_path / "later.parquet"
    ids = [int(f"71{n:06d}") for n in range(ROWS)]
    words = [GONE if n % 10 == 1 else THERE for n in range(ROWS)]
    pq.write_table(pa.table({"CLIENTNUM": ids, "Attrition_Flag": words}), path)
    text = later(tmp_path / "later.csv", write="71{:06d}")
    table, csv = measured(run, model, path), measured(run, model, text)
    assert table["overall"] == csv["overall"] and table["counts"]["counted"] > 100
    assert table["outcomes"] != csv["outcomes"]


def test_ids_without_their_zeros_are_refused_with_what_to_do(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run, stripped = make_run(), later(tmp_path / "later.csv", write="{:d}")
    message = refused(run, model, stripped)
    assert "has no id of a customer" in message
    assert f"{ROWS} would be without leading zeros" in message and "say --ids number" in message
    document = measured(run, model, stripped, ids="number")
    assert document["overall"] == measured(run, model, later(tmp_path / "full.csv"))["overall"]
    assert "Ids were compared as numbers" in " ".join(sentences.told(document))
    assert "--ids: expected one of text, number" in refused(run, model, stripped, ids="words")


def test_customers_without_a_label_are_told(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    states = [(f"{n:07d}", GONE if n % 10 == 1 else THERE) for n in range(0, ROWS, 2)]
    labels = write_labels(tmp_path / "later.csv", [*states, ("elsewhere", THERE), ("", THERE)])
    document = measured(make_run(), model, labels)
    told = " | ".join(sentences.told(document))
    assert f"{document['counts']['no_label']} customers not counted: no label" in told
    assert "1 label of no customer of this run" in told and "1 label without an id" in told


def test_a_list_of_leavers_is_asked_about_and_taken_on_the_user_s_word(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    full = measured(run, model, later(tmp_path / "later.csv"))
    ids = [f"{n:07d}" for n in range(ROWS) if n % 10 == 1]
    leavers = write_labels(tmp_path / "leavers.csv", [(each, GONE) for each in ids])
    assert "--others-stayed" in refused(run, model, leavers)
    document = measured(run, model, leavers, others_stayed=True)
    assert document["overall"] == full["overall"]
    assert "Customers without a label were taken to have stayed" in sentences.told(document)
    alone = tmp_path / "ids.csv"
    alone.write_text("\n".join(["CLIENTNUM", *ids]))
    assert "--others-stayed" in refused(run, model, alone)
    document = measured(run, model, alone, others_stayed=True)
    assert document["overall"] == full["overall"]
    assert "everybody in them was taken as one who cancelled" in " ".join(sentences.told(document))
    alone.write_text(leavers.read_text().replace("Attrition_Flag", "Attrition_Flg"))
    assert "--map" in refused(run, model, alone, others_stayed=True)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("CLIENTNUM,Attrition_Flag\n0000001,left\n", "expected 'Attrited Customer'"),
        ("Attrition_Flag,x\nExisting Customer,1\n", "no column CLIENTNUM"),
        ("CLIENTNUM,Attrition_Flg\n0000001,0\n", '--map "Attrition_Flg=Attrition_Flag"'),
        ("CLIENTNUM,Attrition_Flag\nelsewhere,0\n", "has no id of a customer of run"),
        ("CLIENTNUM,Attrition_Flag\n0000000,0\n", "says of none of the 200 customers"),
        ("", "is empty"),
    ],
)
def test_labels_that_tell_nothing_are_refused_in_one_line(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path, content: str, expected: str
) -> None:
    path = tmp_path / "later.csv"
    path.write_text(content)
    assert expected in refused(make_run(), model, path)


def test_labels_by_other_names_are_read_as_they_are_mapped(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    text = later(tmp_path / "later.csv").read_text().replace("Attrition_Flag", "status")
    (tmp_path / "other.csv").write_text(text.replace(",", ";"))
    reading = ReadingOptions(map=("status=Attrition_Flag",))
    found = measured(run, model, tmp_path / "other.csv", reading=reading)
    assert found["overall"] == measured(run, model, later(tmp_path / "later.csv"))["overall"]


def test_a_file_without_ids_cannot_be_joined(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run(customers().replace("CLIENTNUM", "Somebody", 1))
    assert "has no column CLIENTNUM" in refused(run, model, later(tmp_path / "later.csv"))


def test_a_model_that_never_knew_who_churned_expects_nothing(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    clusters = tuple(replace(cluster, churn=None) for cluster in model.clusters)
    blind = replace(model, clusters=clusters)
    message = refused(make_run(), blind, later(tmp_path / "later.csv"))
    assert "whose training did not know who churned" in message


def test_the_day_of_outcomes_is_not_before_the_file_s_nor_to_come(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run, labels = make_run(), later(tmp_path / "later.csv")
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    assert "a day that has come" in refused(run, model, labels, as_of=tomorrow)
    dated: Any = {**run.manifest, "as_of": "2026-10-31"}
    run = replace(run, manifest=dated)
    assert "not before 2026-10-31" in refused(run, model, labels, as_of=date(2026, 10, 30))
    assert measured(run, model, labels)["scored_as_of"] == "2026-10-31"


def test_outcomes_of_a_file_in_another_unit_are_told_before_all_else(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    summary = json.loads(run.files.read("summary.json"))
    summary["drift"]["implausible"] = ["Credit_Limit"]
    run.files.replace("summary.json", json.dumps(summary).encode())
    document = measured(open_run(run.address), model, later(tmp_path / "later.csv"))
    assert sentences.told(document)[0].startswith("Of the scored file the unit of Credit_Limit")


@pytest.mark.parametrize("written", ["csv", "parquet", "xlsx"])
def test_a_campaign_is_held_against_its_control_group(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path, written: Any
) -> None:
    run, path = make_run(), tmp_path / f"list.{written}"
    spec = AudienceSpec(control=0.3, format=written, day=DAY)
    counts = write_audience(run, spec, path).counts
    document = measured(run, model, later(tmp_path / "later.csv"), audience=path)
    audience = document["audience"]
    assert audience is not None
    contacted, control = audience["contacted"], audience["control"]
    assert contacted is not None and control is not None
    assert (contacted["customers"], control["customers"]) == (counts.contact, counts.control)
    assert audience["counts"]["counted"] == counts.listed == audience["counts"]["rows"]
    assert f"{counts.contact} counted customers contacted" in " ".join(sentences.told(document))
    assert audience["verdict"] == "cannot tell yet"


def test_a_list_of_another_run_or_without_control_is_refused(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run, labels, path = make_run(), later(tmp_path / "later.csv"), tmp_path / "list.csv"
    write_audience(run, AudienceSpec(day=DAY), path)
    assert "write the list with --control 10%" in refused(run, model, labels, audience=path)
    write_audience(run, AudienceSpec(control=0.3, day=DAY), path)
    other: Any = {**run.manifest, "run": "another"}
    message = refused(replace(run, manifest=other), model, labels, audience=path)
    assert f"is a list of run {run.manifest['run']}, expected one of run another" in message
    path.write_text(path.read_text().replace("true", "maybe"))
    assert "expected true or false, found 'maybe'" in refused(run, model, labels, audience=path)


def test_a_risk_is_held_against_what_became_of_its_customers(
    model: ClusterModel, tmp_path: Path
) -> None:
    rates = [(f"{n:07d}", None if n == 7 else n / ROWS) for n in range(ROWS)]
    run = risk_run(tmp_path / "run", rates)
    manifest: Any = {**run.manifest, "input": {**run.manifest["input"], "identity": "sha256:0"}}
    states = [(f"{n:07d}", GONE if n % 4 < 3 * n / ROWS else THERE) for n in range(ROWS)]
    labels = write_labels(tmp_path / "later.csv", states)
    risk = measured(replace(run, manifest=manifest), model, labels)["rankings"]["risk"]
    assert risk is not None and risk["auc"] is not None
    assert risk["customers"] == ROWS - 1
    assert risk["auc"]["low"] > 0.6
    assert sorted(each["customers"] for each in risk["tenths"]) == [19, *[20] * 9]


def test_a_run_that_was_changed_is_refused(model: ClusterModel, tmp_path: Path) -> None:
    run = risk_run(tmp_path / "run", [("0000001", 0.5), ("0000002", 0.25)])
    labels = write_labels(tmp_path / "later.csv", [("0000001", GONE), ("0000002", THERE)])
    path = tmp_path / "run" / "assigned.csv"
    text = path.read_text()
    for own, other in ((",1,A,", ",77,A,"), (",0.25,", ",much,")):
        path.write_text(text.replace(own, other))
        assert "are not what was written" in refused(run, model, labels)


def test_outcomes_are_written_once_beside_the_run(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    first = measured(run, model, later(tmp_path / "later.csv"))
    assert keep(first, run.files, folder_of(first)) == first
    path = Path(run.address) / "outcomes" / first["outcomes"]
    assert {each.name for each in path.iterdir()} == {"outcomes.json", "outcomes.html"}
    assert json.loads((path / "outcomes.json").read_text()) == first
    changed: OutcomesDocument = {**first, "churned_word": "left"}
    assert keep(changed, run.files, folder_of(changed)) == first  # what is there stays
    second = measured(run, model, later(tmp_path / "more.csv", churned=5))
    keep(second, run.files, folder_of(second))
    assert {each["outcomes"] for each in kept(run)} == {first["outcomes"], second["outcomes"]}
    assert run.manifest["bytes"].keys() <= {each.name for each in Path(run.address).iterdir()}
    keep(first, FolderStorage(tmp_path / "own"))
    with pytest.raises(WrongFile, match="not replaced; choose another --out"):
        keep(second, FolderStorage(tmp_path / "own"))


def test_a_crash_before_the_document_leaves_no_outcomes(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run()
    document = measured(run, model, later(tmp_path / "later.csv"))
    folder = Path(run.address) / folder_of(document)
    folder.mkdir(parents=True)
    (folder / "outcomes.html").write_text("half")
    assert kept(run) == []
    keep(document, run.files, folder_of(document))
    assert kept(run) == [document]
    assert (folder / "outcomes.html").read_text() == render(document)


def test_neither_document_nor_page_has_a_customer(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    run = make_run(customers().replace("\n0", "\nid-"))
    document = measured(run, model, later(tmp_path / "later.csv", write="id-{:06d}"))
    page = render(document)
    for text in (json.dumps(document), page):
        assert "id-0" not in text
        assert str(tmp_path) not in text
    assert render(document) == page and "http" not in page.replace("http-equiv", "")
    assert sentences.headline(document) in page


def test_what_stands_in_a_name_is_text_on_the_page(
    make_run: MakeRun, model: ClusterModel, tmp_path: Path
) -> None:
    document = measured(make_run(), model, later(tmp_path / "later.csv"))
    document["input"]["name"] = document["clusters"][0]["cluster_name"] = (
        "<script>alert(1)</script>"
    )
    assert "<script>" not in render(document)
