"""The Model Context Protocol: by its own SDK's client over loopback, and message by message."""

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.lambda_adapter import handler_for
from functions.http.lazy_routes import PageRoute
from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.settings import Settings
from pipeline.runs.history.entry import LEDGER
from tests.functions.conftest import Lines
from tests.support.histories import entry
from tests.support.paths import EVENTS

Clients = Callable[..., TestClient]
NEWEST = "2026-07-28"
CUSTOMER = {"Total_Trans_Ct": 38, "Total_Trans_Amt": 1900, "Total_Revolving_Bal": 0}
META = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def ask(client: TestClient, method: str, params: Any = None, **more: Any) -> Any:
    """A request of the era of handshakes."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return client.post("/mcp", json={**body, **more})


def call(client: TestClient, tool: str, **arguments: Any) -> Any:
    answer = ask(client, "tools/call", {"name": tool, "arguments": arguments})
    return answer.json().get("result", answer.json())


def ask_alone(client: TestClient, method: str, params: Any = None, **headers: str | None) -> Any:
    """A request that stands alone, as since the newest revision."""
    own = {"MCP-Protocol-Version": NEWEST, "Mcp-Method": method}
    if method == "tools/call":
        own["Mcp-Name"] = params["name"]
    named = own | {name.replace("_", "-"): value for name, value in headers.items()}
    body = {
        "jsonrpc": "2.0",
        "id": "a",
        "method": method,
        "params": {"_meta": META} | (params or {}),
    }
    return client.post(
        "/mcp",
        json=body,
        headers={name: value for name, value in named.items() if value is not None},
    )


@pytest.mark.parametrize("mode", ["auto", "legacy", NEWEST])
def test_the_sdks_client_finds_the_tools_and_calls_them(
    server: str, live_model: LiveModel, mode: str
) -> None:
    """It checks every answer against the schema that the tool declares."""

    async def speak() -> None:
        async with Client(f"{server}/mcp", mode=mode) as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools][:3] == ["assign", "what_if", "clusters"]
            assert list(tools[0].input_schema["properties"]["customer"]["properties"])[:3] == [
                "Total_Revolving_Bal",
                "Total_Trans_Amt",
                "Total_Trans_Ct",
            ]
            found = await client.call_tool("assign", {"customer": CUSTOMER})
            model = live_model.current().model
            own = model.assign(CUSTOMER).cluster
            assert found.structured_content["cluster"]["id"] == own.id
            assert json.loads(found.content[0].text) == found.structured_content  # type: ignore[union-attr]
            changes = await client.call_tool(
                "what_if", {"customer": CUSTOMER, "ways": {"Total_Trans_Ct": "up"}}
            )
            (change,) = changes.structured_content["changes"]
            assert change["feature"] == "Total_Trans_Ct"
            clusters = await client.call_tool("clusters")
            assert len(clusters.structured_content["clusters"]) == len(model.clusters)
            wrong = await client.call_tool("assign", {"customer": {"Total_Trans_Ct": -1}})
            assert wrong.is_error
            assert "Total_Trans_Ct: expected a whole number" in wrong.content[0].text  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="Unknown tool"):
                await client.call_tool("delete")

    anyio.run(speak)


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", ["http_api_v2", "rest_v1_stage", "alb"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_sdks_client_speaks_with_lambda(live_model: LiveModel, name: str, mode: str) -> None:
    """Each message is an event of its own; nothing of the one before is needed."""
    import httpx2

    handler = handler_for(create_app(live_model, Settings(), log=lambda line: None))
    event = json.loads((EVENTS / f"{name}.json").read_text())

    async def carry(request: httpx2.Request) -> httpx2.Response:
        stage = "/prod" if name == "rest_v1_stage" else ""
        context = {**event["requestContext"], "path": f"{stage}/mcp"}
        if "http" in context:
            context["http"] = {**context["http"], "method": request.method, "path": "/mcp"}
        headers = dict(request.headers)
        many = {key: [value] for key, value in headers.items()}
        body = base64.b64encode(request.content).decode()
        own = {"rawPath": "/mcp", "path": "/mcp", "resource": "/{proxy+}", "routeKey": "$default",
               "pathParameters": {"proxy": "mcp"}, "httpMethod": request.method,
               "headers": headers, "multiValueHeaders": many, "body": body,
               "isBase64Encoded": True, "requestContext": context}  # fmt: skip
        changed = {key: value for key, value in own.items() if key in event}
        answer = await asyncio.to_thread(_in_a_loop, handler, {**event, **changed})
        packed = answer["isBase64Encoded"]  # with gzip, which this client takes
        content = base64.b64decode(answer["body"]) if packed else answer["body"].encode()
        fields = answer.get("headers") or {
            key: values[0] for key, values in answer["multiValueHeaders"].items()
        }
        return httpx2.Response(answer["statusCode"], headers=fields, content=content)

    async def speak() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(carry))
        async with (
            http,
            Client(
                streamable_http_client("https://function.example/mcp", http_client=http), mode=mode
            ) as client,
        ):
            found = await client.call_tool("assign", {"customer": CUSTOMER})
            assert found.structured_content["cluster"]["id"] == 5

    anyio.run(speak)


def _in_a_loop(handler: Callable[[Any, Any], Any], event: Any) -> Any:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return handler(event, None)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2026-07-28", "2025-11-25"),
        ("1900-01-01", "2025-11-25"),
        (None, "2025-11-25"),
        ([], "2025-11-25"),
    ],
)
def test_a_handshake_ends_in_a_version_that_both_know(
    client: TestClient, asked: object, given: str
) -> None:
    answer = ask(client, "initialize", {"protocolVersion": asked, "capabilities": {}})
    result = answer.json()["result"]
    assert result["protocolVersion"] == given
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["name"] == "customer-clusters"
    assert "mcp-session-id" not in answer.headers
    assert ask(client, "ping").json()["result"] == {}


def test_a_request_that_stands_alone_is_told_what_holds_for_how_long(client: TestClient) -> None:
    about = ask_alone(client, "server/discover").json()["result"]
    assert about["supportedVersions"][0] == NEWEST
    assert (about["resultType"], about["cacheScope"]) == ("complete", "private")
    listed = ask_alone(client, "tools/list").json()["result"]
    assert listed["ttlMs"] == 60_000
    assert listed["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "customer-clusters"
    encoded = "=?base64?" + base64.b64encode(b"clusters").decode() + "?="
    called = ask_alone(client, "tools/call", {"name": "clusters"}, Mcp_Name=encoded).json()
    assert called["result"]["resultType"] == "complete"


@pytest.mark.parametrize(
    ("method", "changes", "status", "code"),
    [
        ("tools/list", {"MCP_Protocol_Version": None}, 400, -32020),
        ("tools/list", {"MCP_Protocol_Version": "2025-11-25"}, 400, -32020),
        ("tools/list", {"Mcp_Method": None}, 400, -32020),
        ("tools/list", {"Mcp_Method": "tools/call"}, 400, -32020),
        ("tools/call", {"Mcp_Name": None}, 400, -32020),
        ("tools/call", {"Mcp_Name": "assign"}, 400, -32020),
        ("tools/call", {"Mcp_Name": "=?base64?x?="}, 400, -32020),
        ("initialize", {}, 404, -32601),
        ("ping", {}, 404, -32601),
        ("prompts/list", {}, 404, -32601),
    ],
)
def test_headers_have_to_agree_with_the_message(
    client: TestClient, method: str, changes: dict[str, str | None], status: int, code: int
) -> None:
    answer = ask_alone(client, method, {"name": "clusters"}, **changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["id"] == "a"


def test_a_version_that_is_not_known_is_answered_with_those_that_are(client: TestClient) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": "1900-01-01"}
    unknown = {"MCP_Protocol_Version": "1900-01-01"}
    for each in (meta, {}):
        answer = ask_alone(client, "tools/list", {"_meta": each}, **unknown)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32022)
        assert answer.json()["error"]["data"]["supported"][:2] == [NEWEST, "2025-11-25"]
    incomplete = ask_alone(client, "tools/list", {"_meta": {}})
    assert (incomplete.status_code, incomplete.json()["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, -32700),
        (b"[]", 400, -32600),
        (b"3", 400, -32600),
        (b'{"method": "ping", "id": 1}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}', 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', 200, -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "server/discover"}', 200, -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "x"}}', 200,
         -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "assign"}}', 200,
         -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "assign", '
         b'"arguments": []}}', 200, -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "clusters", '
         b'"arguments": {"a": 1}}}', 200, -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": {}}}', 200,
         -32602),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_an_error_of_json_rpc(
    client: TestClient, body: bytes, status: int, code: int
) -> None:
    answer = client.post("/mcp", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def test_a_notification_is_taken_and_other_methods_are_not(client: TestClient) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    taken = client.post("/mcp", json=body)
    assert (taken.status_code, taken.content) == (202, b"")
    for method in ("GET", "DELETE"):
        refused = client.request(method, "/mcp", headers={"accept": "text/event-stream"})
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_pages_in_a_browser_may_not_ask_even_by_a_name_that_leads_here(client: TestClient) -> None:
    for origin in ("https://elsewhere.example", "http://testserver", "null"):
        answer = client.post("/mcp", json={}, headers={"origin": origin})
        assert answer.status_code == 403, origin


def test_what_the_client_cannot_read_is_not_sent(client: TestClient) -> None:
    assert client.post("/mcp", json={}, headers={"accept": "text/event-stream"}).status_code == 406
    assert client.post("/mcp", content=b"{}").status_code == 415
    large = {"jsonrpc": "2.0", "id": 1, "method": "x" * 1_048_576}
    assert client.post("/mcp", json=large).json()["code"] == "too_large"


def test_another_model_is_named_in_the_address(client: TestClient) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert client.post("/mcp?model=default", json=body).status_code == 200
    assert client.post("/mcp?model=another", json=body).json()["status"] == 404


def test_the_history_is_told_where_the_settings_name_results(
    client_for: Clients, client: TestClient, tmp_path: Path
) -> None:
    assert call(client, "history")["error"]["code"] == -32602
    (tmp_path / LEDGER).mkdir()
    for month in ("2026-09-01", "2026-10-01", "2026-11-01"):
        made = entry(month, [50, 60], 5)
        (tmp_path / LEDGER / f"{month}.json").write_text(json.dumps(made))
    with_results = client_for(results=str(tmp_path))
    found = call(with_results, "history", last=2)["structuredContent"]
    assert [period["as_of"] for period in found["periods"]] == ["2026-10-01", "2026-11-01"]
    assert (found["series"], found["earlier"]) == ("customers-*.csv", 1)
    assert str(tmp_path) not in json.dumps(found)
    for wrong in ({"last": 0}, {"last": True}, {"series": 3}, {"series": "branch.csv"}):
        assert call(with_results, "history", **wrong)["isError"], wrong


def test_a_job_is_told_where_there_are_jobs(live_model: LiveModel, lines: Lines) -> None:
    async def job(request: Request) -> Response:
        if request.path_params["id"] != "known":
            raise ProblemError(404, "no such job")
        assert "authorization" not in request.headers
        return Response(b'{"id": "known", "state": "running"}', media_type="application/json")

    app = create_app(live_model, Settings(), log=lines.append)
    app.router.routes = [
        route
        for route in app.router.routes
        if not getattr(route, "path", "").startswith("/v1/jobs")
    ]
    client = TestClient(app)
    assert call(client, "job", id="known")["error"]["message"] == "Unknown tool: job"
    app.router.routes.append(PageRoute("/v1/jobs/{id}", job))
    assert call(client, "job", id="known")["structuredContent"]["state"] == "running"
    assert "no such job" in call(client, "job", id="other")["content"][0]["text"]
    for wrong in ("", "../clusters", "a/b", 3):
        assert call(client, "job", id=wrong)["isError"]
    assert lines[-1]["route"] == "/mcp"


def test_an_error_of_ours_says_nothing_of_the_customer(
    client: TestClient, live_model: LiveModel, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError(f"failed for {CUSTOMER}")

    monkeypatch.setattr(live_model, "current", fail)
    answer = ask(client, "tools/call", {"name": "assign", "arguments": {"customer": CUSTOMER}})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "1900" not in json.dumps(lines) + answer.text
