"""Several models by name: loaded when asked for, and a broken one is alone in that."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel, NoLiveModel
from functions.live_models import LiveModels
from functions.settings import Settings
from functions.settings.models import NamedModel
from model_store import BUNDLED, Store, open_store
from tests.functions.conftest import Lines
from tests.support.paths import EVENTS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A default, another version of the same customers, and a store that is not there."""
    bundled = str(BUNDLED)
    return Settings(
        models=(
            NamedModel("cards", bundled, "champion"),
            NamedModel("loans", bundled, "original"),
            NamedModel("gone", str(tmp_path / "nothing"), "champion"),
        )
    )


@pytest.fixture
def models(settings: Settings, lines: Lines) -> LiveModels:
    made = LiveModels.from_settings(settings, lines.append)
    made.default.refresh()
    return made


@pytest.fixture
def site(models: LiveModels, settings: Settings, lines: Lines) -> Iterator[TestClient]:
    with TestClient(create_app(models, settings, lines.append)) as client:
        yield client


def states(site: TestClient) -> dict[str, str]:
    return {each["name"]: each["state"] for each in site.get("/v1/models").json()["models"]}


def version(reference: str) -> str:
    return open_store(BUNDLED).resolve(reference)


def test_a_model_is_loaded_by_its_first_request_and_the_default_answers_without_a_name(
    site: TestClient, leaver: dict[str, Any], lines: Lines
) -> None:
    assert states(site) == {"cards": "loaded", "loans": "not_loaded", "gone": "not_loaded"}
    assert site.get("/v1/models/loans").json()["version"] == version("original")
    assert states(site)["loans"] == "loaded"
    plain, named = (
        site.post(f"/v1{at}/assign", json=leaver).json() for at in ("", "/models/cards")
    )
    assert plain == named
    assert plain["model_version"] == version("champion")
    line = lines[-1]
    assert (line["model"], line["route"], line["model_version"]) == (
        "cards", "/v1/assign", version("champion"),
    )  # fmt: skip
    assert "model" not in lines[-2]


def test_a_table_is_answered_by_the_model_that_its_address_names(site: TestClient) -> None:
    names = "Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal,Avg_Utilization_Ratio"
    answer = site.post(
        "/v1/models/loans/assign/batch",
        content=f"{names}\n12691,3,777,0.061\n",
        headers={"content-type": "text/csv"},
    )
    assert (answer.status_code, answer.headers["model-version"]) == (200, version("original"))


def test_each_address_below_a_model_answers_as_the_same_one_without_a_name(
    site: TestClient, leaver: dict[str, Any]
) -> None:
    bodies: dict[str, Any] = {
        "/assign": leaver,
        "/assign/batch": {"customers": [leaver]},
        "/what-if": {"customer": leaver},
    }
    for below, body in bodies.items():
        answer = site.post(f"/v1/models/cards{below}", json=body)
        assert (answer.status_code, answer.json()) == (
            200, site.post(f"/v1{below}", json=body).json(),
        )  # fmt: skip
    own = {"": "/v1/model", "/clusters": "/v1/clusters", "/clusters/1": "/v1/clusters/1",
           "/ready": "/health/ready"}  # fmt: skip
    for below, plain in own.items():
        assert site.get(f"/v1/models/cards{below}").json() == site.get(plain).json()
    assert site.get("/v1/models/loans").json()["reference"] == "original"
    assert site.get("/v1/models/cards/assign").status_code == 405
    wrong = {"/v1/models/cards/nothing": "not_found", "/v1/models/none": "unknown_model",
             "/v1/models/cards/clusters/77": "unknown_cluster"}  # fmt: skip
    for path, code in wrong.items():
        answer = site.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert "there are: cards, loans, gone" in site.get("/v1/models/none/clusters").json()["detail"]


def test_a_store_without_a_model_leaves_the_others_answering(
    site: TestClient, leaver: dict[str, Any]
) -> None:
    answer = site.post("/v1/models/gone/assign", json=leaver)
    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert site.post("/v1/models/loans/assign", json=leaver).status_code == 422  # other columns
    ready = site.get("/health/ready")
    assert ready.status_code == 200
    told = {each["name"]: each for each in ready.json()["models"]}
    assert told["gone"]["state"] == "failed"
    assert "no model 'champion'" in told["gone"]["failure"]
    assert site.get("/v1/models/gone/ready").status_code == 503


def test_a_store_that_gave_no_model_is_asked_again_only_after_a_while(
    settings: Settings, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    models = LiveModels(
        {m.name: LiveModel(open_store(m.store), "champion", lines.append)
         for m in settings.named_models}, clock=lambda: now,
    )  # fmt: skip
    looks: list[str] = []
    refresh = LiveModel.refresh

    def counted(self: LiveModel) -> None:
        looks.append(self.address)
        refresh(self)

    monkeypatch.setattr(LiveModel, "refresh", counted)
    with TestClient(create_app(models, settings, lines.append)) as site:
        for _ in range(3):
            assert site.get("/v1/models/gone").status_code == 503
        assert len(looks) == 1
        now += 6.0
        assert site.get("/v1/models/gone").status_code == 503
        assert len(looks) == 2


def test_who_was_asked_for_longest_ago_makes_room_and_never_the_default(lines: Lines) -> None:
    store = open_store(BUNDLED)
    models = LiveModels(
        {name: LiveModel(store, "champion", lines.append) for name in "abcd"}, 3, lines.append
    )
    models.default.refresh()
    for name in ("b", "c", "b", "d"):
        asyncio.run(models.load(name))
    assert [name for name in models.names if models.named(name).loaded] == ["a", "b", "d"]
    assert lines[-1] == {"level": "info", "message": "model unloaded", "model": "c"}
    assert asyncio.run(models.load("c")).version == version("champion")


def test_a_store_that_does_not_answer_keeps_nobody_else_waiting(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, store = threading.Event(), open_store(BUNDLED)

    class Silent(Store):
        def resolve(self, reference: str) -> str:
            assert silent.wait(10)
            return super().resolve(reference)

    slow = LiveModel(Silent(store._storage), "champion", lines.append)
    models = LiveModels({"a": LiveModel(store, "champion", lines.append), "b": slow,
                         "c": LiveModel(store, "champion", lines.append)})  # fmt: skip
    monkeypatch.setattr("functions.live_models.FIRST_SECONDS", 0.2)

    async def ask() -> None:
        waiting = [asyncio.create_task(models.load("b")) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert sum(thread.name == "model-load" for thread in threading.enumerate()) == 1
        assert (await models.load("c")).version == version("champion")
        started = time.perf_counter()
        gaveup = await asyncio.gather(*waiting, return_exceptions=True)
        assert time.perf_counter() - started < 2
        assert all("loading for more than" in str(each) for each in gaveup)
        started = time.perf_counter()
        with pytest.raises(NoLiveModel):
            await models.load("b")  # who comes later need not wait as long again
        assert time.perf_counter() - started < 0.15
        silent.set()
        deadline = time.monotonic() + 10
        while slow.loaded is None and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert (await models.load("b")).version == version("champion")

    asyncio.run(ask())


def test_the_follower_follows_what_is_loaded_and_loads_nothing_else(
    tmp_path: Path, store: Store, lines: Lines
) -> None:
    models = LiveModels({name: LiveModel(store, "champion", lines.append) for name in "abc"})
    models.default.refresh()
    asyncio.run(models.load("b"))
    store.point("champion", store.resolve("original"))
    thread = models.follow(0.01)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if all(models.named(n).current().version == version("original") for n in "ab"):
            break
        time.sleep(0.01)
    models.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert models.named("b").current().version == version("original")
    assert models.named("c").loaded is None


def test_where_nothing_runs_between_requests_a_model_is_looked_at_before_it_answers(
    store: Store, lines: Lines
) -> None:
    models = LiveModels({name: LiveModel(store, "champion", lines.append) for name in "ab"})
    models.refresh_seconds = 0.0
    assert asyncio.run(models.load("b")).version == version("champion")
    store.point("champion", store.resolve("original"))
    assert asyncio.run(models.load("b")).version == version("original")


@pytest.mark.parametrize("path", ["/v1/models/loans", "/models/loans"])
def test_the_document_of_a_model_is_for_reading_only(site: TestClient, path: str) -> None:
    for method in ("POST", "DELETE", "OPTIONS"):
        answer = site.request(method, f"{path}/openapi.json")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_model_has_a_document_of_its_own_whose_paths_hold(
    site: TestClient, leaver: dict[str, Any]
) -> None:
    document = site.get("/v1/models/loans/openapi.json").json()
    assert [server["url"] for server in document["servers"]] == ["/v1/models/loans"]
    assert "Credit_Limit" in document["components"]["schemas"]["Customer"]["properties"]
    assert {"/", "/assign", "/assign/batch", "/what-if", "/clusters", "/ready"} <= {
        *document["paths"]
    }
    for path, item in document["paths"].items():
        at = f"/v1/models/loans{path.rstrip('/')}".replace("{cluster_id}", "1")
        for method in item:
            asked = site.request(method, at, json={} if method == "post" else None)
            assert asked.status_code in (200, 415, 422), (method, at)
    plain = site.get("/openapi.json").json()
    assert "Credit_Limit" not in plain["components"]["schemas"]["Customer"]["properties"]


@pytest.mark.usefixtures("event_loop")
def test_a_model_answers_by_its_name_behind_a_stage_of_lambda(
    models: LiveModels, settings: Settings, lines: Lines
) -> None:
    models.refresh_seconds = 60.0
    handler = handler_for(create_app(models, settings, lines.append))
    text = (EVENTS / "http_api_v2_stage.json").read_text(encoding="utf-8")
    for name, below in (("loans", ""), ("loans", "/clusters"), ("gone", "")):
        event = json.loads(text.replace("/v1/assign", f"/v1/models/{name}{below}"))
        event["requestContext"]["http"]["method"] = "GET"
        answer = handler(event, None)
        if name == "gone":
            assert answer["statusCode"] == 503
            continue
        said = json.loads(answer["body"])
        assert version("original") in (said.get("version"), said.get("model_version"))
    document = json.loads(text.replace("/v1/assign", "/v1/models/loans/openapi.json"))
    document["requestContext"]["http"]["method"] = "GET"
    servers = json.loads(handler(document, None)["body"])["servers"]
    assert servers[0]["url"] == "/prod/v1/models/loans"
