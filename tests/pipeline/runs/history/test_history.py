"""What a history says of entries: which count, what changed, and what is odd."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from model_store import NotFound
from pipeline.runs.history.changes import changes
from pipeline.runs.history.entry import LedgerEntry, entry_name
from pipeline.runs.history.history import History, make_history
from pipeline.runs.history.ledger import Ledger
from pipeline.runs.history.shares import (
    Share,
    expected_churn,
    group_shares,
    observed_churn,
    rejected_share,
)
from pipeline.scoring.period import PeriodPattern
from tests.support.histories import (
    CHURN,
    REJECTED,
    SHARES,
    drift,
    entry,
    fresh_file,
    same_customers,
)

NOW = datetime(2026, 12, 24, tzinfo=UTC)
RUN = "customers-2026-01-01.csv/v1-2026-01-01"


def history(*entries: LedgerEntry, **given: Any) -> History:
    return make_history(Ledger(list(entries)), "results", now=NOW, **given)


def notes(found: History, *kinds: str) -> list[str]:
    return [note.text for note in found.notes if not kinds or note.kind in kinds]


def test_periods_stand_in_order_whatever_order_they_came_in() -> None:
    found = history(entry("2026-03-01"), entry("2026-01-01"), entry("2026-02-01"))
    days = [point.entry["as_of"] for point in found.points]
    assert days == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert found.series == "customers-*.csv"


def test_files_that_stay_alike_need_no_note() -> None:
    counts = [(600, 400), (598, 402), (605, 395)]
    entries = [entry(f"2026-0{n}-01", each) for n, each in enumerate(counts, start=1)]
    assert notes(history(*entries, runs={each["run"] for each in entries})) == []


def test_of_a_period_that_came_twice_the_last_counts() -> None:
    again = entry("2026-01-01", (500, 500), run="a/2", committed="2026-02-03T00:00:00+00:00")
    found = history(again, entry("2026-01-01", identity="sha256:first"), entry("2026-02-01"))
    assert found.points[0].entry["run"] == "a/2"
    assert [each["run"] for each in found.points[0].replaced] == [RUN]
    assert notes(found, "twice") == [
        "2026-01-01 was scored 2 times (another file); the last counts, a/2"
    ]
    assert notes(found, "late") == []  # the first came in time


def test_a_file_scored_anew_by_another_model_says_so() -> None:
    again = entry(
        "2026-01-01", run="a/2", model_version="v2", committed="2026-02-03T00:00:00+00:00"
    )
    assert notes(history(entry("2026-01-01"), again), "twice") == [
        "2026-01-01 was scored 2 times (the same file, with another model); the last counts, a/2"
    ]


def test_a_file_that_comes_again_as_another_period_is_noticed() -> None:
    found = history(entry("2026-01-01"), entry("2026-02-01", (590, 410)), entry("2026-03-01"))
    assert notes(found, "twice") == [
        "2026-03-01 has the same figures as 2026-01-01; was one file delivered twice?"
    ]
    few = [entry(f"2026-0{n}-01", (6, 4), churned=1) for n in (1, 2)]
    assert notes(history(*few), "twice") == []


def test_a_late_file_is_told_and_stands_where_it_belongs() -> None:
    late = entry("2026-01-01", committed="2026-02-20T00:00:00+00:00")
    found = history(entry("2026-02-01", (590, 410)), late)
    assert [point.entry["as_of"] for point in found.points] == ["2026-01-01", "2026-02-01"]
    assert notes(found) == ["2026-01-01 came late, after 2026-02-01"]


def test_months_that_are_scored_in_one_go_are_not_late() -> None:
    hours = {1: "09", 2: "08", 3: "10"}
    entries = [
        entry(f"2026-0{n}-01", (600 - n, 400 + n), committed=f"2026-05-01T{hour}:00:00+00:00")
        for n, hour in hours.items()
    ]
    assert notes(history(*entries)) == []
    first = entry("2026-04-01", (590, 410))
    assert notes(history(*entries, first)) == [
        "2026-01-01, 2026-02-01, 2026-03-01 came late, after 2026-04-01"
    ]


@pytest.mark.parametrize(
    ("committed", "expected"),
    [
        ("2027-06-01T00:00:00+00:00", "was committed at 2027-06-01T00:00:00+00:00, which is not"),
        ("2025-12-01T00:00:00+00:00", "belongs to 2026-01-01 and was scored before, on 2025-12-01"),
    ],
)
def test_clocks_that_are_apart_are_told(committed: str, expected: str) -> None:
    (note,) = notes(history(entry("2026-01-01", committed=committed)))
    assert expected in note


def test_a_day_ahead_is_no_other_clock() -> None:
    assert not notes(history(entry("2026-01-02", committed="2026-01-01T13:00:00+00:00")))
    assert not notes(history(entry("2026-01-01", committed="2026-12-24T20:00:00+00:00")))


def test_runs_and_entries_that_miss_each_other_are_told() -> None:
    found = make_history(
        Ledger([entry("2026-01-01")], ["_ledger/x.json"]), "results", runs={"b/2", "a/1"}, now=NOW
    )
    assert notes(found) == [
        "_ledger/x.json is damaged; history --rebuild writes it anew",
        "2026-01-01: the run customers-2026-01-01.csv/v1-2026-01-01 is gone; its figures stand, "
        f"its report does not. To leave it out, delete {entry_name(RUN)}",
        "2 runs have no entry in _ledger (a/1, b/2); history --rebuild adds them",
    ]
    assert not found.points[0].has_run


def test_nothing_is_compared_across_models() -> None:
    new = entry("2026-02-01", (100, 900), model_version="v2", contract_sha256="d" * 64)
    found = history(entry("2026-01-01"), new)
    assert [point.new_model for point in found.points] == [False, True]
    assert found.points[1].changes == []
    assert notes(found) == [
        "2026-02-01: a new model, v2; nothing is compared across it",
        "2026-02-01: its contract is another one; the groups may mean something else",
    ]


def test_a_file_in_another_unit_is_told_and_compared_with_nothing_but_its_rejects() -> None:
    odd = entry("2026-02-01", (10, 990), rejected=400, drift=drift(["amount"]))
    found = history(entry("2026-01-01"), odd, entry("2026-03-01", (590, 410)))
    assert [point.changes != [] for point in found.points] == [False, True, False]
    (change,) = found.points[1].changes
    assert (change.what, change.direction) == ("rejected", "clearly higher")
    assert notes(found) == [
        "2026-02-01: implausible values in amount (another unit, such as cents?); its groups are "
        "not compared",
    ]
    assert group_shares(odd) == {} and expected_churn(odd) is None


def test_a_share_that_creeps_is_told_against_the_first_file() -> None:
    entries = [
        entry(f"2026-0{n}-01", (600 - 24 * n, 400 + 24 * n), churned=100) for n in range(1, 7)
    ]
    found = history(*entries)
    assert all(not point.changes for point in found.points[:3])
    assert {change.since for change in found.points[-1].changes} == {"2026-01-01"}
    assert notes(found, "changed") == [  # of the last file only
        "2026-06-01: share of group 1 lower than 2026-01-01: 57.6% then, 45.6% now",
        "2026-06-01: share of group 2 clearly higher than 2026-01-01: 42.4% then, 54.4% now",
    ]


def test_a_difference_that_is_sure_and_small_is_no_change() -> None:
    small = entry("2026-01-01", (600_000, 400_000)), entry("2026-02-01", (620_000, 380_000))
    assert history(*small).points[1].changes == []
    (change,) = history(small[0], entry("2026-02-01", (650_000, 350_000))).points[1].changes
    assert (change.what, change.cluster, change.direction) == ("group", 2, "lower")


def test_series_are_apart_and_others_are_named() -> None:
    eu = [entry(f"2026-0{n}-01", input=f"eu-2026-0{n}.csv", run=f"eu/{n}") for n in (1, 2)]
    found = history(*eu, entry("2026-01-01"))
    assert (found.series, found.others) == ("eu-*.csv", [("customers-*.csv", 1)])
    assert history(*eu, entry("2026-01-01"), series="customers-*.csv").others == [("eu-*.csv", 2)]
    with pytest.raises(NotFound, match=r"no history of x in results; there are: customers-\*"):
        history(*eu, entry("2026-01-01"), series="x")
    with pytest.raises(NotFound, match=r"no history .* in results"):
        history()


def test_uploads_of_the_page_are_a_series_that_nobody_gets_unasked() -> None:
    tried = [
        entry(f"2026-0{n}-01", input=f"page/{'x' * 31}{n}/a.csv", run=f"a/{n}") for n in (1, 2)
    ]
    found = history(*tried, entry("2026-01-01"))
    assert (found.series, found.others) == ("customers-*.csv", [("page/*/a.csv", 2)])
    assert history(*tried).series == "page/*/a.csv"


def test_the_latest_periods_are_compared_with_those_that_are_left_out() -> None:
    counts = [(700, 300), (600, 400), (600, 401)]
    entries = [entry(f"2026-0{n}-01", each) for n, each in enumerate(counts, start=1)]
    entries[1]["model_version"] = entries[2]["model_version"] = "v2"
    found = history(*entries, last=2)
    assert [point.entry["as_of"] for point in found.points] == ["2026-02-01", "2026-03-01"]
    assert found.earlier == 1 and not found.points[0].new_model and notes(found) == []
    assert history(*entries, last=5).earlier == 0
    same = [entry("2026-01-01", (700, 300)), entry("2026-02-01"), entry("2026-03-01", (601, 399))]
    assert history(*same, last=1).points[0].changes[0].since == "2026-01-01"


def test_without_a_pattern_each_name_is_a_series() -> None:
    none = PeriodPattern.from_text("none")
    found = history(entry("2026-01-01"), entry("2026-02-01"), periods=none)
    assert found.series == "customers-2026-02-01.csv" and len(found.others) == 1


def test_a_history_is_json() -> None:
    document = history(entry("2026-01-01"), entry("2026-02-01", (300, 700))).to_dict()
    assert [period["as_of"] for period in document["periods"]] == ["2026-01-01", "2026-02-01"]
    assert document["periods"][1]["changes"][0]["what"] == "group"


@pytest.mark.parametrize("size", [150, 1000])
@pytest.mark.parametrize("staying", [0.0, 0.9])
def test_where_nothing_changes_at_most_one_file_in_twenty_is_called_different(
    size: int, staying: float
) -> None:
    rng, alarms, files = np.random.default_rng(11), 0, 0
    for _ in range(200):
        entries = same_customers(6, size, staying, rng)
        for index in range(1, 6):
            files += 1
            alarms += bool(changes(entries[index], entries[:index]))
    assert files == 1000
    assert alarms <= 50


def test_a_shift_that_matters_is_found() -> None:
    rng, shifted = np.random.default_rng(12), (0.09, 0.37, 0.14, 0.22, 0.18)
    found = 0
    for _ in range(50):
        before = fresh_file("2026-01-01", SHARES, 2000, rng)
        after = fresh_file("2026-02-01", shifted, 2000, rng)
        found += any(change.cluster == 5 for change in changes(after, [before]))
    assert found >= 45


@pytest.mark.parametrize(
    ("measure", "truth"),
    [
        (lambda made: group_shares(made)[5], SHARES[4]),
        (observed_churn, CHURN),
        (rejected_share, REJECTED / (1 + REJECTED)),
        (expected_churn, sum(s * 0.1 * n for n, s in enumerate(SHARES, start=1))),
    ],
    ids=["share of a group", "churn", "rejected rows", "expected churn"],
)
def test_bands_hold_what_was_simulated(
    measure: Callable[[LedgerEntry], Share], truth: float
) -> None:
    rng, held = np.random.default_rng(13), 0
    for _ in range(1000):
        share = measure(fresh_file("2026-01-01", SHARES, int(rng.integers(150, 1500)), rng))
        held += share.low <= truth <= share.high
    assert 0.94 <= held / 1000 <= 0.96
