"""What would change a customer's cluster, over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.http.presenter import Presenter
from functions.http.what_if import what_if
from functions.live_model import LiveModel
from pipeline.errors import WrongRow
from pipeline.model.counterfactuals import find_counterfactuals

Ask = Callable[..., Any]


@pytest.fixture
def ask(client: TestClient, leaver: dict[str, Any]) -> Ask:
    """Asks about the leaver, perhaps with ways."""

    def question(**more: object) -> Any:
        return client.post("/v1/what-if", json={"customer": leaver, **more})

    return question


def test_the_smallest_change_of_each_feature_comes_first(
    ask: Ask, live_model: LiveModel, leaver: dict[str, Any]
) -> None:
    answer, model = ask().json(), live_model.current().model
    found = find_counterfactuals(model, model.contract.parse(leaver, typed=True))
    changes = sorted(filter(None, found.values()), key=lambda change: change.size)
    assert [
        (change["feature"], change["new_value"], change["cluster"]["id"], change["size"])
        for change in answer["changes"]
    ] == [(each.feature, each.value, each.cluster.id, each.size) for each in changes]
    assert answer["without_change"] == [name for name, change in found.items() if change is None]
    assert answer["id"] == "0710001" and answer["cluster"]["id"] == 5
    assert answer["changes"][0]["churn"]["rate"] < answer["churn"]["rate"]


def test_the_changes_are_what_they_say(
    ask: Ask, client: TestClient, leaver: dict[str, Any]
) -> None:
    for change in ask().json()["changes"]:
        assert change["value"] == leaver[change["feature"]]
        moved = client.post(
            "/v1/assign", json={**leaver, change["feature"]: change["new_value"]}
        ).json()
        assert moved["cluster"] == change["cluster"] and moved["churn"] == change["churn"]


def test_a_caller_says_which_features_may_change(ask: Ask) -> None:
    answer = ask(ways={"Total_Trans_Ct": "up"}).json()
    assert [change["feature"] for change in answer["changes"]] == ["Total_Trans_Ct"]
    assert answer["changes"][0]["new_value"] > 38
    assert set(answer["without_change"]) == {"Total_Trans_Amt", "Total_Revolving_Bal"}
    assert ask(ways={}).json()["changes"] == []


def test_nobody_may_ask_for_more_than_the_contract_allows(
    live_model: LiveModel, leaver: dict[str, Any]
) -> None:
    loaded = live_model.current()
    fixed = tuple(replace(f, actionable="up") for f in loaded.model.contract.features)
    model = replace(loaded.model, contract=replace(loaded.model.contract, features=fixed))
    with pytest.raises(WrongRow) as caught:
        what_if(
            Presenter(model, "v1"),
            {"customer": leaver, "ways": {"Total_Trans_Ct": "down", "Total_Trans_Amt": "both"}},
        )
    assert [problem.expected for problem in caught.value.problems] == [
        "one of up, no, which the contract allows"
    ] * 2


@pytest.mark.parametrize(
    ("ways", "field", "code"),
    [
        ({"Total_Trans_Ct": "sideways"}, "ways.Total_Trans_Ct", "not_actionable"),
        ({"Total_Trans_Ct": ["up"]}, "ways.Total_Trans_Ct", "not_actionable"),
        ({"Age": "up"}, "ways", "unknown_feature"),
        (["Total_Trans_Ct"], "ways", "not_an_object"),
        ("up", "ways", "not_an_object"),
    ],
)
def test_ways_that_cannot_be_are_named(ask: Ask, ways: object, field: str, code: str) -> None:
    answer = ask(ways=ways)
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]


def test_features_that_there_are_not_are_told_once_however_many(ask: Ask) -> None:
    answer = ask(ways={f"x{number}": "up" for number in range(50_000)})
    assert [error["value"] for error in answer.json()["errors"]] == ["x0"]
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("document", [[], {}, {"customer": {}, "way": {}}, "x", None])
def test_what_is_no_question_is_refused(client: TestClient, document: object) -> None:
    answer = client.post(
        "/v1/what-if", content=json.dumps(document), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert 'expected an object with "customer"' in answer.json()["detail"]


def test_every_problem_of_the_customer_is_told(client: TestClient) -> None:
    answer = client.post("/v1/what-if", json={"customer": {"Total_Trans_Ct": -1}})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 3


def test_an_outlier_is_told_so_before_all_else(client: TestClient, leaver: dict[str, Any]) -> None:
    nothing = {**leaver, "Total_Trans_Ct": 0, "Total_Trans_Amt": 0}
    answer = client.post("/v1/assign", json=nothing).json()
    assert list(answer)[:2] == ["id", "warning"]
    assert answer["warning"].startswith("Unlike the customers the model was trained on (unusual")
    assert answer["warning"].endswith("the group, its rate and the risk may not hold for this one.")
    asked = client.post("/v1/what-if", json={"customer": nothing}).json()
    assert asked["warning"] == answer["warning"]
    assert asked["risk_score"] == answer["risk_score"]
    assert client.post("/v1/assign", json=leaver).json()["warning"] is None
    assert client.post("/v1/what-if", json={"customer": leaver}).json()["warning"] is None
