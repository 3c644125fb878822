"""AWS's HTTP events, as its documentation shows them, through Mangum."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as some
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions.api import create_app
from functions.http.lambda_adapter import (
    LARGEST_ANSWER,
    LARGEST_TO_BALANCER,
    LambdaHandler,
    handler_for,
    stage_prefix,
)
from functions.http.presenter import presenter_of
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import BUNDLED
from tests.support.paths import EVENTS

pytestmark = pytest.mark.usefixtures("event_loop")
PLAIN = ["http_api_v2", "http_api_v2_stage", "rest_v1_stage", "function_url", "alb"]
HTTP = [
    *PLAIN, "http_api_v1", "http_api_v2_base_path", "http_api_v2_ipv6_host", "rest_v1_base_path",
    "rest_v1_stage_slash", "alb_multi_value", "alb_two_ports",
]  # fmt: skip
UNKNOWN = ["s3_put", "sns_message", "websocket_connect", "vpc_lattice_v2", "lambda_at_edge"]
Lines = list[Any]


def event(name: str, **changes: Any) -> Any:
    return {**json.loads((EVENTS / f"{name}.json").read_text()), **changes}


@pytest.fixture
def handler(live_model: LiveModel, lines: Lines) -> LambdaHandler:
    app = create_app(live_model, Settings(), log=lambda line: None)
    return handler_for(app, log=lines.append)


def header(answer: dict[str, Any], name: str) -> str | None:
    """What the client gets of a header, whichever way the door wants it written."""
    one, several = answer.get("headers", {}), answer.get("multiValueHeaders", {})
    return one.get(name) or next(iter(several.get(name, [])), None)


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
        ("http_api_v1", ""),
        ("http_api_v2_base_path", "/groups"),
        ("http_api_v2_ipv6_host", ""),
        ("rest_v1_base_path", "/groups"),
        ("rest_v1_stage_slash", "/prod"),
        ("alb_multi_value", ""),
        ("alb_two_ports", ""),
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
def test_an_event_that_lacks_something_is_answered(handler: LambdaHandler, name: str) -> None:
    whole = event(name)
    for place in ((), ("requestContext",)):
        for key in whole["requestContext"] if place else whole:
            for value in (None, "", "absent"):
                given = copy.deepcopy(whole)
                part = given["requestContext"] if place else given
                part[key] = value
                if value == "absent":
                    del part[key]
                assert handler(given, None)["statusCode"] < 500, (key, value)


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)


@hypothesis.settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@hypothesis.given(name=some.sampled_from(HTTP), data=some.data())
def test_no_event_ends_in_an_exception(
    handler: LambdaHandler, name: str, data: some.DataObject
) -> None:
    whole = event(name)
    inner = data.draw(some.sampled_from(["", "requestContext", "headers", "multiValueHeaders"]))
    part = whole.get(inner) or whole
    part[data.draw(some.sampled_from(sorted(part)))] = data.draw(ANYTHING)
    answer = handler(whole, None)
    assert 200 <= answer["statusCode"] < 500
    json.dumps(answer).encode()


@pytest.mark.parametrize("name", ["http_api_v2_head", "alb_head"])
def test_a_head_request_gets_the_headers_alone(handler: LambdaHandler, name: str) -> None:
    answer = handler(event(name), None)
    assert (answer["statusCode"], answer["body"]) == (200, "")
    assert header(answer, "content-type") == "application/json"
    assert answer["isBase64Encoded"] is False


@pytest.mark.parametrize("name", ["rest_v1_options", "function_url_options"])
def test_a_preflight_of_a_page_that_is_not_allowed_gets_a_problem(
    handler: LambdaHandler, name: str
) -> None:
    answer = handler(event(name), None)
    assert answer["statusCode"] == 405
    assert "POST" in str(header(answer, "allow"))
    assert header(answer, "access-control-allow-origin") is None
    assert json.loads(answer["body"])["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "ping",
    [{"warmup": True}, {"warmer": True}, event("warmup_plugin"), event("warmup_schedule")],
)
def test_what_keeps_the_function_warm_loads_the_model_and_is_answered(
    live_model: LiveModel, ping: Any
) -> None:
    looked: list[bool] = []
    app = create_app(live_model, Settings(), log=lambda line: None)
    answer = handler_for(app, lambda: looked.append(True))(ping, None)
    assert (answer["statusCode"], looked) == (200, [True])


def sends(content: bytes, media_type: str, **headers: str) -> LambdaHandler:
    """A handler whose application answers that to everything."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        named = {"x-request-id": "abc", "x-frame-options": "DENY", **headers}
        await Response(content, headers=named, media_type=media_type)(scope, receive, send)

    return handler_for(app, log=lambda line: None)


def size_for(name: str) -> int:
    return LARGEST_TO_BALANCER if name.startswith("alb") else LARGEST_ANSWER


@pytest.mark.parametrize("name", HTTP)
def test_an_answer_that_lambda_would_not_hand_over_is_a_problem_that_says_so(name: str) -> None:
    handler = sends(b"x" * size_for(name), "text/csv", **{"content-disposition": "attachment"})
    answer = handler(event(name), None)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"]) == (413, "answer_too_large")
    assert f"at most {size_for(name):,}" in problem["detail"]
    assert problem["instance"] == "urn:customer-clusters:request:abc"
    assert header(answer, "content-type") == "application/problem+json"
    assert header(answer, "x-frame-options") == "DENY"
    assert header(answer, "content-disposition") is None
    assert len(answer["body"]) < 1_000


@pytest.mark.parametrize("name", PLAIN)
def test_the_size_of_an_answer_is_that_of_what_lambda_hands_over(name: str) -> None:
    """Base64 takes a third more, and a quotation mark in JSON twice its byte."""
    fits = size_for(name) * 3 // 4 - 2_000
    binary, quotes = "application/vnd.apache.arrow.stream", "application/json"
    for count, expected in ((fits, 200), (fits + 3_000, 413)):
        answer = sends(b"\xff" * count, binary)(event(name), None)
        assert answer["statusCode"] == expected
        assert len(json.dumps(answer)) <= size_for(name)
    for count, expected in ((size_for(name) // 2 - 1_000, 200), (size_for(name) // 2, 413)):
        assert sends(b'"' * count, quotes)(event(name), None)["statusCode"] == expected


def test_what_is_too_large_is_in_the_log_without_any_of_it() -> None:
    lines: Lines = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(b"secret" * LARGEST_ANSWER, headers={"x-request-id": "abc"})(
            scope, receive, send
        )

    handler_for(app, log=lines.append)(event("http_api_v2"), None)
    [line] = lines
    assert (line["request_id"], line["status"], line["limit"]) == ("abc", 413, LARGEST_ANSWER)
    assert "secret" not in json.dumps(line)


@pytest.mark.parametrize(
    "wrong",
    [
        *map(event, UNKNOWN),
        {},
        {"warmup": 1},
        {"requestContext": {}},
        {"requestContext": None},
        [],
        None,
        "ping",
        event("http_api_v2", body="e", isBase64Encoded=True),
        event("alb_multi_value", multiValueHeaders="host"),
    ],
    ids=[*UNKNOWN, "empty", "almost a ping", "no method", "null", "array", "nothing", "text",
         "wrong base64", "wrong headers"],
)  # fmt: skip
def test_another_event_is_answered_by_a_problem_and_logged(
    handler: LambdaHandler, lines: Lines, wrong: Any
) -> None:
    answer = handler(wrong, None)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["code"]) == (400, "invalid_request")
    assert "answers HTTP events" in problem["detail"]
    assert header(answer, "content-type") == "application/problem+json"
    [line] = lines
    assert (line["level"], line["code"], line["status"]) == ("error", "wrong_event", 400)
    assert problem["instance"].endswith(line["request_id"])


def test_what_a_wrong_event_holds_is_not_shown(handler: LambdaHandler, lines: Lines) -> None:
    class Context:
        aws_request_id = "6f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5f"

    answer = handler({"Total_Trans_Ct": 987654, "x" * 5_000: 1}, Context())
    told = answer["body"] + json.dumps(lines)
    assert "987654" not in told and "x" * 500 not in told
    assert lines[0]["request_id"] == Context.aws_request_id
    assert header(answer, "x-request-id") == Context.aws_request_id


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
