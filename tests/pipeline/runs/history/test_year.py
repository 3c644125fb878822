"""A simulated year: files of members who move by a known matrix, scored month by month.

One month is in cents, one is delivered twice, a new model comes in September, and from June on
more members move to the group that leaves most.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.runs import FolderRuns, LocalInput, WholeFile, score
from pipeline.runs.history.history import History, make_history
from pipeline.runs.history.ledger import committed_runs, read_ledger, rebuild
from pipeline.runs.history.page import render_history
from pipeline.runs.history.shares import expected_churn, group_shares, observed_churn
from pipeline.scoring.spec import ScoringSpec
from tests.support.web import Page

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.training import Trained

MEMBERS, CENTS, TWICE, CAMPAIGN, NEW_MODEL = 3000, 4, 3, 6, 9
"""So many members, and the months in which things happen."""
LEFT = np.array([0.6, 0.1, 0.02])
KINDS = ((2, 20, "basic"), (20, 25, "basic"), (14, 80, "plus"))
STEADY = np.array([[0.90, 0.06, 0.04], [0.05, 0.90, 0.05], [0.06, 0.04, 0.90]])
"""How members move in a month, from row to column."""
UNSETTLED = np.array([[0.97, 0.02, 0.01], [0.12, 0.84, 0.04], [0.10, 0.04, 0.86]])


def stationary(matrix: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The shares that a matrix leads to in the end."""
    shares: NDArray[np.float64] = np.linalg.matrix_power(matrix, 500)[0]
    return shares


def moved(
    kinds: "NDArray[np.intp]", matrix: "NDArray[np.float64]", rng: np.random.Generator
) -> "NDArray[np.intp]":
    """Where each member is a month later."""
    limits = matrix.cumsum(axis=1)[kinds]
    later: NDArray[np.intp] = (rng.random(len(kinds))[:, None] > limits).sum(axis=1)
    return np.minimum(later, 2)


def write(path: Path, kinds: "NDArray[np.intp]", rng: np.random.Generator, unit: int = 1) -> None:
    """The file of a month; five members have no number of visits."""
    left = rng.random(len(kinds)) < LEFT[kinds]
    lines = ["member,visits,fee,plan,cancelled"]
    for number, kind in enumerate(kinds):
        visits, fee, plan = KINDS[kind]
        shown = "often" if number < 5 else str(visits + rng.integers(-2, 3))
        amount = unit * round(rng.normal(fee, 2), 2)
        lines.append(f"{number:05d},{shown},{amount:.2f},{plan},{'yes' if left[number] else 'no'}")
    path.write_text("\n".join([*lines, ""]))


@pytest.fixture(scope="module")
def year(
    gym_trained: "Trained", tmp_path_factory: pytest.TempPathFactory
) -> tuple[FolderRuns, dict[int, "NDArray[np.float64]"]]:
    """The runs, and the true shares of the kinds in each month."""
    folder, rng = tmp_path_factory.mktemp("year"), np.random.default_rng(2026)
    runs, truth = FolderRuns(folder / "results"), {}
    kinds = rng.choice(3, MEMBERS, p=stationary(STEADY))
    for month in range(1, 13):
        truth[month] = np.bincount(kinds, minlength=3) / MEMBERS
        version = "v1" if month < NEW_MODEL else "v2"
        spec = ScoringSpec(gym_trained.model, version)
        for _ in range(2 if month == TWICE else 1):
            path = folder / f"members-2025-{month:02d}.csv"
            write(path, kinds, rng, 100 if month == CENTS else 1)
            score(LocalInput.at(path), spec, runs, WholeFile())
        kinds = moved(kinds, STEADY if month + 1 < CAMPAIGN else UNSETTLED, rng)
    return runs, truth


@pytest.fixture(scope="module")
def history(year: tuple[FolderRuns, dict[int, "NDArray[np.float64]"]]) -> History:
    runs, _ = year
    return make_history(read_ledger(runs.files), str(runs), runs=committed_runs(runs.files).keys())


def month_of(day: str) -> int:
    return int(day[5:7])


def test_shares_and_churn_come_back_as_simulated(
    year: tuple[FolderRuns, dict[int, "NDArray[np.float64]"]],
    history: History,
    gym_trained: "Trained",
) -> None:
    order = np.argsort([-(c.churn.rate if c.churn else 0) for c in gym_trained.model.clusters])
    ids = [gym_trained.model.clusters[index].id for index in order]  # most leave from the first
    assert len(history.points) == 12
    for point in history.points:
        shares, true = group_shares(point.entry), year[1][month_of(point.entry["as_of"])]
        assert point.entry["rows_rejected"] == 5
        if month_of(point.entry["as_of"]) == CENTS:
            continue
        found = [shares[cluster].value for cluster in ids]
        assert found == pytest.approx(list(true), abs=0.004)  # but for the five
        churn, expected = observed_churn(point.entry), expected_churn(point.entry)
        assert churn and expected
        assert churn.value == pytest.approx(float(true @ LEFT), abs=0.03)
        assert expected.value == pytest.approx(float(true @ LEFT), abs=0.05)


def test_the_campaign_is_seen_from_its_month_on_and_nothing_before(
    history: History, gym_trained: "Trained"
) -> None:
    rates = {c.id: c.churn.rate for c in gym_trained.model.clusters if c.churn}
    riskiest = max(rates, key=rates.__getitem__)
    for point in history.points:
        month = month_of(point.entry["as_of"])
        risky = [c for c in point.changes if c.what == "group" and c.cluster == riskiest]
        if month < CAMPAIGN:
            assert point.changes == []
        elif month < NEW_MODEL:
            assert risky and all("higher" in change.direction for change in risky)
    churn = [c for point in history.points for c in point.changes if c.what == "churn"]
    assert churn and all("higher" in change.direction for change in churn)


def test_cents_the_month_twice_and_the_new_model_are_told(history: History) -> None:
    told = {note.kind: note.text for note in history.notes if note.kind != "changed"}
    assert set(told) == {"units", "twice", "model"}
    assert told["units"].startswith(f"2025-{CENTS:02d}-01: implausible values in fee (another unit")
    assert told["twice"].startswith(f"2025-{TWICE:02d}-01 was scored 2 times (another file); the ")
    assert told["model"].startswith(f"2025-{NEW_MODEL:02d}-01: a new model, v2; nothing is ")


def test_the_ledger_comes_back_from_the_manifests(
    year: tuple[FolderRuns, dict[int, "NDArray[np.float64]"]], history: History
) -> None:
    runs, _ = year
    files = runs.files
    for name in files.names("_ledger"):
        files.delete(f"_ledger/{name}")
    assert len(rebuild(files).added) == 13
    again = make_history(read_ledger(files), str(runs), runs=committed_runs(files).keys())
    for before, after in zip(history.points, again.points, strict=True):
        assert {**before.entry, "committed": ""} == {**after.entry, "committed": ""}
        assert before.changes == after.changes


def test_the_page_shows_the_year(history: History) -> None:
    html = render_history(history, lambda point: point.entry["report"])
    page = Page(html)
    assert page.one("h1").text == "Customers over timemembers-*.csv"
    links = [each for each in page.addresses if each.endswith("/report.html")]
    assert {*links} == {point.entry["report"] for point in history.points}
    assert links.count(history.points[-1].entry["report"]) >= 5  # groups, churn twice, tables
    assert len(page.all("line", **{"class": "model"})) == 9 + 3  # of nine charts and three keys
    assert "http" not in html.replace("http://www.w3.org", "")
