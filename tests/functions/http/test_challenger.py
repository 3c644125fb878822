"""A share of the look-ups goes to a second model: who, what is told, what is counted."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.presenter import presenter_of
from functions.live_challenger import LiveChallenger, in_share
from functions.live_model import load
from functions.live_models import LiveModels
from functions.settings import Settings, WrongSetting
from model_store import Store
from tests.functions.conftest import Lines

Site = Callable[..., Any]


@pytest.fixture
def customer(customer: dict[str, Any], leaver: dict[str, Any]) -> dict[str, Any]:
    """A customer whom both models can assign."""
    return {**leaver, **customer}


@pytest.fixture
def figures() -> list[Any]:
    return []


@pytest.fixture
def site_for(
    store: Store, tmp_path: Path, lines: Lines, figures: list[Any]
) -> Iterator[Callable[..., tuple[LiveModels, TestClient]]]:
    opened = []

    def make(share: float = 0.5, challenger: str = "original") -> tuple[LiveModels, TestClient]:
        settings = Settings(
            store=str(tmp_path / "store"), challenger=challenger, challenger_share=share
        )
        models = LiveModels.from_settings(settings, lines.append, figures.append)
        models.default.refresh()
        opened.append(TestClient(create_app(models, settings, lines.append)))
        return models, opened[-1]

    yield make
    for client in opened:
        client.close()


def test_the_share_is_of_ids_by_their_hash_and_always_the_same() -> None:
    ids = [f"{number:06d}" for number in range(20_000)]
    drawn = [each for each in ids if in_share(each, 0.1)]
    assert abs(len(drawn) / len(ids) - 0.1) < 0.01
    assert all(in_share(each, 0.3) for each in drawn)  # a larger share has the smaller one
    assert in_share(710001, 0.2) == in_share("710001", 0.2)
    assert not any(in_share(each, 0.0) for each in ids)
    assert all(in_share(each, 1.0) for each in ids)
    assert not in_share(None, 1.0)
    # another release must not exchange who is in the share
    assert drawn[:6] == ["000000", "000001", "000011", "000027", "000031", "000035"]


def test_customers_of_the_share_are_answered_by_the_challenger_and_told_so(
    site_for: Site, store: Store, customer: dict[str, Any], lines: Lines
) -> None:
    _, site = site_for()
    champion, original = load(store, "champion"), load(store, "original")
    column = str(champion.model.contract.id_column)
    seen = set()
    for number in range(20):
        asked = {**customer, column: f"A{number}"}
        answer = site.post("/v1/assign", json=asked).json()
        challenged = in_share(f"A{number}", 0.5)
        seen.add(challenged)
        loaded = original if challenged else champion
        expected: dict[str, Any] = {**presenter_of(loaded).assignment(
            loaded.model.assign(asked), f"A{number}"
        )}  # fmt: skip
        assert answer == (expected | {"challenger": True} if challenged else expected)
        assert lines[-1]["model_version"] == loaded.version
        assert ("challenger" in lines[-1]) == challenged
        what_if = site.post("/v1/what-if", json={"customer": asked}).json()
        assert (what_if["model_version"], what_if.get("challenger", False)) == (
            loaded.version, challenged,
        )  # fmt: skip
    assert seen == {True, False}
    without = site.post("/v1/assign", json={**customer, column: None}).json()
    assert without["model_version"] == champion.version


def test_what_both_models_say_is_logged_without_the_customer_and_counted(
    site_for: Site, store: Store, customer: dict[str, Any], lines: Lines, figures: list[Any]
) -> None:
    _, site = site_for(1.0)
    champion, original = load(store, "champion"), load(store, "original")
    column = str(champion.model.contract.id_column)
    site.post("/v1/assign", json={**customer, column: "Anna-1"})
    own = champion.model.assign(customer).cluster.id
    other = original.model.assign(customer).cluster.id
    assert lines[-1]["challenger"] == {
        "version": original.version, "cluster": other, "champion_cluster": own,
    }  # fmt: skip
    assert "Anna-1" not in str(lines)
    narrow = {f.name: customer[f.name] for f in champion.model.contract.features}
    answer = site.post("/v1/assign", json={**narrow, column: "Anna-1"})
    assert answer.json()["model_version"] == champion.version  # the other lacks its columns
    assert "challenger" not in answer.json()
    assert lines[-1]["challenger"]["cluster"] is None
    assert site.post("/v1/assign", json={column: "Anna-1"}).status_code == 422
    (state,) = site.get("/v1/models").json()["models"]
    assert state["challenger"]["version"] == original.version
    assert (state["challenger"]["customers"], state["challenger"]["unassigned"]) == (1, 1)
    related = state["challenger"]["differ"] is not None
    assert figures[0] == {"ChallengerLookUps": 1, "ChallengerUnassigned": 0} | (
        {"ChallengerDiffers": int(own != other)} if related else {}
    )
    assert figures[1] == {"ChallengerLookUps": 1, "ChallengerUnassigned": 1}
    assert len(figures) == 2


def test_without_a_usable_challenger_the_champion_answers_everybody(
    site_for: Site, customer: dict[str, Any], lines: Lines
) -> None:
    models, site = site_for(1.0, "nobody")
    for _ in range(2):
        models.default.refresh()
    told = [line for line in lines if "without a challenger" in line["message"]]
    assert len(told) == 1
    answer = site.post("/v1/assign", json={**customer, "CLIENTNUM": "1"})
    assert answer.status_code == 200
    assert "challenger" not in answer.json()
    assert site.get("/v1/models").json()["models"][0]["challenger"] is None


def test_a_challenger_is_followed_and_never_challenges_itself(
    site_for: Site, store: Store, lines: Lines
) -> None:
    store.point("candidate", "original")
    models, _ = site_for(1.0, "candidate")
    champion = models.default.current().version
    challenger = models.challenger_of(models.default)
    assert challenger is not None
    second = challenger.beside(champion)
    assert second is not None
    assert second.version == store.resolve("original")
    models.default.refresh()
    assert challenger.beside(champion) is second  # read once
    store.point("candidate", "champion")
    models.default.refresh()
    assert challenger.beside(champion) is None
    assert challenger.failure is None
    store.point("candidate", "original")
    models.default.refresh()
    store.point("champion", "original")
    models.default.refresh()
    assert challenger.beside(store.resolve("original")) is None


def test_a_model_that_makes_room_takes_its_challenger_with_it(store: Store, tmp_path: Path) -> None:
    settings = Settings.from_environment({
        "CUSTOMER_CLUSTERS_MODELS": f"a={tmp_path / 'store'},b={tmp_path / 'store'}",
        "CUSTOMER_CLUSTERS_CHALLENGER": "original",
        "CUSTOMER_CLUSTERS_CHALLENGER_SHARE": "0.5",
    })  # fmt: skip
    models = LiveModels.from_settings(settings, lambda line: None)
    loaded = asyncio.run(models.load("b"))
    challenger = models.challenger_of(models.named("b"))
    assert isinstance(challenger, LiveChallenger)
    assert challenger.beside(loaded.version) is not None
    models.named("b").unload()
    assert challenger.beside(loaded.version) is None


def test_a_share_needs_a_challenger() -> None:
    share = "CUSTOMER_CLUSTERS_CHALLENGER_SHARE"
    with pytest.raises(WrongSetting, match=rf"^{share}: expected 0, or .*_CHALLENGER too"):
        Settings.from_environment({share: "0.1"})
    assert Settings.from_environment({share: "0"}).challenger_share == 0
