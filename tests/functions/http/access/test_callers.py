"""Named clients: what each may do, how often, and what is told of them."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.http.access.scopes import NEEDED, may, scope_needed
from tests.functions.conftest import Lines
from tests.functions.http.access.conftest import Clients, entry

CUSTOMER = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}


def with_key(key: str) -> dict[str, str]:
    return {"X-API-Key": key}


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/v1/assign", "assign"),
        ("POST", "/v1/assign/batch", "assign"),
        ("POST", "/v1/what-if", "assign"),
        ("GET", "/v1/clusters/1", "assign"),
        ("GET", "/v1/models", "assign"),
        ("GET", "/v1/models/default/model", "assign"),
        ("GET", "/", "assign"),
        ("GET", "/clusters/", "assign"),
        ("GET", "/files", "files"),
        ("GET", "/files/nobody", "files"),
        ("GET", "/v1/customers/1", "customers"),
        ("GET", "/history", "customers"),
        ("GET", "/nowhere", "admin"),
    ],
)
def test_a_key_passes_where_its_scope_is_needed(
    clients: TestClient, method: str, path: str, needed: str
) -> None:
    body = {"json": CUSTOMER} if method == "POST" else {}
    for key in ("assign", "files", "customers", "admin", "all"):
        answer = clients.request(method, path, headers=with_key(key), **body)  # type: ignore[arg-type]
        assert (answer.status_code == 403) is (key not in (needed, "admin", "all")), key
    refused = clients.request(
        method, path, headers=with_key("slow" if needed != "assign" else "files")
    )
    assert refused.json()["code"] == "missing_scope"
    assert f"this needs the scope {needed}; " in refused.json()["detail"]
    assert f'scope="{needed}"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize("path", ["/openapi.json", "/health/ready", "/health/live"])
def test_what_every_client_needs_takes_any_key(clients: TestClient, path: str) -> None:
    assert clients.get(path, headers=with_key("files")).status_code == 200


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/v1/jobs", "files"),
        ("/v1/jobs/7/outputs", "files"),
        ("/v1/jobsx", "assign"),
        ("/v1/models/cards/jobs", "files"),
        ("/v1/models/cards/customers/7", "customers"),
        ("/v1/models/cards/models/loans/jobs", "files"),
        ("/v1/models/cards", "assign"),
        ("/models/cards", "assign"),
        ("/models/cards/files/7", "files"),
        ("/models/cards/models/loans/history", "customers"),
        ("/models/cards/v1/models/loans/jobs", "files"),
        ("/v1/models/cards/models", "assign"),
        ("/v2/models/cards/infer", "assign"),
        ("/invocations", "assign"),
        ("/mcp", "assign"),
        ("", "admin"),
        ("static", "admin"),
    ],
)
def test_the_longest_beginning_of_a_path_says_the_scope(path: str, needed: str) -> None:
    assert scope_needed(path) == needed


def test_every_address_of_the_application_has_a_scope(clients: TestClient) -> None:
    """One that is added and forgotten here needs `admin`, which nobody would notice."""
    from starlette.routing import Route

    paths = [route.path for route in clients.app.router.routes if isinstance(route, Route)]  # type: ignore[attr-defined]
    open_to_all = {"/static/{name}", "/favicon.ico"}
    whatever_follows = {"/models/{model}/{rest:path}"}  # which has the scope of that
    unnamed = {path for path in paths if scope_needed(path) == "admin"}
    assert unnamed == open_to_all | whatever_follows
    assert set(NEEDED.values()) == {None, "assign", "files", "customers", "metrics"}


def test_a_path_longer_than_any_address_is_not_looked_into(clients: TestClient) -> None:
    path = "/a" * 600
    answer = clients.get(path, headers=with_key("assign"))
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert clients.get(path, headers=with_key("admin")).status_code == 404


def test_without_keys_everybody_may_do_everything() -> None:
    assert may({"type": "http"}, "files")
    assert not may({"caller_scopes": frozenset({"assign"})}, "files")
    assert may({"caller_scopes": frozenset({"admin"})}, "files")


def test_a_client_that_asks_too_often_is_told_when_to_come_back(clients: TestClient) -> None:
    answers = [clients.get("/v1/model", headers=with_key("slow")) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    policies = {answer.headers["ratelimit-policy"] for answer in answers}
    assert policies == {'"client";q=3;w=60'}
    left = [answer.headers["ratelimit"] for answer in answers]
    assert left == [
        f'"client";r={r};t={t}' for r, t in ((2, 20), (1, 40), (0, 60), (0, 20), (0, 20))
    ]
    assert answers[3].json()["code"] == "rate_exceeded"
    assert answers[3].headers["retry-after"] == "20"
    other = clients.get("/v1/model", headers=with_key("assign"))
    assert (other.status_code, "ratelimit" in other.headers) == (200, False)


def test_two_keys_of_one_client_share_its_rate(client_for: Clients) -> None:
    keys = entry("crm::2/h", "old"), entry("crm::2/h", "new")
    client = client_for(api_keys=keys)
    codes = [
        client.get("/v1/model", headers=with_key(key)).status_code for key in ("old", "new", "old")
    ]
    assert codes == [200, 200, 429]


def test_the_log_names_the_client_and_never_the_key(
    client_for: Clients, lines: Lines, leaver: dict[str, Any]
) -> None:
    client = client_for(api_keys=(entry("crm:assign", "secret-key"), entry("", "other-key")[1:]))
    client.post("/v1/assign", json=leaver, headers=with_key("secret-key"))
    client.get("/files", headers=with_key("secret-key"))
    client.get("/v1/model", headers=with_key("other-key"))
    client.get("/v1/model", headers=with_key("wrong-key"))
    client.get("/health/live", headers=with_key("secret-key"))
    named = [line.get("client") for line in lines]
    digest = entry("", "other-key")[1:]
    assert named == ["crm", "crm", digest[:8], None, None]
    text = json.dumps(lines)
    assert not any(key in text for key in ("secret-key", "other-key", "wrong-key", digest))


def test_without_keys_the_log_names_no_client(client: TestClient, lines: Lines) -> None:
    client.get("/v1/model")
    assert "client" not in lines[-1]


def ask(client: TestClient, key: str, **headers: str) -> int:
    return client.get("/v1/model", headers={**with_key(key), **headers}).status_code


def test_guessing_keys_is_slowed_and_those_who_have_one_are_not(client_for: Clients) -> None:
    client = client_for(api_keys=(entry("one", "first"), entry("two", "second")))
    assert ask(client, "first") == 200
    assert {ask(client, f"guess-{number}") for number in range(30)} == {401}
    refused = client.get("/v1/model", headers=with_key("guess-30"))
    assert (refused.status_code, refused.json()["code"]) == (401, "too_many_attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert ask(client, "first") == 200  # it was right before
    assert ask(client, "second") == 401  # might be a guess
    assert client.get("/v1/model").status_code == 401  # who sends no key guesses none


def test_a_browser_that_sends_a_wrong_password_counts_as_a_guess(client_for: Clients) -> None:
    client = client_for(api_keys=(entry("one", "first"),))
    given = base64.b64encode(b"me:wrong").decode()
    answers = [client.get("/", headers={"Authorization": f"Basic {given}"}) for _ in range(31)]
    assert {answer.status_code for answer in answers} == {401}
    codes = [answer.json()["code"] for answer in answers]
    assert (codes[29], codes[30]) == ("unauthorised", "too_many_attempts")
    assert answers[30].headers["www-authenticate"].startswith("Basic ")


def tools_of(client: TestClient, key: str, **headers: str) -> set[str]:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    given = {**with_key(key), "MCP-Protocol-Version": "2025-06-18", **headers}
    answer = client.post("/mcp", json=message, headers=given)
    assert answer.status_code == 200, answer.text
    return {tool["name"] for tool in answer.json()["result"]["tools"]}


def test_over_mcp_a_client_has_the_tools_that_its_scopes_allow(clients: TestClient) -> None:
    assert "history" in tools_of(clients, "all")
    assert "history" in tools_of(clients, "admin")
    few = tools_of(clients, "assign")
    assert "assign" in few
    assert not few & {"history", "job"}
    call = {"name": "history", "arguments": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = clients.post("/mcp", json=message, headers=with_key("assign"))
    assert "Unknown tool" in answer.text
