"""`customer-clusters notify`, and what `score` and `watch` tell."""

import json
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from functions.cli.watch.drop_folder import DropFolder
from functions.live_model import LiveModel
from model_store import BUNDLED, open_store
from pipeline.runs import FolderRuns
from pipeline.runs.notices import Notices, Outbox
from pipeline.scoring.spec import Options
from tests.support.dropping import customers
from tests.support.notices import SECRET_TEXT, Hook, Inbox, is_signed


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["notify", *map(str, arguments)])


def scored(tmp_path: Path, name: str = "march.csv") -> Result:
    file = tmp_path / name
    file.write_bytes(customers())
    return CliRunner().invoke(main, ["score", str(file), "--out", str(tmp_path / "results")])


def test_a_test_says_of_each_receiver_whether_it_arrived(hooked: Hook) -> None:
    result = run("--test")
    assert (result.exit_code, result.output) == (0, "webhook  delivered\n")
    assert is_signed(*hooked.got[0])
    hooked.answers = [401]
    result = run("--test")
    assert result.exit_code == 2
    assert "webhook  127.0.0.1 answered 401" in result.output
    assert "Error: not delivered to webhook" in result.output
    assert "t0ken" not in result.output
    assert SECRET_TEXT not in result.output


def test_a_test_is_a_document_for_machines(hooked: Hook) -> None:
    document = json.loads(run("--test", "--json").output)
    assert document == {"notice": hooked.ids[0], "receivers": {"webhook": "delivered"}}


def test_without_a_receiver_the_settings_are_named() -> None:
    result = run("--test")
    assert result.exit_code == 2
    assert "nobody is told of runs; set one of CUSTOMER_CLUSTERS_WEBHOOK, " in result.output


@pytest.mark.parametrize("arguments", [[], ["--test", "--deliver"]])
def test_it_is_one_of_two_things(arguments: list[str]) -> None:
    assert "give --test or --deliver" in run(*arguments).output


def test_a_wrong_setting_is_one_line(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_CLUSTERS_WEBHOOK", "http://example.org/t0ken")
    result = run("--test")
    assert result.exit_code == 2
    assert result.output.startswith("Error: CUSTOMER_CLUSTERS_WEBHOOK: expected an address that")
    assert "t0ken" not in result.output


def test_score_tells_and_what_did_not_arrive_is_delivered_on_demand(
    hooked: Hook, tmp_path: Path
) -> None:
    hooked.answers = [400]
    result = scored(tmp_path)
    assert result.exit_code == 0
    assert "Note: webhook did not take a notice: 127.0.0.1 answered 400" in result.output
    assert "t0ken" not in result.output
    out = tmp_path / "results"
    waiting = run("--deliver", "--out", tmp_path / "elsewhere")
    assert waiting.output == "0 sent; 0 waiting\n"
    assert run("--deliver", "--out", out).output == "1 sent; 0 waiting\n"
    document = json.loads(run("--deliver", "--json", "--out", out).output)
    assert document == {"sent": 0, "waiting": 0}
    assert hooked.events[0]["data"]["input"] == "march.csv"
    assert scored(tmp_path).exit_code == 0  # done before, told before
    assert len(hooked.got) == 1


def test_score_does_not_score_where_the_settings_are_wrong(
    hooked: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_CLUSTERS_WEBHOOK_SECRET", "hunter2")
    result = scored(tmp_path)
    assert result.exit_code == 2
    assert "CUSTOMER_CLUSTERS_WEBHOOK_SECRET: expected whsec_" in result.output
    assert "hunter2" not in result.output


def test_a_folder_that_is_watched_tells_of_runs_and_refusals(tmp_path: Path) -> None:
    inbox, stop = Inbox(), threading.Event()
    dropped, runs = tmp_path / "inbox", FolderRuns(tmp_path / "results")
    dropped.mkdir()
    (dropped / "a.csv").write_bytes(customers())
    (dropped / "b.csv").write_bytes(b"Jane,Doe\n1,2\n")
    model = LiveModel(open_store(BUNDLED), "champion", log=lambda line: None)
    notices = Notices((inbox,))
    folder = DropFolder(dropped, runs, model, Options(), 0.0, notices=notices, stop=stop)
    for _ in range(2):  # a file has settled at the second look
        folder.scan(lambda result: None)
    assert sorted(notice["type"] for notice in inbox.got) == ["run.committed", "run.refused"]
    assert "Jane" not in json.dumps(inbox.got)
    again = DropFolder(dropped, runs, model, Options(), 0.0, notices=notices, stop=stop)
    for _ in range(2):  # as after a restart
        again.scan(lambda result: None)
    assert len(inbox.got) == 2
    assert Outbox(runs.files).names() == []
