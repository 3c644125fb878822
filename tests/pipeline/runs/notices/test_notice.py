"""What is told of a run, and what is not."""

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from pipeline.errors import WrongFile
from pipeline.runs.notices import Rule
from pipeline.runs.notices.notice import calm, committed_notice, refused_notice
from pipeline.runs.store import failure
from pipeline.scoring.documents import Manifest
from tests.support.notices import small_manifest, small_summary

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIFTED = {"psi": 0.4, "critical_psi": 0.01, "verdict": "shifted"}
MOVED = {**SHIFTED, "verdict": "moved"}


def told(manifest: Manifest | None = None, rule: Rule | None = None, **drift: Any) -> Any:
    manifest = manifest or small_manifest()
    summary = small_summary(**drift)
    return committed_notice(manifest, summary, "march.csv/r", "out", rule or Rule(), NOW)


def kinds(notice: Any) -> list[str]:
    return [each["kind"] for each in notice["data"]["verdicts"]]


def test_a_run_of_which_nothing_is_unusual_counts_and_asks_for_nobody() -> None:
    notice = told(small_manifest(rows=1100, rejected=1))
    assert notice["type"] == "run.committed"
    assert notice["timestamp"] == "2026-03-01T12:00:00Z"
    assert notice["data"]["text"] == (
        "`march.csv`: 1,099 customers scored, 1 row rejected. Nothing unusual."
    )
    assert (notice["data"]["attention"], notice["data"]["verdicts"]) == (False, [])
    assert notice["data"]["rows_in"] == 1100
    assert "as_of" not in notice["data"]


def test_a_run_knows_the_day_it_belongs_to_where_the_manifest_does() -> None:
    manifest = cast(Manifest, {**small_manifest(), "as_of": "2026-02-28"})
    assert told(manifest)["data"]["as_of"] == "2026-02-28"


def test_a_unit_that_is_another_one_comes_first() -> None:
    notice = told(implausible=["Amount", "Balance"], features={"Amount": SHIFTED})
    assert kinds(notice) == ["units", "drift"]
    first = notice["data"]["verdicts"][0]
    assert first["features"] == ["Amount", "Balance"]
    assert "(1) the unit of Amount and Balance is probably another one" in notice["data"]["text"]


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        ({"features": {"Amount": MOVED}}, []),
        ({"features": {"Amount": SHIFTED}}, ["drift"]),
        ({"clusters": SHIFTED}, ["drift"]),
        ({"clusters": {**SHIFTED, "verdict": "implausible"}}, ["drift"]),
    ],
)
def test_what_has_shifted_is_worth_a_person_and_what_has_moved_is_not(
    drift: dict[str, Any], expected: list[str]
) -> None:
    assert kinds(told(**drift)) == expected


def test_churn_that_is_not_as_trained_is_told_in_the_models_word() -> None:
    churn = {"churned": 400, "customers": 900, "expected": 300.4, "clusters": []}
    manifest = cast(Manifest, {**small_manifest(), "label": {"churned_word": "cancelled"}})
    notice = told(manifest, churn={**churn, "verdict": "clearly higher"})
    assert notice["data"]["verdicts"] == [
        {"kind": "churn", "sentence": "400 cancelled where 300 were expected"}
    ]
    assert kinds(told(manifest, churn={**churn, "verdict": "as in training"})) == []


@pytest.mark.parametrize(("rejected", "expected"), [(5, []), (6, ["rejected"])])
def test_rejected_rows_are_worth_a_person_above_the_share_of_the_setting(
    rejected: int, expected: list[str]
) -> None:
    assert kinds(told(small_manifest(rejected=rejected))) == expected
    assert kinds(told(small_manifest(rejected=rejected), Rule(most_rejected=0.5))) == []


def test_a_run_without_rows_is_told() -> None:
    assert told(small_manifest(rows=0))["data"]["text"].startswith("`march.csv`: 0 customers")


def test_a_refusal_tells_its_code_and_not_the_reason_which_may_quote_a_cell() -> None:
    error = WrongFile("march.csv", "no column; the header is: Jane Doe, 0711 1234")
    document = failure("march.csv", "sha256:1", "v1", error)
    notice = refused_notice(document, "march.csv/r", "out", NOW)
    assert notice["type"] == "run.refused"
    assert notice["data"]["attention"]
    assert notice["data"]["code"] == "wrong_file"
    assert "failed.json" in notice["data"]["text"]
    assert "Jane" not in json.dumps(notice)
    without_run = refused_notice(document, "", "out", NOW)
    assert "The reason is in the log" in without_run["data"]["text"]


def test_the_same_run_has_the_same_id_and_another_run_another() -> None:
    assert told()["id"] == told(rule=Rule(0.9))["id"]
    others = committed_notice(small_manifest(), small_summary(), "march.csv/s", "out", Rule(), NOW)
    assert told()["id"] != others["id"]


def test_only_what_needs_attention_is_told_where_that_is_asked_for() -> None:
    rule = Rule(only_attention=True)
    assert not rule.tells(told())
    assert rule.tells(told(implausible=["Amount"]))
    assert Rule().tells(told())


def test_the_name_of_a_file_calls_nobody_in_a_chat() -> None:
    name = "<!channel> @here `x`\n\u202egpj.csv"
    assert calm(name) == "‹!channel› (at)here 'x'��gpj.csv"
    assert len(calm("x" * 5000)) == 200
