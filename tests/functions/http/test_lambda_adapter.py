"""AWS's HTTP events, as its documentation shows them, through Mangum."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from functions.api import create_app
from functions.http.lambda_adapter import LambdaHandler, WrongEvent, handler_for, stage_prefix
from functions.http.presenter import presenter_of
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import BUNDLED
from tests.support.paths import EVENTS

pytestmark = pytest.mark.usefixtures("event_loop")
HTTP = ["http_api_v2", "http_api_v2_stage", "rest_v1_stage", "function_url", "alb"]


def event(name: str, **changes: Any) -> Any:
    return {**json.loads((EVENTS / f"{name}.json").read_text()), **changes}


@pytest.fixture
def handler(live_model: LiveModel) -> LambdaHandler:
    return handler_for(create_app(live_model, Settings(), log=lambda line: None))


@pytest.mark.parametrize("name", HTTP)
def test_every_front_door_gives_the_same_answer(
    handler: LambdaHandler, live_model: LiveModel, leaver: dict[str, Any], name: str
) -> None:
    answer = handler(event(name), None)
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    loaded = live_model.current()
    found = loaded.model.assign(leaver)
    assert json.loads(answer["body"]) == presenter_of(loaded).assignment(found, "0710001")


@pytest.mark.parametrize("name", HTTP)
def test_problem_documents_go_out_as_text(handler: LambdaHandler, name: str) -> None:
    answer = handler(event(name, body="[", isBase64Encoded=False), None)
    assert answer["statusCode"] == 400
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("http_api_v2", ""),
        ("http_api_v2_stage", "/prod"),
        ("rest_v1_stage", "/prod"),
        ("function_url", ""),
        ("alb", ""),
    ],
)
def test_the_stage_stands_before_our_paths(name: str, prefix: str) -> None:
    assert stage_prefix(event(name)) == prefix


@pytest.mark.parametrize("path", ["/prod", "/prod/"])
def test_the_address_of_the_stage_itself_shows_the_form(handler: LambdaHandler, path: str) -> None:
    http = event("http_api_v2_stage", rawPath=path)
    http["requestContext"]["http"] |= {"path": path, "method": "GET"}
    rest = event("rest_v1_stage", path="/", httpMethod="GET")
    rest["requestContext"]["path"] = path
    for given in (http, rest):
        answer = handler(given, None)
        assert answer["statusCode"] == 200
        assert 'href="/prod/static/style.css' in answer["body"]


def test_behind_a_domain_of_ones_own_there_is_no_stage() -> None:
    rest = event("rest_v1_stage")
    rest["requestContext"]["path"] = rest["path"]
    assert stage_prefix(rest) == ""
    named = event("http_api_v2_stage", rawPath="/v1/assign")
    assert stage_prefix(named) == ""


@pytest.mark.parametrize(
    ("route", "values", "shown", "prefix"),
    [
        ("/{proxy+}", {"proxy": "v1/model"}, "/prod/v1/model", "/prod"),
        ("/{proxy+}", {"proxy": "v1/model"}, "/groups/v1/model", "/groups"),
        ("/{proxy+}", {"proxy": "v1/model"}, "/v1/v1/model", "/v1"),  # a stage of that name
        ("/{proxy+}", {"proxy": "v1/model"}, "/a/b/v1/model/", "/a/b"),
        ("/ours/{proxy+}", {"proxy": "v1/model"}, "/prod/ours/v1/model", "/prod/ours"),
        ("/v1/model", None, "/groups/v1/model", "/groups"),
        ("/v1/{what}", {"what": "model"}, "/groups/v1/model", "/groups"),
    ],
)
def test_paths_are_found_behind_a_stage_or_a_base_path(
    handler: LambdaHandler, route: str, values: Any, shown: str, prefix: str
) -> None:
    rest = event("rest_v1_stage", resource=route, pathParameters=values, path=shown)
    rest["httpMethod"] = "GET"
    rest["requestContext"]["path"] = shown
    http = event("http_api_v2_stage", routeKey=f"ANY {route}", pathParameters=values, rawPath=shown)
    http["requestContext"]["http"] |= {"path": shown, "method": "GET"}
    for given in (rest, http):
        assert stage_prefix(given) == prefix
        answer = handler(given, None)
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["clusters"] == 5


@pytest.mark.parametrize("name", HTTP)
@pytest.mark.parametrize(
    "server",
    [
        {"x-forwarded-port": "443,80"}, {"x-forwarded-port": ""}, {"host": "[2001:db8::1]:443"},
        {"host": "[2001:db8::1]"}, {"host": "a:b:c"}, {"host": ""}, {"host": "a:"},
        {"x-forwarded-for": "2001:db8::1, [2001:db8::2]:1234"},
    ],
)  # fmt: skip
def test_no_port_and_no_address_ends_in_an_exception(
    handler: LambdaHandler, name: str, server: dict[str, str]
) -> None:
    given = event(name)
    for kind, wrap in (("headers", str), ("multiValueHeaders", lambda value: [value])):
        if kind in given:
            kept = {k: v for k, v in given[kind].items() if k.lower() not in server}
            given[kind] = kept | {key.title(): wrap(value) for key, value in server.items()}
    assert handler(given, None)["statusCode"] == 200


@pytest.mark.parametrize("name", HTTP)
def test_an_event_that_lacks_something_is_answered_or_a_clear_error(
    handler: LambdaHandler, name: str
) -> None:
    whole = event(name)
    for place in ((), ("requestContext",)):
        for key in whole["requestContext"] if place else whole:
            for value in (None, "", "absent"):
                given = copy.deepcopy(whole)
                part = given["requestContext"] if place else given
                part[key] = value
                if value == "absent":
                    del part[key]
                try:
                    assert handler(given, None)["statusCode"] < 500, (key, value)
                except WrongEvent:
                    continue


def test_a_slash_at_the_end_changes_nothing_and_redirects_nowhere(handler: LambdaHandler) -> None:
    given = event("rest_v1_stage", path="/v1/assign/")
    given["requestContext"]["path"] = "/prod/v1/assign/"
    assert handler(given, None)["statusCode"] == 200


@pytest.mark.parametrize(
    "ping",
    [
        {"source": "serverless-plugin-warmup"}, {"warmup": True}, {"warmer": True},
        {"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events",
         "account": "123456789012", "time": "2026-11-23T09:40:00Z", "region": "eu-central-1",
         "resources": ["arn:aws:events:eu-central-1:123456789012:rule/warm"], "detail": {}},
    ],
)  # fmt: skip
def test_what_keeps_the_function_warm_loads_the_model_and_is_answered(
    live_model: LiveModel, ping: Any
) -> None:
    looked: list[bool] = []
    app = create_app(live_model, Settings(), log=lambda line: None)
    answer = handler_for(app, lambda: looked.append(True))(ping, None)
    assert (answer["statusCode"], looked) == (200, [True])


@pytest.mark.parametrize(
    "wrong",
    [
        event("s3_put"),
        {},
        {"warmup": 1},
        {"requestContext": {}},
        {"requestContext": None},
        [],
        None,
        "ping",
    ],
    ids=["S3", "empty", "almost a ping", "no method", "null", "array", "nothing", "text"],
)
def test_another_event_is_a_clear_error(handler: LambdaHandler, wrong: Any) -> None:
    with pytest.raises(WrongEvent, match="answers HTTP events"):
        handler(wrong, None)


def test_a_call_finds_the_model_that_was_published_after_the_snapshot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a new stack, whose function is there before its models."""
    import functions.api

    monkeypatch.setenv("CUSTOMER_CLUSTERS_STORE", str(tmp_path / "models"))
    monkeypatch.delitem(vars(functions.api), "handler", raising=False)
    handler = functions.api.handler
    monkeypatch.delitem(vars(functions.api), "handler")
    assert handler(event("function_url"), None)["statusCode"] == 503
    shutil.copytree(BUNDLED, tmp_path / "models")
    assert handler(event("function_url"), None)["statusCode"] == 200


def test_the_handler_is_made_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import functions.api

    monkeypatch.delitem(vars(functions.api), "handler", raising=False)
    answer = functions.api.handler(event("function_url"), None)
    assert answer["statusCode"] == 200
    assert functions.api.handler is vars(functions.api)["handler"]
    monkeypatch.delitem(vars(functions.api), "handler")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        functions.api.nothing  # noqa: B018
