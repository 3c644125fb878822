"""Notices over runs in a folder and in S3: kept, sent, kept again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model_store import Denied, S3Address, Temporary
from model_store.storage.s3 import S3Storage
from pipeline.errors import WrongFile
from pipeline.runs import FolderRuns, RunKey, RunResult, RunStore
from pipeline.runs.notices import Delivered, Notices, Outbox, Receiver, Rule
from pipeline.runs.notices.outbox import OUTBOX, TOLD
from pipeline.runs.s3 import S3Runs
from pipeline.runs.store import FAILED, failure
from tests.support.notices import Clock, Inbox, small_manifest, write_run

NAME = "deep/march.csv"
RUN = f"{NAME}/{small_manifest()['run']}"


@pytest.fixture(params=["folder", "s3"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RunStore:
    if request.param == "folder":
        return FolderRuns(tmp_path / "results")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    bucket = request.getfixturevalue("make_bucket")()
    return S3Runs(S3Storage(request.getfixturevalue("s3"), S3Address(bucket, "out/results")))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def notices_for(clock: Clock, said: list[str]) -> Callable[..., Notices]:
    def make(*receivers: Receiver, **more: Any) -> Notices:
        return Notices(receivers, clock=clock, tell=said.append, pick=list.sort, **more)

    return make


def key(name: str = NAME) -> RunKey:
    return RunKey(name, lambda: small_manifest()["run"])


def commit(runs: RunStore, notices: Notices, name: str = NAME) -> RunResult:
    manifest = small_manifest(name)
    with runs.begin(key(name)) as workspace:
        write_run(workspace.folder, manifest)
        with notices.of_commit(runs, key(name), manifest, workspace):
            return runs.commit(key(name), workspace, manifest, lambda: None)


def refuse(runs: RunStore, notices: Notices, problem: str = "is no table", **more: Any) -> None:
    document = failure(NAME, "sha256:1", "v1", WrongFile("march.csv", problem))
    with notices.of_failure(runs, key(), document):
        runs.fail(key(), document, **more)


@contextmanager
def dying() -> Iterator[None]:
    """A process ends inside."""
    with pytest.raises(KeyboardInterrupt):
        yield


def interrupted(runs: RunStore, notices: Notices, *, committed: bool) -> None:
    manifest = small_manifest(NAME)
    with dying(), runs.begin(key()) as workspace:
        write_run(workspace.folder, manifest)
        with notices.of_commit(runs, key(), manifest, workspace):
            if committed:
                runs.commit(key(), workspace, manifest, lambda: None)
            raise KeyboardInterrupt


def test_a_committed_run_is_told_once_and_that_stands_beside_its_manifest(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    notices = notices_for(inbox)
    assert commit(runs, notices).new
    (notice,) = inbox.got
    assert (notice["data"]["run"], notice["data"]["results"]) == (RUN, str(runs))
    assert notice["data"]["results"].startswith(("/", "s3://"))
    assert Outbox(runs.files).names() == []
    told = json.loads(runs.read(f"{RUN}/{TOLD}"))
    assert (told["notice"], told["told"]) == (notice, ["webhook"])
    assert not commit(runs, notices).new  # another worker at the same run
    assert notices.deliver(runs) == Delivered(0, 0)
    assert len(inbox.got) == 1


def test_where_nobody_is_told_nothing_is_written(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    commit(runs, notices_for())
    assert runs.files.names(OUTBOX) == []
    assert TOLD not in runs.files.names(RUN)
    commit(runs, notices_for(Inbox(), rule=Rule(only_attention=True)), "calm.csv")
    assert runs.files.names(OUTBOX) == []


def test_a_run_that_is_not_committed_is_not_told_until_it_is(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    interrupted(runs, notices_for(inbox), committed=False)
    assert notices_for(inbox).deliver(runs) == Delivered(0, 1)
    assert inbox.asked == 0
    commit(runs, notices_for(inbox))
    assert len(inbox.got) == 1
    assert notices_for(inbox).deliver(runs) == Delivered(0, 0)


def test_a_run_that_is_never_committed_is_forgotten_after_a_week(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    interrupted(runs, notices_for(Inbox()), committed=False)
    clock.pass_by(days=8)
    assert notices_for(Inbox()).deliver(runs) == Delivered(0, 0)


def test_a_process_that_dies_after_the_commit_leaves_its_notice_to_the_next(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    interrupted(runs, notices_for(inbox), committed=True)
    assert inbox.got == []
    assert notices_for(inbox).deliver(runs) == Delivered(1, 0)
    assert notices_for(inbox).deliver(runs) == Delivered(0, 0)
    assert len(inbox.got) == 1


def test_a_receiver_that_is_down_for_a_day_loses_nothing_and_holds_up_no_run(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices], said: list[str]
) -> None:
    inbox = Inbox(down=True)
    notices = notices_for(inbox)
    for hour in range(0, 24, 2):
        assert commit(runs, notices, f"{hour:02}.csv").new
        notices.deliver(runs)
        clock.pass_by(hours=2)
    assert inbox.asked <= 12
    assert set(said) == {"webhook did not take a notice: it is down; it is kept and sent again"}
    inbox.down = False
    clock.pass_by(hours=6)
    assert notices.deliver(runs) == Delivered(12, 0)
    assert len(set(inbox.ids)) == len(inbox.ids) == 12


def test_a_receiver_that_is_down_is_left_alone_for_longer_and_longer(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox(down=True)
    commit(runs, notices_for(inbox))
    for asked, minutes in enumerate((1, 5, 25, 125, 360, 360), 1):
        assert inbox.asked == asked
        for step in (60 * minutes - 1, 1):
            assert inbox.asked == asked
            clock.pass_by(seconds=step)
            notices_for(inbox).deliver(runs)  # by a process that does not know of the others


def test_a_person_does_not_wait_for_that(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox(down=True)
    notices = notices_for(inbox)
    commit(runs, notices)
    inbox.down = False
    assert notices.deliver(runs) == Delivered(0, 1)
    assert notices.deliver(runs, at_once=True) == Delivered(1, 0)


def test_of_two_receivers_the_one_that_has_it_does_not_get_it_again(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    topic, hook = Inbox("topic"), Inbox("webhook", down=True)
    commit(runs, notices_for(topic, hook))
    assert (len(topic.got), len(hook.got)) == (1, 0)
    hook.down = False
    clock.pass_by(minutes=2)
    assert notices_for(topic, hook).deliver(runs) == Delivered(1, 0)
    assert (topic.ids, hook.ids) == (hook.ids, hook.ids)
    assert json.loads(runs.read(f"{RUN}/{TOLD}"))["told"] == ["topic", "webhook"]


def test_a_receiver_that_is_no_more_is_not_waited_for(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    topic, hook = Inbox("topic"), Inbox("webhook", down=True)
    commit(runs, notices_for(topic, hook))
    clock.pass_by(minutes=2)
    assert notices_for(topic).deliver(runs) == Delivered(1, 0)
    assert len(topic.got) == 1


def test_while_one_sends_a_notice_another_leaves_it_alone(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    second = notices_for(Inbox())

    class Slow(Inbox):
        def send(self, notice: Any) -> None:
            assert second.deliver(runs).sent == 0
            assert second.deliver(runs, at_once=True).sent == 0
            super().send(notice)

    slow = Slow()
    commit(runs, notices_for(slow))
    assert len(slow.got) == 1
    assert second.deliver(runs) == Delivered(0, 0)


def test_a_process_that_dies_while_it_sends_leaves_the_notice_to_another_after_a_minute(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    class Deadly(Inbox):
        def send(self, notice: Any) -> None:
            raise KeyboardInterrupt

    with dying():
        commit(runs, notices_for(Deadly()))
    inbox = Inbox()
    assert notices_for(inbox).deliver(runs, at_once=True) == Delivered(0, 1)
    clock.pass_by(seconds=60)
    assert notices_for(inbox).deliver(runs) == Delivered(1, 0)


def test_what_another_process_keeps_is_sent_by_one_that_knows_the_receivers(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    commit(runs, notices_for(keep_only=True))
    assert notices_for(inbox).deliver(runs) == Delivered(1, 0)
    assert len(inbox.got) == 1


def test_a_refusal_is_told_once_and_again_where_it_is_refused_anew(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    refuse(runs, notices_for(inbox))
    clock.pass_by(minutes=1)
    refuse(runs, notices_for(inbox))  # a second delivery
    assert [notice["type"] for notice in inbox.got] == ["run.refused"]
    runs.files.delete(f"{RUN}/{FAILED}")  # as its remedy says
    clock.pass_by(minutes=1)
    refuse(runs, notices_for(inbox), "is another problem")
    assert len(inbox.got) == 2
    assert len(set(inbox.ids)) == 2
    assert Outbox(runs.files).names() == []


def test_a_refusal_of_a_run_that_was_committed_is_not_told(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    commit(runs, notices_for(inbox))
    refuse(runs, notices_for(inbox))
    assert [notice["type"] for notice in inbox.got] == ["run.committed"]
    clock.pass_by(days=8)
    assert notices_for(inbox).deliver(runs) == Delivered(0, 0)


def test_a_run_that_succeeds_at_last_is_told_after_its_refusal(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    refuse(runs, notices_for(inbox))
    runs.find(key(), retry_failed=True)
    assert commit(runs, notices_for(inbox)).new
    assert [notice["type"] for notice in inbox.got] == ["run.refused", "run.committed"]


def test_an_input_without_a_run_is_told_too(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    inbox = Inbox()
    document = failure(NAME, "s3://b/a.csv", "v1", WrongFile("a.csv", "is gone"))
    with notices_for(inbox).of_failure(runs, None, document):
        pass
    assert inbox.got[0]["data"]["run"] == ""
    assert Outbox(runs.files).names() == []


def test_something_else_in_the_outbox_is_left_alone(
    runs: RunStore, notices_for: Callable[..., Notices]
) -> None:
    for name, content in {"a.json": b"{", "b.json": b"[1]", "c.json": b"\xff", "d": b""}.items():
        runs.files.create(f"{OUTBOX}/{name}", content)
    assert notices_for(Inbox()).deliver(runs) == Delivered(0, 3)


class Failing(FolderRuns):
    """Runs whose outbox cannot be written to."""

    def __init__(self, root: Path, error: Exception) -> None:
        super().__init__(root)
        self.error = error

    @property
    def files(self) -> Any:
        real, error = super().files, self.error

        class Files:
            def __getattr__(self, name: str) -> Any:
                if name == "create":
                    raise error
                return getattr(real, name)

        return Files()


def test_an_outbox_that_refuses_makes_no_run_fail_and_is_told(
    tmp_path: Path, notices_for: Callable[..., Notices], said: list[str]
) -> None:
    runs = Failing(tmp_path, Denied("write", "results", "AccessDenied"))
    assert commit(runs, notices_for(Inbox())).new
    (sentence,) = said
    assert sentence.startswith(f"nobody is told of what is new in {tmp_path}: not allowed to write")


def test_a_run_whose_summary_cannot_be_read_is_committed_all_the_same(
    runs: RunStore, notices_for: Callable[..., Notices], said: list[str]
) -> None:
    notices, manifest = notices_for(Inbox()), small_manifest(NAME)
    with runs.begin(key()) as workspace:
        write_run(workspace.folder, manifest)
        (workspace.folder / "summary.json").write_text("{}")
        with notices.of_commit(runs, key(), manifest, workspace):
            assert runs.commit(key(), workspace, manifest, lambda: None).new
    assert said == [f"nobody is told of what is new in {runs}: KeyError"]


def test_where_storage_does_not_answer_the_run_comes_again(
    tmp_path: Path, notices_for: Callable[..., Notices]
) -> None:
    runs = Failing(tmp_path, Temporary("write", "results", "slow"))
    with pytest.raises(Temporary):
        commit(runs, notices_for(Inbox()))
    assert runs.find(key()) is None


def test_an_error_that_nobody_expects_does_not_reach_the_run_nor_the_log(
    runs: RunStore, notices_for: Callable[..., Notices], said: list[str]
) -> None:
    class Broken(Inbox):
        def send(self, notice: Any) -> None:
            raise RuntimeError("Jane Doe")

    assert commit(runs, notices_for(Broken())).new
    assert said == ["a notice waits in the outbox: RuntimeError"]


def test_a_notice_reads_as_it_was_written(
    runs: RunStore, clock: Clock, notices_for: Callable[..., Notices]
) -> None:
    commit(runs, notices_for(Inbox(down=True)))
    outbox = Outbox(runs.files)
    (name,) = outbox.names()
    found = outbox.read(name)
    assert found is not None
    waiting, tag = found
    assert (waiting.tries, waiting.tried, waiting.claimed) == (1, clock.now, False)
    assert outbox.write(name, replace(waiting, tries=2), tag) is not None
    assert outbox.write(name, replace(waiting, tries=3), tag) is None
