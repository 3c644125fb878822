"""The ledger beside runs in a folder and in S3: written once, repaired, and never in the way."""

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from model_store import Denied, FolderStorage
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.runs import MANIFEST, FolderRuns, LocalInput, RunResult, RunStore, WholeFile, score
from pipeline.runs.history.entry import LEDGER, entry_name
from pipeline.runs.history.ledger import committed_runs, read_ledger, rebuild, record, without_entry
from pipeline.runs.store import failure
from pipeline.scoring.period import DEFAULT_PERIODS
from pipeline.scoring.spec import ScoringSpec
from tests.pipeline.runs.history.conftest import Score
from tests.support.histories import customers_of

SECRET = "9123456789"


def test_a_run_has_an_entry_with_counts_and_verdicts(runs: RunStore, score_named: Score) -> None:
    result = score_named("customers-2026-11.csv")
    (entry,) = read_ledger(runs.files).entries
    assert entry["run"] == result.run
    assert (entry["as_of"], entry["dated_by"]) == ("2026-11-01", "name")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(entry["committed"])).seconds < 600
    assert entry["rows_in"] == 20 == sum(c["customers"] for c in entry["clusters"])
    assert entry["expected_churners"] and entry["churned"] is None
    assert entry["drift"]["clusters"]["verdict"] == "too few customers"
    assert runs.read(entry["report"]).startswith(b"<!doctype html>")


def test_no_id_of_a_customer_and_no_value_is_in_an_entry(
    runs: RunStore, score_named: Score
) -> None:
    lines = customers_of(20).replace("\n0007,", f"\n{SECRET},").replace(",6500,", ",6512.375,")
    result = score_named("customers.csv", lines)
    content = runs.read(entry_name(result.run)).decode()
    assert SECRET not in content and "6512" not in content
    assert SECRET in runs.read(result.manifest["outputs"]["assigned"]).decode()


@pytest.mark.parametrize(
    ("name", "as_of", "expected", "said"),
    [
        ("a-2026-11.csv", date(2026, 10, 31), ("2026-10-31", "option"), "2026-10-31"),
        ("a-2026-11.csv", None, ("2026-11-01", "name"), "2026-11-01"),
        ("a.csv", None, (date.today().isoformat(), "arrival"), None),
    ],
)
def test_a_person_says_the_period_else_the_name_else_the_day(
    runs: RunStore,
    score_named: Score,
    name: str,
    as_of: date | None,
    expected: tuple[str, str],
    said: str | None,
) -> None:
    result = score_named(name, as_of=as_of)
    (entry,) = read_ledger(runs.files).entries
    assert (entry["as_of"], entry["dated_by"]) == expected
    assert result.manifest.get("as_of") == said
    assert result.manifest["options"].get("as_of") == (as_of and as_of.isoformat())


def test_the_time_of_arrival_is_in_no_output_of_the_run(
    model: ClusterModel, tmp_path: Path
) -> None:
    path, found = tmp_path / "a.csv", []
    path.write_text(customers_of(20))
    for moment in ("one", "two"):
        runs = FolderRuns(tmp_path / moment)
        run = score(LocalInput.at(path), ScoringSpec(model, "v1"), runs, WholeFile()).run
        files = FolderStorage(tmp_path / moment / run)
        found.append({name: files.read(name) for name in files.names()})
        time.sleep(0.01)
    assert found[0] == found[1]


def test_another_period_of_the_same_file_is_another_run(runs: RunStore, score_named: Score) -> None:
    october, november = (score_named("a.csv", as_of=date(2026, m, 1)) for m in (10, 11))
    assert october.run != november.run
    assert score_named("a.csv", as_of=date(2026, 10, 1)).run == october.run
    entries = read_ledger(runs.files).entries
    assert sorted(entry["as_of"] for entry in entries) == ["2026-10-01", "2026-11-01"]


def test_a_run_of_before_the_ledger_gets_its_entry_when_it_is_found(
    runs: RunStore, score_named: Score
) -> None:
    run = score_named("a.csv").run
    written = runs.files.times(run, MANIFEST)[f"{run}/{MANIFEST}"]
    runs.files.delete(entry_name(run))
    assert not score_named("a.csv").new
    (entry,) = read_ledger(runs.files).entries
    apart = datetime.fromisoformat(entry["committed"]) - written
    assert abs(apart.total_seconds()) < 0.01


def test_an_entry_is_never_written_again(runs: RunStore, score_named: Score) -> None:
    run = score_named("a.csv").run
    content = runs.read(entry_name(run))
    score_named("a.csv")
    rebuilt = rebuild(runs.files)
    assert not (rebuilt.added or rebuilt.replaced or rebuilt.no_runs)
    assert runs.read(entry_name(run)) == content


def test_rebuild_writes_what_is_missing_or_damaged_from_manifests(
    runs: RunStore, score_named: Score
) -> None:
    found = [score_named(f"a-2026-{month}.csv").run for month in (10, 11, 12)]
    before = {run: json.loads(runs.read(entry_name(run))) for run in found}
    runs.files.delete(entry_name(found[0]))
    runs.files.replace(entry_name(found[1]), b'{"format": 1}')
    assert read_ledger(runs.files).damaged == [entry_name(found[1])]
    runs.files.create(f"other/{MANIFEST}", b"[]")
    rebuilt = rebuild(runs.files)
    assert (rebuilt.added, rebuilt.replaced) == ([found[0]], [found[1]])
    assert rebuilt.no_runs == ["other"]
    for run in found:
        after = json.loads(runs.read(entry_name(run)))
        assert {**after, "committed": ""} == {**before[run], "committed": ""}


def test_runs_without_entry_and_entries_without_run_are_known(
    runs: RunStore, score_named: Score
) -> None:
    first, second = (score_named(f"a-2026-{month}.csv").run for month in (10, 11))
    runs.files.delete(entry_name(first))
    runs.files.delete(f"{second}/{MANIFEST}")
    ledger, known = read_ledger(runs.files), committed_runs(runs.files)
    assert without_entry(known, ledger) == [first]
    assert [entry["run"] for entry in ledger.entries] == [second]


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"as_of": "2026-11"},
        {"committed": "2026-11-01T00:00:00"},
        {"run": "../../elsewhere"},
        {"rows_in": "many"},
        {"rows_in": -1},
        {"clusters": [{"cluster": 1}]},
        {"churned": 7},
    ],
)
def test_a_changed_entry_is_damaged_and_stops_nobody(
    tmp_path: Path, model: ClusterModel, change: dict[str, Any]
) -> None:
    runs, path = FolderRuns(tmp_path / "results"), tmp_path / "a.csv"
    path.write_text(customers_of(5))
    run = score(LocalInput.at(path), ScoringSpec(model, "v1"), runs, WholeFile()).run
    entry = json.loads(runs.read(entry_name(run)))
    runs.files.replace(entry_name(run), json.dumps({**entry, **change}).encode())
    ledger = read_ledger(runs.files)
    assert (ledger.entries, ledger.damaged) == ([], [entry_name(run)])


class Refusing(FolderStorage):
    """A folder that takes no entry."""

    def create(self, name: str, content: bytes) -> str:
        raise Denied(f"write {name}", str(self), "read-only")


class RefusingRuns(FolderRuns):
    """Runs whose ledger cannot be written."""

    @property
    def files(self) -> FolderStorage:
        return Refusing(self.root)


def test_a_ledger_that_cannot_be_written_fails_no_run_and_is_told(
    tmp_path: Path, model: ClusterModel
) -> None:
    path, told = tmp_path / "a.csv", list[str]()
    path.write_text(customers_of(5))
    spec = ScoringSpec(model, "v1")
    runs = RefusingRuns(tmp_path / "results")
    result = score(LocalInput.at(path), spec, runs, WholeFile(), tell=told.append)
    assert result.state == "committed"
    (note,) = told
    assert note.startswith(f"{result.run} is scored, and not in the history yet: not allowed to ")
    assert note.endswith("`customer-clusters history --rebuild` adds it")
    assert rebuild(FolderRuns(tmp_path / "results").files).added == [result.run]


WRITES = ["rename", "link"]
"""What makes a run and its entry appear in a folder."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_a_process_killed_at_a_write_leaves_what_the_next_completes(
    tmp_path: Path, model: ClusterModel, write: str, when: str
) -> None:
    path, runs = tmp_path / "a.csv", FolderRuns(tmp_path / "results")
    path.write_text(customers_of(5))
    spec = ScoringSpec(model, "v1")
    if (child := os.fork()) == 0:
        _die_at(write, when)
        score(LocalInput.at(path), spec, runs, WholeFile())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = read_ledger(runs.files)
    assert left.damaged == []
    assert {entry["run"] for entry in left.entries} <= set(committed_runs(runs.files))
    assert len(left.entries) == ((write, when) == ("link", "after"))
    result = score(LocalInput.at(path), spec, runs, WholeFile())
    assert result.new is ((write, when) == ("rename", "before"))
    assert [entry["run"] for entry in read_ledger(runs.files).entries] == [result.run]
    assert sorted(runs.files.names()) == [LEDGER, "a.csv"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_rebuild_killed_at_a_write_is_completed_by_the_next(
    tmp_path: Path, model: ClusterModel, nth: int, when: str
) -> None:
    runs, path = FolderRuns(tmp_path / "results"), tmp_path / "a.csv"
    for rows in (5, 6, 7):
        path.write_text(customers_of(rows))
        score(LocalInput.at(path), ScoringSpec(model, "v1"), runs, WholeFile())
    for name in runs.files.names(LEDGER):
        runs.files.delete(f"{LEDGER}/{name}")
    if (child := os.fork()) == 0:
        _die_at("link", when, nth)
        rebuild(runs.files)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = read_ledger(runs.files)
    assert (len(left.entries), left.damaged) == (nth - (when == "before"), [])
    assert len(rebuild(runs.files).added) == 3 - len(left.entries)
    assert len(read_ledger(runs.files).entries) == 3


def _die_at(write: str, when: str, nth: int = 1) -> None:
    """Let this process die before or after the nth time that it writes so."""
    owner: Any = os if write == "link" else Path
    whole: Callable[..., Any] = getattr(owner, write)
    times = iter(range(1, nth + 1))

    def deadly(*arguments: Any, **named: Any) -> None:
        if next(times) < nth:
            whole(*arguments, **named)
            return
        if when == "after":
            whole(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, write, deadly)


def test_workers_that_score_the_same_file_write_one_entry(
    runs: RunStore, score_named: Score
) -> None:
    results = [score_named("a.csv") for _ in range(3)]
    assert [result.new for result in results] == [True, False, False]
    assert runs.files.names(LEDGER) == [entry_name(results[0].run).rpartition("/")[2]]


def test_a_failed_run_has_no_entry(runs: RunStore, score_named: Score) -> None:

    document = failure("a.csv", "sha256:1", "v1", WrongFile("a.csv", "is no table"))
    record(runs, RunResult("a.csv/v1-1", document, new=True, state="failed"), DEFAULT_PERIODS)
    assert read_ledger(runs.files).entries == []
