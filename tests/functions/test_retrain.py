"""The function that retrains: a candidate at most, told for good or to be tried again."""

import gc
import json
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from functions.aws.events import DELIVER
from functions.retrain import SPARE_SECONDS, DeadlineSignal, Retraining, stopped
from functions.settings import RetrainingSettings, WrongSetting
from model_store import CANDIDATE, CHAMPION, S3Address, Store, Temporary, open_store
from model_store.storage.s3 import S3Storage
from pipeline.model.contract import Contract
from pipeline.runs.notices import Notices, Outbox
from pipeline.training import RECIPES, publish, train
from tests.functions.conftest import Lines
from tests.support.dropping import Context, Waning
from tests.support.gym import LIGHT
from tests.support.notices import Clock, Inbox

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def trained(
    bank_churners: Path, bank_contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A store whose champion was trained on two thirds of the real customers."""
    folder = tmp_path_factory.mktemp("retraining")
    frame = pd.read_csv(bank_churners)
    frame.sample(frac=0.66, random_state=1).to_csv(folder / "first.csv", index=False)
    recipe = replace(RECIPES["original"], n_init=5)
    model = train(folder / "first.csv", bank_contract, recipe, lambda step: None, LIGHT)
    publish(model, open_store(folder / "store"))
    return folder


@pytest.fixture
def retraining(
    trained: Path,
    aws: None,
    s3: "S3Client",
    make_bucket: Callable[[], str],
    lines: Lines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Retraining]:
    """The function over a copy of that store in S3, with a /tmp of the test's own."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    store = S3Address(make_bucket(), "models")
    for path in (trained / "store").rglob("*"):
        if path.is_file():
            key = f"models/{path.relative_to(trained / 'store')}"
            s3.put_object(Bucket=store.bucket, Key=key, Body=path.read_bytes())
    data = S3Address(make_bucket(), "training/customers.csv")
    settings = RetrainingSettings(data, store)
    yield Retraining(
        settings, open_store(str(store)), S3Storage(s3, store), budget=LIGHT,
        log=lines.append, measure=lambda figures: lines.append(figures),
    )  # fmt: skip
    gc.collect()  # connections end with what opened them


def put(retraining: Retraining, content: bytes) -> None:
    address = retraining.settings.data
    retraining.files.client.put_object(Bucket=address.bucket, Key=address.key, Body=content)


@pytest.fixture
def inbox(retraining: Retraining, lines: Lines) -> Inbox:
    made = Inbox()
    retraining.notices = Notices((made,), clock=Clock(), tell=lines.append)
    return made


def versions(store: Store) -> set[str]:
    return {str(version) for version in store.versions()}


def test_new_data_make_a_candidate_once_and_the_champion_stays(
    retraining: Retraining, bank_churners: Path, lines: Lines, inbox: Inbox
) -> None:
    store, before = retraining.store, retraining.store.resolve(CHAMPION)
    put(retraining, bank_churners.read_bytes())
    answer = retraining({}, None)
    assert answer["status"] == "candidate"
    assert answer["version"] == store.resolve(CANDIDATE) != before
    assert answer["champion"] == store.resolve(CHAMPION) == before
    assert (answer["gate"], answer["reasons"]) == ("passes", [])
    assert answer["moved_share"] < 0.05
    assert lines[-1].items() >= {"message": "retrained", "level": "info", **answer}.items()
    json.dumps(answer)
    store.open(CANDIDATE).verify()
    (event,) = [e for e, effective in store.history() if effective and e.new == answer["version"]]
    assert (event.alias, event.reason.who) == (CANDIDATE, "functions.retrain")

    put(retraining, bank_churners.read_bytes())  # another object, the same customers
    again = retraining({}, None)
    assert again == {**answer, "status": "known"}
    assert versions(store) == {before, answer["version"]}

    (notice,) = inbox.got  # once, and by its type a candidate
    assert notice["type"] == "candidate.ready"
    data = notice["data"]
    assert (data["model_version"], data["champion"]) == (answer["version"], before)
    assert (data["attention"], data["verdicts"]) == (True, [])
    assert data["store"] == str(store)
    assert data["moved_share"] == answer["moved_share"]
    assert data["figures"]["clusters"] == {"old": 3, "new": 3, "change": 0}
    assert "churn separation (AUC) 0." in data["text"]
    assert Outbox(retraining.files).names() == []

    store.point(CANDIDATE, before)  # somebody decides otherwise
    assert retraining({}, None)["status"] == "known"
    assert store.resolve(CANDIDATE) == before
    assert len(inbox.got) == 1


def test_what_a_crash_left_is_finished(
    retraining: Retraining, bank_churners: Path, lines: Lines
) -> None:
    put(retraining, bank_churners.read_bytes())
    made = retraining({}, None)["version"]  # which nobody was told
    files = retraining.files
    for event in files.names("history"):
        if json.loads(files.read(f"history/{event}"))["to"] == made:
            files.delete(f"history/{event}")
    files.delete("aliases/candidate.json")  # as if it had ended before it moved the alias
    inbox = Inbox()
    retraining.notices = Notices((inbox,), tell=lines.append)
    assert retraining({}, Waning(looks=1))["status"] == "known"
    assert retraining.store.resolve(CANDIDATE) == made
    assert inbox.asked == 0  # with so little time left
    assert len(Outbox(retraining.files).names()) == 1
    assert retraining(DELIVER, None) == {}
    assert [notice["data"]["model_version"] for notice in inbox.got] == [made]
    assert retraining(DELIVER, None) == {}
    assert len(inbox.got) == 1


def test_the_champions_own_data_give_no_candidate(
    retraining: Retraining, trained: Path, lines: Lines, inbox: Inbox
) -> None:
    before = versions(retraining.store)
    put(retraining, (trained / "first.csv").read_bytes())
    answer = retraining({}, None)
    assert answer["status"] == "champion"
    assert answer["version"] == answer["champion"]
    assert (answer["moved_share"], answer["gate"]) == (0, "passes")
    assert (inbox.asked, Outbox(retraining.files).names()) == (0, [])
    assert versions(retraining.store) == before


def test_data_that_move_customers_are_told_by_the_gate(
    retraining: Retraining, bank_churners: Path, inbox: Inbox
) -> None:
    frame = pd.read_csv(bank_churners)
    put(retraining, frame[frame["Credit_Limit"] < 4000].to_csv(index=False).encode())
    answer = retraining({}, None)
    assert answer["status"] == "candidate"
    assert answer["gate"] == "refuses"
    assert answer["reasons"]
    (notice,) = inbox.got
    assert [each["sentence"] for each in notice["data"]["verdicts"]] == answer["reasons"]
    assert "Against a promotion: (1) " in notice["data"]["text"]
    assert retraining.store.resolve(CHAMPION) == answer["champion"]


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (None, "gone", "is gone"),
        (b"", "empty", "it is empty"),
        (b"x" * 2001, "too_large", "has 2,001 bytes; at most 2,000 may be"),
        (b"a,b\n1,2\n", "wrong_file", "training/customers.csv: no column"),
        (b" \n", "wrong_file", "training/customers.csv: is empty"),
    ],
)
def test_what_can_never_succeed_is_told_and_not_raised(
    retraining: Retraining, lines: Lines, content: bytes | None, code: str, reason: str
) -> None:
    retraining.settings = replace(retraining.settings, max_training_bytes=2000)
    before = versions(retraining.store)
    if content is not None:
        put(retraining, content)
    answer = retraining({}, None)
    assert (answer["status"], answer["code"]) == ("failed", code)
    assert reason in answer["reason"]
    assert "/tmp" not in answer["reason"]
    assert lines[-2] == {"RetrainingsFailed": 1}
    assert lines[-1].items() >= {"level": "error", "message": "not retrained", **answer}.items()
    assert versions(retraining.store) == before


def test_without_a_champion_there_is_nothing_to_retrain(
    retraining: Retraining, lines: Lines
) -> None:
    retraining.files.delete("aliases/champion.json")
    answer = retraining({}, Context())
    assert (answer["status"], answer["code"]) == ("failed", "not_found")
    assert "no model 'champion'" in answer["reason"]
    assert lines[-1]["request_id"] == Context().aws_request_id


def test_unsigned_candidates_are_not_made_where_keys_are_trusted(retraining: Retraining) -> None:
    retraining.store = open_store(str(retraining.settings.store), ("A" * 43 + "=",))
    answer = retraining({}, None)
    assert (answer["status"], answer["code"]) == ("failed", "wrong_artifact")
    assert "there is no key to sign with" in answer["reason"]


def test_a_training_that_takes_too_long_is_stopped_and_told(
    retraining: Retraining, bank_churners: Path, lines: Lines
) -> None:
    """Before Lambda ends it: a call that is cut short cannot say why."""
    put(retraining, bank_churners.read_bytes())
    before = versions(retraining.store)
    answer = retraining({}, Context(millis=(SPARE_SECONDS + 0.5) * 1000))
    assert (answer["status"], answer["code"]) == ("failed", "too_slow")
    assert "train on fewer customers" in answer["reason"]
    assert lines[-2] == {"RetrainingsFailed": 1}
    assert lines[-1].items() >= {"message": "not retrained", **answer}.items()
    assert versions(retraining.store) == before


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_no_time_at_all_is_too_little(seconds: float) -> None:
    with pytest.raises(DeadlineSignal), stopped(seconds):
        threading.Event().wait(20)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_storage_that_does_not_answer_is_raised(
    retraining: Retraining, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    retraining.store = open_store(str(retraining.settings.store))
    with pytest.raises(Temporary, match="try again"):
        retraining({}, None)
    assert lines[-1]["level"] == "warning"


def test_the_handler_is_made_from_the_environment(
    retraining: Retraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    import functions.retrain

    monkeypatch.setenv("CUSTOMER_CLUSTERS_TRAINING_DATA", str(retraining.settings.data))
    monkeypatch.setenv("CUSTOMER_CLUSTERS_STORE", str(retraining.settings.store))
    monkeypatch.setenv("CUSTOMER_CLUSTERS_MAX_TRAINING_BYTES", "10")
    put(retraining, b"x" * 11)
    handler = functions.retrain.__getattr__("handler")
    monkeypatch.delitem(vars(functions.retrain), "handler")
    answer = handler({"source": "aws.scheduler"}, None)
    assert (answer["code"], answer["data"]) == ("too_large", str(retraining.settings.data))


GIVEN = {
    "CUSTOMER_CLUSTERS_TRAINING_DATA": "s3://bucket/training/customers.csv",
    "CUSTOMER_CLUSTERS_STORE": "s3://bucket/models",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRAINING_DATA", ""),
        ("TRAINING_DATA", "s3://bucket/training/"),
        ("TRAINING_DATA", "s3://bucket"),
        ("TRAINING_DATA", "customers.csv"),
        ("STORE", ""),
        ("STORE", "models"),
        ("MAX_TRAINING_BYTES", "0"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    RetrainingSettings.from_environment(GIVEN)
    with pytest.raises(WrongSetting, match=f"CUSTOMER_CLUSTERS_{name}: expected "):
        RetrainingSettings.from_environment({**GIVEN, f"CUSTOMER_CLUSTERS_{name}": value})
