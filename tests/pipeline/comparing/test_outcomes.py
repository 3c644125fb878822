"""Outcomes are evidence about two versions, for or against the new one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model_store import Store, open_store
from pipeline.comparing import NotPromoted, compare, promote
from pipeline.comparing.outcomes import Evidence, against
from pipeline.comparing.page import render
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.outcome_documents import LabelledFile, OutcomesDocument
from tests.pipeline.comparing.test_promotion import METRICS, published
from tests.support.outcomes import document

AS_TRAINED = ((400, 2_000), (4_000, 4_000))
HIGHER = ((900, 2_000), (4_000, 4_000))
SHIFTED = (0.2, 0.5)
"""The rates of a model that knows it."""
ELSEWHERE = LabelledFile(name="other.csv", identity="sha256:9")


def of(version: str, outcome: Any = AS_TRAINED, **chosen: Any) -> OutcomesDocument:
    return document(version, *outcome, **chosen)


def evidence(*documents: OutcomesDocument) -> list[Evidence]:
    return [Evidence(each, each["model_version"] == "new") for each in documents]


def test_rates_that_came_true_are_no_objection() -> None:
    assert against([]) == []
    assert against(evidence(of("new"), of("old"))) == []
    assert against(evidence(of("old", HIGHER))) == []  # why the old one is to be replaced


def test_rates_that_did_not_come_true_speak_against_the_new_version() -> None:
    (objection,) = against(evidence(of("new", HIGHER), of("old", HIGHER, rates=(0.225, 0.5))))
    assert objection == (
        "its churn rates did not come true: of 8,000 customers of customers.csv 2,900 cancelled by "
        "2026-11-27, expected were 2,400: higher (cluster 1 higher)"
    )
    assert len(against(evidence(of("new", HIGHER)))) == 1
    other = of("old", HIGHER, input=ELSEWHERE)  # of other customers: no excuse
    assert len(against(evidence(of("new", HIGHER), other))) == 1


def test_where_the_rates_of_neither_came_true_the_world_has_changed() -> None:
    assert against(evidence(of("new", HIGHER), of("old", HIGHER))) == []


def test_who_foresaw_worse_on_the_same_customers_is_not_to_replace_the_other() -> None:
    blind = of("new", ((1_180, 1_220), (4_000, 4_000)), rates=(0.295, 0.305))
    (objection,) = against(evidence(blind, of("old")))
    assert "it foresaw worse who cancelled: AUC 0.506, the champion's is 0.7" in objection
    assert against(evidence(blind, of("old", input=ELSEWHERE))) == []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def write(folder: Path, content: OutcomesDocument) -> str:
    folder.mkdir()
    (folder / "outcomes.json").write_text(json.dumps(content))
    return str(folder)


def test_the_gate_reads_outcomes_and_the_history_names_them(
    store: Store, model: ClusterModel, tmp_path: Path
) -> None:
    champion = promote(store, published(store, model, None), "the first", "anna")
    candidate = published(store, model, 0.05, champion, metrics=METRICS)
    off = write(tmp_path / "off", of(candidate, HIGHER))
    with pytest.raises(NotPromoted, match="its churn rates did not come true"):
        promote(store, candidate, "better", "anna", outcomes=[off])
    good = write(tmp_path / "good", of(candidate))
    promote(store, candidate, "better", "anna", outcomes=[f"{good}/outcomes.json"])
    details = store.history()[-1][0].to_dict()["details"]
    assert details["outcomes"] == ["2026-11-27-0123456789ab"]


def test_a_comparison_shows_them(store: Store, model: ClusterModel, tmp_path: Path) -> None:
    old, new = (store.open(published(store, replace(model), None)) for _ in range(2))
    paths = [
        write(tmp_path / "old", of(old.version, HIGHER)),
        write(tmp_path / "new", of(new.version, HIGHER, rates=SHIFTED)),
    ]
    comparison = compare(old, new, outcomes=paths)
    stated = comparison.to_dict()["outcomes"]
    assert [(each["of"], each["verdict"]) for each in stated] == [
        ("old", "higher"), ("new", "as trained")
    ]  # fmt: skip
    assert stated[0]["clusters_off"] == [1]
    assert "cluster 1: higher" in render(comparison)
    assert compare(old, new).to_dict()["outcomes"] == []
    assert 'id="outcomes"' not in render(compare(old, new))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "has no outcomes.json; name one"),
        ("[]", "is not what the command outcomes writes"),
        ('{"model_version": "v"}', "is not what the command outcomes writes"),
        (json.dumps(document("another", *AS_TRAINED)), "has outcomes of model another, expected"),
    ],
)
def test_another_file_is_refused(
    store: Store, model: ClusterModel, tmp_path: Path, content: str | None, problem: str
) -> None:
    old, new = (store.open(published(store, model, None)) for _ in range(2))
    if content is not None:
        (tmp_path / "outcomes.json").write_text(content)
    with pytest.raises(WrongFile, match=problem):
        compare(old, new, outcomes=[str(tmp_path)])
