"""The model that answers, and its exchange while it answers."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.live_model import LiveModel, NoLiveModel
from functions.live_models import LiveModels
from model_store import NotFound, Store, Temporary, open_store
from tests.functions.conftest import Lines


def test_without_a_model_look_ups_are_unavailable_and_the_process_lives(
    tmp_path: Path, lines: Lines
) -> None:
    from functions.api import create_app
    from functions.settings import Settings

    live_model = LiveModel(open_store(tmp_path / "empty"), "champion", log=lines.append)
    live_model.refresh()
    with pytest.raises(Temporary, match="no model 'champion'"):
        live_model.current()
    with TestClient(create_app(live_model, Settings(), log=lines.append)) as client:
        assert client.get("/health/live").status_code == 200
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
        assert answer.headers["retry-after"] == "5"
        assert "can answer: no model 'champion' in store" in answer.json()["detail"]
        assert "try again" not in answer.json()["detail"]  # it would not help
        assert client.post("/v1/assign", json={}).status_code == 503
        assert client.get("/openapi.json").status_code == 200


def test_ready_runs_the_golden_customers(
    client: TestClient, live_model: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/health/ready").json()["reload_failure"] is None

    def fail(self: object) -> None:
        raise ValueError("cluster 1 was expected")

    monkeypatch.setattr("pipeline.model.cluster_model.ClusterModel.self_test", fail)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "cluster 1 was expected" in answer.json()["detail"]


def test_a_moved_alias_is_followed_and_a_request_uses_one_model(
    client: TestClient, live_model: LiveModel, store: Store, customer: dict[str, Any], lines: Lines
) -> None:
    before = live_model.current()
    store.point("champion", store.resolve("original"))
    assert client.get("/v1/model").json()["version"] == before.version  # nobody looked yet
    live_model.refresh()
    assert client.get("/v1/model").json()["version"] == store.resolve("original")
    assert client.post("/v1/assign", json=customer).status_code == 200
    document = client.get("/openapi.json").json()
    assert "Credit_Limit" in document["components"]["schemas"]["Customer"]["properties"]
    assert before.model.contract.features[0].name == "Total_Revolving_Bal"
    assert {"level": "info", "message": "model loaded"}.items() <= lines[1].items()


@pytest.mark.parametrize("damage", ["model.json", "manifest.json", "alias"])
def test_a_damaged_newer_model_leaves_the_old_one_answering(
    client: TestClient,
    live_model: LiveModel,
    store: Store,
    tmp_path: Path,
    damage: str,
    lines: Lines,
) -> None:
    old, new = live_model.current().version, store.resolve("original")
    store.point("champion", new)
    folder = tmp_path / "store"
    path = (
        folder / "aliases" / "champion.json"
        if damage == "alias"
        else folder / "versions" / new / damage
    )
    path.chmod(0o644)
    path.write_text("{")
    for _ in range(3):
        live_model.refresh()
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["model_version"] == old
    assert answer.json()["reload_failure"]
    failures = [line for line in lines if line["level"] == "error"]
    assert len(failures) == 1  # told once, not at every look


def test_a_call_looks_before_it_answers_when_the_latest_look_is_long_ago(
    store: Store, lines: Lines
) -> None:
    now = [1000.0]
    live_model = LiveModel(store, "champion", lines.append, clock=lambda: now[0])
    live_model.refresh_if_older(60)
    before = live_model.current().version
    store.point("champion", new := store.resolve("original"))
    for now[0], expected in ((1059.0, before), (1061.0, new)):
        live_model.refresh_if_older(60)
        assert live_model.current().version == expected
    store.point("champion", before)
    now[0] = 5.0  # clocks are put back too
    live_model.refresh_if_older(60)
    assert live_model.current().version == before


def test_a_call_may_wait_for_its_first_model(
    store: Store, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up answers without one that it has none; a file has to wait for it."""
    resolve, held = Store.resolve, threading.Event()

    def slowly(self: Store, reference: str) -> str:
        held.wait(30)
        return resolve(self, reference)

    monkeypatch.setattr(Store, "resolve", slowly)
    monkeypatch.setattr("functions.live_model.PATIENCE_SECONDS", 0.01)
    live_model = LiveModel(store, "champion", lines.append)
    live_model.refresh_if_older(60)
    with pytest.raises(NoLiveModel, match="not read yet"):
        live_model.current()
    threading.Timer(0.05, held.set).start()
    live_model.refresh_if_older(60, wait_for_first=True)
    assert live_model.current().version == resolve(store, "champion")


def test_the_latest_model_is_read_when_it_is_another_and_never_an_older_one(
    store: Store, lines: Lines
) -> None:
    live_model = LiveModel(store, "champion", lines.append)
    first = live_model.latest()
    assert live_model.latest() is first
    store.point("champion", new := store.resolve("original"))
    assert live_model.latest().version == new
    missing = LiveModel(store, "nobody", lines.append)
    with pytest.raises(NotFound, match="nobody"):
        missing.latest()
    assert [line["message"] for line in lines] == ["model loaded"] * 2


def test_the_model_of_another_version_is_read_once(store: Store, lines: Lines) -> None:
    live_model = LiveModel(store, "champion", lines.append)
    live_model.refresh()
    own, other = live_model.current(), store.resolve("original")
    assert live_model.of_version(own.version) is own
    assert live_model.of_version(other).version == other
    assert live_model.of_version(other) is live_model.of_version(other)
    assert live_model.current() is own
    with pytest.raises(NotFound):
        live_model.of_version("20200101T000000Z-00000000")


def test_a_call_waits_for_no_store_that_does_not_answer(
    store: Store, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_model, never = LiveModel(store, "champion", lines.append), threading.Event()
    live_model.refresh_if_older(60)
    before = live_model.current()
    looks: list[str] = []

    def hang(self: object, reference: str) -> str:
        looks.append(reference)
        never.wait(30)
        return before.version

    monkeypatch.setattr(Store, "resolve", hang)
    monkeypatch.setattr("functions.live_model.PATIENCE_SECONDS", 0.01)
    for _ in range(3):
        live_model.refresh_if_older(0)
        assert live_model.current() is before
    assert looks == ["champion"]  # and only one look at a time
    never.set()


def test_the_follower_swaps_while_look_ups_go_on(
    client: TestClient, live_model: LiveModel, store: Store, leaver: dict[str, Any],
    customer: dict[str, Any],
) -> None:  # fmt: skip
    both = {**leaver, **customer}
    models = LiveModels.of(live_model)
    follower = models.follow(every_seconds=0.01)
    statuses, versions = [], set()
    target = store.resolve("original")
    threading.Timer(0.05, lambda: store.point("champion", target)).start()
    deadline = time.monotonic() + 20
    while target not in versions and time.monotonic() < deadline:
        answer = client.post("/v1/assign", json=both)
        statuses.append(answer.status_code)
        versions.add(answer.json()["model_version"])
    models.stop()
    follower.join(5)
    assert not follower.is_alive()
    assert set(statuses) == {200}
    assert len(versions) == 2


@pytest.mark.parametrize(
    ("old", "evil"),
    [
        (b'"scale": [', b'"scale": [0, '),
        (b'"mean": [', b'"mean": [1' + b"0" * 400 + b", "),
        (b'"baseline": {', b'"baseline": {"a": ' + b"[" * 500_000 + b"]" * 500_000 + b", "),
    ],
    ids=["zero", "overflow", "deep"],
)
def test_what_follows_survives_a_model_that_is_evil_and_whole(
    client: TestClient, live_model: LiveModel, store: Store, old: bytes, evil: bytes
) -> None:
    before, artifact = live_model.current().version, store.open("champion")
    content = artifact.read("model.json").replace(old, evil)
    assert content != artifact.read("model.json")
    wrong = store.publish({"model.json": content}, artifact.manifest.facts)
    store.point("champion", wrong.version)
    models = LiveModels.of(live_model)
    thread = models.follow(0.01)
    _until(lambda: live_model.failure is not None)
    answer = client.get("/health/ready").json()
    assert (answer["model_version"], thread.is_alive()) == (before, True)
    assert "is not a usable model" in answer["reload_failure"]
    store.point("champion", good := store.resolve("original"))
    _until(lambda: live_model.current().version == good)
    assert client.get("/health/ready").json()["reload_failure"] is None
    models.stop()


def test_what_follows_survives_anything_else_and_says_so(
    client: TestClient, live_model: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_model.store, "resolve", lambda name: 1 // 0)
    models = LiveModels.of(live_model)
    thread = models.follow(0.01)
    _until(lambda: live_model.failure is not None)
    answer = client.get("/health/ready").json()["reload_failure"]
    assert (answer, thread.is_alive()) == ("an unexpected error (ZeroDivisionError)", True)
    models.stop()


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert reached()


def test_a_promotion_and_a_rollback_are_picked_up_at_the_next_look(
    client: TestClient, live_model: LiveModel, store: Store
) -> None:
    old, new = live_model.current().version, store.resolve("original")
    store.promote("original", "why", "who")
    live_model.refresh()
    assert client.get("/health/ready").json()["model_version"] == new
    store.rollback("why", "who")
    live_model.refresh()
    assert client.get("/health/ready").json()["model_version"] == old


@pytest.mark.parametrize("harm", ["half deleted", "newer format", "not signed", "other alias"])
def test_a_champion_that_must_not_be_used_leaves_the_old_one_answering(
    client: TestClient,
    live_model: LiveModel,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
) -> None:
    old, new = live_model.current().version, store.promote("original", "why", "who")
    manifest = tmp_path / "store" / "versions" / new / "manifest.json"
    manifest.chmod(0o644)
    expected: dict[str, str] = {
        "half deleted": "it is not there, though 'champion' means it",
        "newer format": "install a newer release",
        "not signed": "is not signed by the trusted key",
    }
    if harm == "half deleted":
        manifest.unlink()
    elif harm == "newer format":
        manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 99'))
    elif harm == "not signed":
        trusting = open_store(tmp_path / "store", ("A" * 43 + "=",))
        monkeypatch.setattr(LiveModel, "store", trusting)
    else:  # the damage of an alias that nobody asked for
        (tmp_path / "store" / "aliases" / "candidate.json").write_text("{")
    live_model.refresh()
    answer = client.get("/health/ready").json()
    assert answer["model_version"] == (new if harm == "other alias" else old)
    assert expected.get(harm, "") in (answer["reload_failure"] or "")
