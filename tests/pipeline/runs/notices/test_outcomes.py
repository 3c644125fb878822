"""What is told of outcomes, and that it is told though a process dies."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from model_store import FolderStorage
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.runs.committed import CommittedRun
from pipeline.runs.notices import Beside, Notices, Outbox, Rule, address_of
from pipeline.runs.notices.outbox import TOLD
from pipeline.runs.notices.outcomes import outcomes_notice, results_of
from pipeline.runs.outcomes.measure import outcomes_of
from pipeline.runs.outcomes.spec import OutcomesSpec
from pipeline.runs.outcomes.store import folder_of, keep
from pipeline.scoring.outcome_documents import OutcomesDocument
from tests.pipeline.runs.conftest import MakeRun
from tests.support.notices import Clock, Inbox
from tests.support.outcomes import write_labels

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
VERDICTS = ("as trained", "higher", "lower", "cannot tell yet")


@pytest.fixture
def run(make_run: MakeRun) -> CommittedRun:
    return make_run()


@pytest.fixture
def document(run: CommittedRun, model: ClusterModel, tmp_path: Path) -> OutcomesDocument:
    """Of a month in which every tenth customer has churned."""
    states = [
        (f"{n:07d}", "Attrited Customer" if n % 10 == 1 else "Existing Customer")
        for n in range(200)
    ]
    labels = write_labels(tmp_path / "later.csv", states)
    return outcomes_of(run, model, OutcomesSpec(str(labels), as_of=date(2026, 11, 27)))


def saying(document: OutcomesDocument, overall: str, **changes: Any) -> OutcomesDocument:
    """The same outcomes with other verdicts; that of group 2 is given by `second`."""
    second = changes.pop("second", "as trained")
    clusters = [
        {**each, "verdict": second if each["cluster"] == 2 else "as trained"}
        for each in document["clusters"]
    ]
    both = {"overall": {**document["overall"], "verdict": overall}, "clusters": clusters}
    return cast(OutcomesDocument, {**document, **both, **changes})


def told(document: OutcomesDocument, run: CommittedRun) -> Any:
    return outcomes_notice(document, run, "a/b/outcomes.json", "s3://b/results", NOW)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("second", VERDICTS)
def test_a_person_should_look_where_all_customers_or_a_group_are_off(
    document: OutcomesDocument, run: CommittedRun, verdict: str, second: str
) -> None:
    notice = told(saying(document, verdict, second=second), run)
    off = {"higher", "lower"} & {verdict, second}
    assert notice["type"] == "outcomes.measured"
    assert notice["data"]["attention"] is bool(off)
    assert [each["kind"] for each in notice["data"]["verdicts"]] == ["outcomes"] * bool(off)
    assert ("Please look at it: (1)" in notice["data"]["text"]) is bool(off)
    assert Rule(only_attention=True).tells(notice) is bool(off)


def test_the_text_says_who_was_counted_what_was_expected_and_what_came(
    document: OutcomesDocument, run: CommittedRun
) -> None:
    plain = told(saying(document, "as trained"), run)["data"]
    counts = document["counts"]
    assert plain["text"] == (
        f"Outcomes of `customers.csv` as of 2026-11-27: {counts['counted']} of 200 customers "
        "counted. As many cancelled as training led to expect."
    )
    assert plain["counted"] == counts["counted"]
    off = told(saying(document, "cannot tell yet", second="higher"), run)["data"]
    (verdict,) = off["verdicts"]
    assert verdict["sentence"].startswith(
        "whether as many cancelled as expected cannot be told yet; more in group 2 (all customers: "
    )
    assert "expected" in verdict["sentence"]
    assert (off["labels"], off["as_of"]) == ("later.csv", "2026-11-27")
    assert off["run"] == results_of(run)[1]


def test_no_customer_is_in_it(document: OutcomesDocument, run: CommittedRun) -> None:
    text = json.dumps(told(saying(document, "higher", second="lower"), run)["data"])
    without_names = text.replace(document["outcomes"], "").replace(run.manifest["run"], "")
    assert not re.search(r"\b0\d{6}\b", without_names)
    assert "Customer" not in without_names


def test_a_unit_that_is_another_one_comes_first(
    document: OutcomesDocument, run: CommittedRun
) -> None:
    notice = told(saying(document, "higher", implausible=["Amount"]), run)
    assert [each["kind"] for each in notice["data"]["verdicts"]] == ["units", "outcomes"]
    assert "do not act on the groups" in notice["data"]["text"]


def test_results_are_found_from_the_run_and_a_copied_run_is_its_own(
    run: CommittedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = f"customers.csv/{run.manifest['run']}"
    assert results_of(run) == (str(tmp_path / "out"), folder)
    monkeypatch.chdir(tmp_path / "out" / "customers.csv")
    assert results_of(replace(run, address=run.manifest["run"])) == (str(tmp_path / "out"), folder)
    in_s3 = replace(run, address=f"s3://b/results/{folder}")
    assert results_of(in_s3) == ("s3://b/results", folder)
    assert results_of(replace(run, address="s3://b/copy")) == ("s3://b/copy", "")


class Killed(BaseException):
    """As if the process had ended."""


class Dying(FolderStorage):
    """Dies before one of its writes; a swap is a replacement in a folder."""

    die_at = 0
    writes = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        self.writes += 1
        if self.writes == self.die_at:
            raise Killed
        yield

    def create(self, name: str, content: bytes) -> str:
        with self.counted():
            return super().create(name, content)

    def replace(self, name: str, content: bytes) -> None:
        with self.counted():
            super().replace(name, content)

    def delete(self, name: str) -> None:
        with self.counted():
            super().delete(name)


def keep_and_tell(
    document: OutcomesDocument, run: CommittedRun, files: FolderStorage, notices: Notices
) -> None:
    place, folder = Beside(files), folder_of(document)

    def make() -> Any:
        name = f"{folder}/outcomes.json"
        return outcomes_notice(document, run, name, address_of(place), notices.clock())

    with notices.around(place, make):
        keep(document, files, folder)
    notices.deliver_quietly(place)


def test_whenever_it_dies_the_next_tells_and_twice_only_if_it_died_at_writing_it_down(
    document: OutcomesDocument, run: CommittedRun, tmp_path: Path
) -> None:
    twice, writes, died = [], 0, True
    while died:
        writes += 1
        clock, inbox = Clock(), Inbox()
        notices = Notices((inbox,), clock=clock)
        files = Dying(tmp_path / f"results-{writes}")
        files.die_at = writes
        try:
            keep_and_tell(document, run, files, notices)
            died = False
        except Killed:
            if not files.exists(f"{folder_of(document)}/outcomes.json"):
                assert inbox.got == []  # nobody hears of what is not there
        clock.pass_by(minutes=2)
        keep_and_tell(document, run, FolderStorage(files.root), notices)
        assert len(set(inbox.ids)) == 1
        if len(inbox.got) > 1:
            twice.append(writes)
        assert files.exists(f"{folder_of(document)}/{TOLD}")
        assert Outbox(files).names() == []
    assert writes == 7  # keep; page, outcomes; claim, what was told, remove; and none
    assert twice == [5]  # sent, and not yet written down


def test_of_outcomes_that_are_not_taken_nobody_hears(
    document: OutcomesDocument, run: CommittedRun, tmp_path: Path
) -> None:
    files = FolderStorage(tmp_path / "own")
    keep(document, files)
    inbox, place = Inbox(), Beside(files)
    notices = Notices((inbox,))
    other: Any = {**document, "outcomes": "2026-11-28-000000000000"}

    def make() -> Any:
        return outcomes_notice(other, run, "outcomes.json", address_of(place), notices.clock())

    with pytest.raises(WrongFile, match="has other outcomes"), notices.around(place, make):
        keep(other, files)
    notices.deliver(place, at_once=True)
    assert inbox.got == []
