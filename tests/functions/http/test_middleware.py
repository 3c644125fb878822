"""What every request passes."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from functions.api import create_app
from functions.http.problems import not_ready
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import open_store
from tests.functions.conftest import Lines
from tests.support.web import Page

Clients = Callable[..., TestClient]
KEY, OLD_KEY = "first-key-ü", "second-key"
HASHES = tuple(hashlib.sha256(key.encode()).hexdigest() for key in (KEY, OLD_KEY))


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic not-base64"}, 401),
        ({"Authorization": basic("wrong")}, 401),
        ({"Authorization": b"Digest " + KEY.encode()}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": HASHES[0]}, 401),
        ({"X-API-Key": KEY.encode()}, 200),
        ({"X-API-Key": OLD_KEY}, 200),
        ({"Authorization": b"Bearer " + KEY.encode()}, 200),
        ({"Authorization": basic(OLD_KEY)}, 200),
        ({"Authorization": basic(KEY)}, 200),
    ],
)
def test_with_keys_set_only_a_known_key_passes(
    client_for: Clients, headers: dict[str, Any], status: int
) -> None:
    client = client_for(api_keys=HASHES)
    answer = client.get("/v1/model", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["code"] == "unauthorised"
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/nowhere"])
def test_nothing_but_the_sign_of_life_is_open_when_keys_are_set(
    client_for: Clients, path: str
) -> None:
    client = client_for(api_keys=HASHES)
    assert client.get(path).status_code == 401
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/health/ready", "/v2/health/ready"])
def test_a_probe_needs_no_key_and_learns_no_more_than_the_status(
    client_for: Clients, path: str
) -> None:
    client = client_for(api_keys=HASHES)
    told = {"/health/ready": {"status": "ready"}, "/v2/health/ready": {"live": True, "ready": True}}
    assert client.get(path).json() == told[path]
    assert client.get(path, headers={"X-API-Key": "wrong"}).status_code == 401
    with_key = client.get("/health/ready", headers={"X-API-Key": OLD_KEY}).json()
    assert with_key["model_version"]
    assert client_for().get("/health/ready").json()["models"]


@pytest.mark.parametrize("path", ["/health/ready", "/v2/health/ready"])
def test_a_probe_without_a_key_is_not_told_why_no_model_answers(tmp_path: Path, path: str) -> None:
    live_model = LiveModel(open_store(tmp_path / "nowhere"), "champion")
    live_model.refresh()
    client = TestClient(create_app(live_model, Settings(api_keys=HASHES)))
    answer = client.get(path)
    assert (answer.status_code, answer.json()["detail"]) == (503, not_ready().detail)
    assert "nowhere" in client.get(path, headers={"X-API-Key": OLD_KEY}).json()["detail"]


def test_a_browser_is_told_where_the_key_goes(client_for: Clients) -> None:
    client = client_for(api_keys=HASHES)
    answer = client.get("/clusters", headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["content-type"].startswith("text/html")
    page = Page(answer.text)
    assert page.one("h1").text == "A valid API key is needed"
    assert "goes into the password field" in page.text
    assert page.one("a", **{"class": "button"}).attributes["href"] == "/clusters"
    style = page.one("link", rel="stylesheet").attributes["href"]
    assert client.get(style).status_code == 200  # or the page would be bare
    assert "no-store" in answer.headers["cache-control"]
    for path in ("/v1/model", "/openapi.json"):  # a person may follow a link there
        answer = client.get(path, headers={"Accept": "text/html"})
        assert Page(answer.text).one("h1").text == "A valid API key is needed"
        assert client.get(path).json()["status"] == 401
    given = {"Accept": "text/html", "X-API-Key": OLD_KEY}
    assert client.get("/v1/nowhere", headers=given).json()["status"] == 404


def test_every_answer_has_security_headers_and_an_id(client: TestClient) -> None:
    for answer in (client.get("/v1/model"), client.get("/nowhere")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in ("private, max-age=60", "no-store")
        assert len(answer.headers["x-request-id"]) == 16


@pytest.mark.parametrize(
    ("given", "kept"), [("order-17.a_b", True), ("x" * 65, False), ("<script>", False), ("", False)]
)
def test_a_request_id_is_kept_when_it_is_harmless(
    client: TestClient, given: str, kept: bool
) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": given})
    found = answer.headers["x-request-id"]
    assert (found == given) is kept
    assert answer.json()["instance"] == f"urn:customer-clusters:request:{found}"


def test_a_request_is_one_line_in_the_log_without_the_customers_values(
    client: TestClient, lines: Lines, leaver: dict[str, Any], live_model: LiveModel
) -> None:
    client.post("/v1/assign?hidden=query", json=leaver, headers={"X-Request-Id": "abc"})
    (line,) = lines
    assert line["request_id"] == "abc"
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/assign", 200)
    assert line["model_version"] == live_model.current().version
    assert line.pop("ms") > 0  # its digits may be any, and so may those of the version's time
    line.pop("model_version")
    text = json.dumps(line)
    assert "1900" not in text
    assert "0710001" not in text
    assert "hidden" not in text


def test_a_body_that_never_arrives_is_given_up(live_model: LiveModel) -> None:
    app = create_app(live_model, Settings(request_seconds=0.01), log=lambda line: None)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("it waited")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/assign", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "timeout"


@pytest.mark.parametrize("waits", [(0, 0, 0), (0, 0.01, 0), (0.01, 0.01, 0.01)])
def test_a_body_may_arrive_in_pieces(live_model: LiveModel, waits: tuple[float, ...]) -> None:
    app = create_app(live_model, Settings(), log=lambda line: None)
    body = b'{"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}'
    parts = list(zip((body[:9], body[9:40], body[40:]), waits, strict=True))
    sent: list[Message] = []

    async def receive() -> Message:
        part, wait = parts.pop(0)
        if wait:
            await asyncio.sleep(wait)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/assign", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200, sent[1]["body"]


def test_a_client_that_leaves_is_no_error_of_ours(live_model: LiveModel, lines: Lines) -> None:
    app = create_app(live_model, Settings(), log=lines.append)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    scope = {
        "type": "http", "method": "POST", "path": "/v1/assign", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert lines[-1]["status"] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://ours", "X-Forwarded-Host": "ours"}, 403),  # anybody can write it
        ({"Origin": "http://testserver.evil"}, 403),
        ({"Origin": "http://evil"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(
    client_for: Clients, headers: dict[str, str], status: int
) -> None:
    client = client_for(api_keys=HASHES)
    given = {"Authorization": basic(KEY), **headers}
    form = {"Total_Revolving_Bal": "0", "Total_Trans_Amt": "1900", "Total_Trans_Ct": "38"}
    assert client.post("/result", data=form, headers=given).status_code == status
    assert client.get("/", headers=given).status_code == 200  # a link from elsewhere


@pytest.mark.parametrize("path", ["/docs/", "/v1/model//", "//", "/health/live/"])
def test_slashes_at_the_end_of_a_path_mean_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/.//evil.example/", "/nowhere/", "/%2f%2fevil.example/"])
def test_no_redirect_goes_where_the_host_header_says(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"}, follow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (404, False)
