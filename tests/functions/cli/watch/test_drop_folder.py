"""The local drop folder."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from functions.cli.watch.drop_folder import DropFolder, Report
from functions.live_model import LiveModel
from model_store import BUNDLED, NotFound, S3Address, Store, Temporary, open_store
from model_store.storage.s3 import S3Storage
from pipeline.errors import WrongFile
from pipeline.runs import FolderRuns, WholeFile, read_summary
from pipeline.runs.history.ledger import read_ledger
from pipeline.runs.s3 import S3Runs
from pipeline.scoring.documents import Manifest
from pipeline.scoring.period import PeriodPattern
from pipeline.scoring.process.isolated import Isolated
from pipeline.scoring.spec import Options
from tests.support.live import COMMAND

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROWS = "CLIENTNUM,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n1,0,1900,38\n2,900,4000,70\n"
Results = list[Any]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def results() -> Results:
    return []


def live_model(store: Store) -> LiveModel:
    return LiveModel(store, "champion", log=lambda line: None)


@pytest.fixture
def folder(inbox: Path, tmp_path: Path) -> DropFolder:
    store = open_store(BUNDLED)
    return DropFolder(
        inbox, FolderRuns(tmp_path / "out"), live_model(store), Options(), settle=0.05
    )


@pytest.fixture
def watching(folder: DropFolder, results: Results) -> Iterator[Callable[[int], None]]:
    """Watches in a thread; what it gives waits until so many results are there."""
    thread = threading.Thread(target=folder.watch, args=[results.append])
    thread.start()

    def wait(count: int) -> None:
        deadline = time.monotonic() + 20
        while len(results) < count:
            assert time.monotonic() < deadline, results
            time.sleep(0.02)

    yield wait
    folder.stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_dropped_file_is_scored_once(
    inbox: Path, watching: Callable[[int], None], results: Results, tmp_path: Path
) -> None:
    (inbox / "customers.csv").write_text(ROWS)
    watching(1)
    time.sleep(0.3)
    (manifest,) = results
    assert manifest["rows_assigned"] == 2
    assert (tmp_path / "out" / manifest["outputs"]["assigned"]).exists()
    assert [path.name for path in inbox.iterdir()] == ["customers.csv"]


def test_files_that_were_there_before_and_that_change_later_are_scored(
    folder: DropFolder, inbox: Path, results: Results
) -> None:
    (inbox / "a.csv").write_text(ROWS)
    thread = threading.Thread(target=folder.watch, args=[results.append])
    thread.start()
    for count in (1, 2):
        deadline = time.monotonic() + 20
        while len(results) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        (inbox / "a.csv").write_text(ROWS + "3,1,1,1\n")
    folder.stop.set()
    thread.join(10)
    assert [manifest["rows_in"] for manifest in results] == [2, 3]


def test_a_file_that_still_grows_or_is_unfinished_by_name_waits(
    folder: DropFolder, inbox: Path, results: Results
) -> None:
    for name in ("x.csv.part", ".hidden.csv", "~$book.xlsx", "empty.csv"):
        (inbox / name).write_text("" if name == "empty.csv" else ROWS)
    (inbox / "subfolder").mkdir()
    for number in range(4):
        (inbox / "growing.csv").write_text(ROWS + "3,1,1,1\n" * number)
        folder.scan(results.append)
        time.sleep(0.03)
    assert results == []
    time.sleep(0.1)
    folder.scan(results.append)
    assert [manifest["rows_in"] for manifest in results] == [5]


def test_a_refused_file_is_told_written_down_and_not_tried_again(
    folder: DropFolder, inbox: Path, results: Results, tmp_path: Path
) -> None:
    (inbox / "notes.csv").write_text("a,b\n1,2\n")
    for _ in range(4):
        folder.scan(results.append)
        time.sleep(0.06)
    (error,) = results
    assert isinstance(error, WrongFile)
    (failed,) = (tmp_path / "out").glob("notes.csv/*/failed.json")
    assert json.loads(failed.read_text())["reason"] == str(error)


def test_a_file_that_ends_its_reader_is_refused_and_the_others_scored(
    folder: DropFolder, inbox: Path, results: Results, tmp_path: Path
) -> None:
    folder.engine = WholeFile(Isolated(module="tests.support.dying"))
    for name, content in {"a.csv": ROWS, "b.csv": "abort", "c.csv": ROWS}.items():
        (inbox / name).write_text(content)
    for _ in range(3):
        folder.scan(results.append)
        time.sleep(0.06)
    first, refused, last = results
    assert [found["input"]["name"] for found in (first, last)] == ["a.csv", "c.csv"]
    assert "the reader ended with signal 6" in str(refused)
    (failed,) = (tmp_path / "out").glob("b.csv/*/failed.json")
    assert json.loads(failed.read_text())["reason"] == str(refused)


def test_a_file_waits_while_there_is_no_model(
    folder: DropFolder, inbox: Path, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.cli.watch.drop_folder._RETRY_SECONDS", 0.05)
    folder.live_model.reference = "nobody"
    (inbox / "customers.csv").write_text(ROWS)
    for reference in ("nobody", "nobody", "champion", "champion", "champion"):
        folder.live_model.reference = reference
        folder.scan(results.append)
        time.sleep(0.12)
    assert isinstance(results[0], NotFound)
    assert results[-1]["rows_assigned"] == 2


def test_a_name_that_is_no_text_is_told_once_and_the_others_are_scored(
    inbox: Path, watching: Callable[[int], None], results: Results
) -> None:
    (inbox / os.fsdecode(b"caf\xe9.csv")).write_text(ROWS)
    (inbox / "z.csv").write_text(ROWS)
    watching(2)
    time.sleep(0.3)
    error, manifest = results
    assert "has a name that is no text" in str(error)
    assert manifest["input"]["name"] == "z.csv"


def test_links_are_told_once_and_never_followed(
    folder: DropFolder, inbox: Path, results: Results, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("of others\n")
    (inbox / "link.csv").symlink_to(tmp_path / "secret")
    (inbox / "folder").symlink_to(tmp_path)
    os.mkfifo(inbox / "pipe.csv")
    for _ in range(3):
        folder.scan(results.append)
        time.sleep(0.06)
    assert ["is a symbolic link" in str(result) for result in results] == [True, True]
    assert not (tmp_path / "out").exists()
    (inbox / "link.csv").unlink()
    (inbox / "link.csv").write_text(ROWS)
    for _ in range(2):
        folder.scan(results.append)
        time.sleep(0.06)
    assert results[-1]["rows_in"] == 2


def test_a_folder_that_is_away_for_a_while_is_told_once_and_watched_again(
    inbox: Path, watching: Callable[[int], None], results: Results, tmp_path: Path
) -> None:
    (inbox / "a.csv").write_text(ROWS)
    watching(1)
    inbox.rename(tmp_path / "away")
    watching(2)
    time.sleep(0.3)
    (tmp_path / "away" / "b.csv").write_text(ROWS)
    (tmp_path / "away").rename(inbox)
    watching(3)
    assert isinstance(results[1], Temporary) and str(inbox) in str(results[1])
    assert [results[place]["input"]["name"] for place in (0, 2)] == ["a.csv", "b.csv"]


def test_an_error_of_ours_costs_one_file_only(inbox: Path, tmp_path: Path) -> None:
    class Broken(DropFolder):
        def _score(self, path: Path, report: Report) -> Manifest:
            if path.name == "a.csv":
                raise ArithmeticError("4711 of a customer")
            return super()._score(path, report)

    results: Results = []
    store = open_store(BUNDLED)
    folder = Broken(inbox, FolderRuns(tmp_path / "out"), live_model(store), Options(), settle=0.05)
    for name in ("a.csv", "b.csv"):
        (inbox / name).write_text(ROWS)
    for _ in range(3):
        folder.scan(results.append)
        time.sleep(0.06)
    error, manifest = results
    assert "a.csv: could not be scored (ArithmeticError at " in str(error)
    assert "4711" not in str(error)
    assert manifest["input"]["name"] == "b.csv"


def test_a_table_is_not_watched(folder: DropFolder, inbox: Path, results: Results) -> None:
    (inbox / "_delta_log").mkdir()
    (inbox / "_delta_log" / "0.json").write_text("{}")
    with pytest.raises(WrongFile, match="Delta"):
        folder.watch(results.append)


@pytest.mark.parametrize("wrong", ["nowhere", "the inbox itself"])
def test_a_folder_that_cannot_be_watched_is_refused(
    folder: DropFolder, results: Results, wrong: str
) -> None:
    if wrong == "nowhere":
        folder.inbox = folder.inbox / "nowhere"
    else:
        folder.runs = FolderRuns(folder.inbox)
    with pytest.raises(WrongFile):
        folder.watch(results.append)


def test_the_command_scores_and_ends_cleanly_when_told(inbox: Path, tmp_path: Path) -> None:
    (inbox / "customers.csv").write_text(ROWS)
    options = ["--out", str(tmp_path / "out"), "--settle", "0.1", "--json"]
    command = [str(COMMAND), "watch", str(inbox), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 20
        while not list((tmp_path / "out").glob("*/*/manifest.json")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        out, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert json.loads(out)["rows_assigned"] == 2


def test_a_challenger_assigns_what_is_dropped_as_well(
    folder: DropFolder,
    watching: Callable[[int], None],
    inbox: Path,
    results: Results,
    tmp_path: Path,
) -> None:
    folder.challenger = "original"
    (inbox / "a.csv").write_text(ROWS)
    watching(1)
    assert results[0]["options"]["challenger"] == open_store(BUNDLED).resolve("original")
    summary = json.loads((tmp_path / "out" / results[0]["outputs"]["summary"]).read_text())
    assert summary["challenger"]["unassigned"] == 2  # it reads other columns


@pytest.mark.parametrize(("reference", "told"), [("best", ["no model 'best'"]), ("champion", [])])
def test_customers_do_not_wait_for_a_challenger(
    folder: DropFolder, watching: Callable[[int], None], inbox: Path, results: Results,
    reference: str, told: list[str],
) -> None:  # fmt: skip
    folder.challenger = reference
    (inbox / "a.csv").write_text(ROWS)
    watching(1 + len(told))
    assert [str(result).partition(" in")[0] for result in results[:-1]] == told
    assert results[-1]["rows_assigned"] == 2
    assert "challenger" not in results[-1]["options"]


def test_a_name_says_the_period_of_its_file(folder: DropFolder, results: Results) -> None:
    folder.periods = PeriodPattern.from_text("stand_{month}.{year}")
    (folder.inbox / "stand_11.2026.csv").write_text(ROWS)
    for _ in range(2):
        folder.scan(results.append)
        time.sleep(0.06)
    (entry,) = read_ledger(folder.runs.files).entries
    assert (entry["as_of"], entry["dated_by"]) == ("2026-11-01", "name")


def test_results_go_to_s3_as_well(
    inbox: Path, results: Results, s3: "S3Client", make_bucket: Callable[[], str]
) -> None:
    runs = S3Runs(S3Storage(s3, S3Address(make_bucket(), "results")))
    folder = DropFolder(inbox, runs, live_model(open_store(BUNDLED)), Options(), settle=0.05)
    (inbox / "a.csv").write_text(ROWS)
    (inbox / "b.csv").write_text("a,b\n1,2\n")
    for _ in range(3):
        folder.scan(results.append)
        time.sleep(0.06)
    manifest, refusal = results
    assert read_summary(runs, manifest)["rows_assigned"] == 2
    assert isinstance(refusal, WrongFile)
    (failed,) = runs.files.names("b.csv")
    assert json.loads(runs.read(f"b.csv/{failed}/failed.json"))["problem"] == refusal.problem


def test_prometheus_gets_the_figures_of_a_worker_at_a_port_of_its_own(
    inbox: Path, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (inbox / "one.csv").write_text(ROWS)
    command: list[str | Path] = [COMMAND, "watch", inbox, "--out", tmp_path / "out"]
    command += ["--settle", "0.1", "--metrics-port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until, text = time.monotonic() + 30, ""
        while "customer_clusters_files_scored_total 1.0" not in text:
            assert time.monotonic() < until, text
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                text = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert "customer_clusters_rows_in_total 2.0" in text
        assert 'customer_clusters_model_info{alias="champion",name="default"' in text
        assert "one.csv" not in text
        taken = subprocess.run(command, capture_output=True, text=True)
        assert taken.returncode == 2
        assert taken.stderr == (
            f"Error: port {port} of 127.0.0.1 is taken; choose another with --metrics-port\n"
        )
    finally:
        process.terminate()
        assert process.wait(30) == 0
