"""The same tests over runs in a folder and runs in S3."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from model_store import NotFound, S3Address
from model_store.storage.s3 import S3Storage
from pipeline.errors import WrongFile
from pipeline.runs import FAILED, MANIFEST, FolderRuns, RunKey, RunResult, RunStore, read_summary
from pipeline.runs.s3 import S3Runs
from pipeline.runs.store import failure
from pipeline.scoring.documents import Failure, Manifest

KEY = "deep/a b.csv", "20260101T000000Z-12345678-0123456789ab"


@pytest.fixture(params=["folder", "s3"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunStore:
    if request.param == "folder":
        return FolderRuns(tmp_path / "results")
    request.getfixturevalue("aws")  # for the client of what workers write
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    bucket = request.getfixturevalue("make_bucket")()
    return S3Runs(S3Storage(request.getfixturevalue("s3"), S3Address(bucket, "out/results")))


@pytest.fixture
def key() -> RunKey:
    return RunKey(KEY[0], lambda: KEY[1])


def write(folder: Path, rows: int = 2) -> Manifest:
    """What an engine writes, in small."""
    manifest = {
        "bytes": {"summary.json": 1, "assigned.csv/part-00000.csv": 1},
        "run": KEY[1],
        "rows_in": rows,
        "outputs": {"summary": "/".join([*KEY, "summary.json"])},
    }
    (folder / "summary.json").write_text(json.dumps({"rows_in": rows}))
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return cast(Manifest, manifest)


def commit(runs: RunStore, key: RunKey, check: Callable[[], None] = lambda: None) -> RunResult:
    with runs.begin(key) as workspace:
        return runs.commit(key, workspace, write(workspace.folder), check)


def refusal(problem: str = "is no table") -> Failure:
    return failure(KEY[0], "sha256:1", "v1", WrongFile("a.csv", problem))


def test_a_run_is_absent_until_it_is_committed_and_then_whole(runs: RunStore, key: RunKey) -> None:
    assert runs.find(key) is None
    with runs.begin(key) as workspace:
        manifest = write(workspace.folder)
        assert runs.find(key) is None
        result = runs.commit(key, workspace, manifest, lambda: None)
    assert result == RunResult("/".join(KEY), manifest, new=True)
    assert runs.find(key) == RunResult("/".join(KEY), manifest, new=False)
    assert read_summary(runs, manifest)["rows_in"] == 2


def test_what_ends_before_the_commit_leaves_nothing(
    runs: RunStore, key: RunKey, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), runs.begin(key) as workspace:
        write(workspace.folder)
        raise KeyboardInterrupt
    assert runs.find(key) is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_checkpoint_that_raises_leaves_the_run_uncommitted(runs: RunStore, key: RunKey) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit(runs, key, stop)
    assert runs.find(key) is None
    assert commit(runs, key).new


def test_of_two_workers_one_commits_and_both_get_the_same_run(runs: RunStore, key: RunKey) -> None:
    with runs.begin(key) as slow:
        manifest = write(slow.folder)
        assert commit(runs, RunKey(*KEY[:1], lambda: KEY[1])).new
        result = runs.commit(key, slow, manifest, lambda: None)
    assert result == RunResult("/".join(KEY), manifest, new=False)


def test_a_failure_is_written_once_and_found_unless_it_is_tried_again(
    runs: RunStore, key: RunKey
) -> None:
    result = runs.fail(key, refusal())
    assert (result.state, result.new, result.failure["code"]) == ("failed", True, "wrong_file")
    again = runs.fail(key, refusal("is another problem"))
    assert (again.new, again.failure["reason"]) == (False, "a.csv: is no table")
    found = runs.find(key)
    assert found is not None and (found.state, found.new) == ("failed", False)
    assert found.failure["problem"] == "is no table"
    assert runs.find(key, retry_failed=True) is None


def test_a_run_that_succeeds_at_last_is_no_failure_any_more(runs: RunStore, key: RunKey) -> None:
    runs.fail(key, refusal())
    assert runs.find(key, retry_failed=True) is None
    assert commit(runs, key).new
    found = runs.find(key)
    assert found is not None and found.state == "committed"
    with pytest.raises(NotFound):
        runs.read("/".join([*KEY, FAILED]))


def test_a_committed_run_never_fails(runs: RunStore, key: RunKey) -> None:
    commit(runs, key)
    result = runs.fail(key, refusal())
    assert (result.state, result.new) == ("committed", False)


def test_runs_of_other_ids_and_names_are_apart(runs: RunStore, key: RunKey) -> None:
    commit(runs, key)
    for name, run_id in ((KEY[0], "other"), ("deep/other.csv", KEY[1]), ("deep", KEY[1])):
        assert runs.find(RunKey(name, lambda run_id=run_id: run_id)) is None  # type: ignore[misc]


def test_a_file_that_is_not_there_is_not_found(runs: RunStore) -> None:
    with pytest.raises(NotFound):
        runs.read("deep/nothing/summary.json")


def test_rows_of_a_slower_worker_go_when_another_has_committed(runs: RunStore, key: RunKey) -> None:
    """It wrote them in other files: parts that were misread, and what only a driver reads."""
    with runs.begin(key) as slow:
        target = slow.shared()
        names = ("assigned.csv/part-00000.csv", "assigned.csv/part-00001-1.csv", "working/part.ids")
        for name in names:
            with target.staged(name) as path:
                path.write_text("rows")
        manifest = write(slow.folder)
        commit(runs, RunKey(KEY[0], lambda: KEY[1]))
        assert not runs.commit(key, slow, manifest, lambda: None).new
    for name in names[1:]:
        with pytest.raises(NotFound):
            runs.read("/".join([*KEY, name]))


def test_a_failure_is_written_anew_where_that_is_asked_for(runs: RunStore, key: RunKey) -> None:
    runs.fail(key, refusal())
    assert runs.fail(key, refusal("is another problem"), replace=True).new
    found = runs.find(key)
    assert found is not None and found.failure["problem"] == "is another problem"
