"""CORS: pages of other sites, by a list of origins."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.settings import Settings, WrongSetting
from functions.settings.access import AccessSettings
from tests.functions.conftest import Lines
from tests.functions.http.access.conftest import Clients, entry

APP, OTHER = "https://app.example", "https://evil.example"
CUSTOMER = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
FROM_APP = {"Origin": APP, "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
def site(client_for: Clients) -> TestClient:
    keys = entry("web:assign:100/s", "key"), entry("files:files", "files")
    return client_for(api_keys=keys, access=AccessSettings(cors_origins=(APP,)))


@pytest.fixture
def open_site(client_for: Clients) -> TestClient:
    return client_for(access=AccessSettings(cors_origins=(APP,)))


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{key}".encode()).decode()}


def names(headers: Mapping[str, str]) -> set[str]:
    return {name for name in headers if name.startswith("access-control-")}


def varies(answer: Any) -> bool:
    """Whether a cache keeps the answers to different origins apart."""
    return "Origin" in answer.headers.get("vary", "").split(", ")


def test_a_preflight_is_answered_without_a_key(site: TestClient, lines: Lines) -> None:
    answer = site.options("/v1/assign", headers={"Origin": APP, **ASKS})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert {"POST", "GET", "DELETE"} <= set(
        answer.headers["access-control-allow-methods"].split(", ")
    )
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"x-api-key", "authorization", "content-type", "idempotency-key"} <= set(allowed)
    assert 600 <= int(answer.headers["access-control-max-age"]) <= 7200
    assert varies(answer)
    assert "access-control-allow-credentials" not in answer.headers
    assert (lines[-1]["method"], lines[-1]["status"]) == ("OPTIONS", 204)


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/v1/assign", OTHER),
        ("/v1/assign", "null"),
        ("/v1/assign", APP + ".evil"),
        ("/v1/assign", APP.upper()),
        ("/v1/assign", "http://app.example"),
        ("/files", APP),  # a page
        ("/", APP),
    ],
)
def test_a_preflight_of_others_or_of_pages_is_refused(
    site: TestClient, path: str, origin: str
) -> None:
    answer = site.options(path, headers={"Origin": origin, **ASKS})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert names(answer.headers) == set()


@pytest.mark.parametrize("way", [{"X-API-Key": "key"}, {"Authorization": "Bearer key"}])
def test_a_page_of_the_list_may_ask_with_a_key(site: TestClient, way: dict[str, str]) -> None:
    answer = site.post("/v1/assign", json=CUSTOMER, headers={**FROM_APP, **way})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP
    exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
    assert exposed >= {"location", "etag", "retry-after", "ratelimit", "x-request-id"}
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert varies(answer)
    assert answer.headers["x-content-type-options"] == "nosniff"  # as ever


def test_errors_can_be_read_by_a_page_of_the_list(site: TestClient) -> None:
    answers = [
        site.post("/v1/assign", json=CUSTOMER, headers=FROM_APP),
        site.post("/v1/assign", json=CUSTOMER, headers={**FROM_APP, "X-API-Key": "wrong"}),
        site.post("/v1/assign", json=CUSTOMER, headers={**FROM_APP, "X-API-Key": "files"}),
        site.post("/v1/assign", json={}, headers={**FROM_APP, "X-API-Key": "key"}),
        site.get("/v1/nowhere", headers={**FROM_APP, "X-API-Key": "key"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 403, 422, 404]
    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {APP}


def test_what_became_of_a_table_can_be_read_by_a_page_of_the_list(open_site: TestClient) -> None:
    table = f"{','.join(CUSTOMER)}\n{','.join(map(str, CUSTOMER.values()))}\n"
    headers = {**FROM_APP, "Content-Type": "text/csv"}
    answer = open_site.post("/v1/assign/batch", content=table, headers=headers)
    assert answer.headers["customers-assigned"] == "1"
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert {"Customers-Assigned", "Customers-Rejected", "Model-Version"} <= exposed


def test_a_password_that_the_browser_sends_by_itself_is_not_taken(site: TestClient) -> None:
    for method in ("GET", "POST"):
        answer = site.request(method, "/v1/model", headers={**FROM_APP, **basic("key")})
        assert answer.status_code == 403
        assert "sends the key as X-API-Key or bearer" in answer.json()["detail"]
    form = {"Total_Revolving_Bal": "0", "Total_Trans_Amt": "1900", "Total_Trans_Ct": "38"}
    answer = site.post("/result", data=form, headers={**FROM_APP, **basic("key")})
    assert answer.status_code == 403  # pages stay with their own site
    assert names(answer.headers) == set()


def test_other_pages_are_shut_out_as_before(site: TestClient, open_site: TestClient) -> None:
    given = {"Origin": OTHER, "Sec-Fetch-Site": "cross-site"}
    for asked, key in ((site, {"X-API-Key": "key"}), (open_site, {})):
        answer = asked.post("/v1/assign", json=CUSTOMER, headers={**given, **key})
        assert answer.status_code == 403
        assert names(answer.headers) == set()
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert varies(answer)


def test_programs_and_our_own_pages_need_no_place_in_the_list(site: TestClient) -> None:
    for given in ({}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}):
        headers = {"X-API-Key": "key", **given}
        answer = site.post("/v1/assign", json=CUSTOMER, headers=headers)
        assert answer.status_code == 200
        assert names(answer.headers) == set()
    assert not varies(site.get("/static/style.css"))


def test_without_keys_a_page_of_the_list_may_ask_too(open_site: TestClient) -> None:
    answer = open_site.post("/v1/assign", json=CUSTOMER, headers=FROM_APP)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, APP)


def test_without_a_list_nothing_is_told_to_other_pages(client: TestClient) -> None:
    preflight = client.options("/v1/assign", headers={"Origin": APP, **ASKS})
    assert preflight.status_code == 405
    answer = client.post("/v1/assign", json=CUSTOMER, headers=FROM_APP)
    assert answer.status_code == 403
    for given in (preflight, answer, client.get("/v1/model", headers={"Origin": APP})):
        assert names(given.headers) == set()
        assert not varies(given)


def test_the_list_is_read_from_the_environment() -> None:
    name = "CUSTOMER_CLUSTERS_CORS_ORIGINS"
    text = "https://App.example, http://localhost:5173 ,https://[::1]:8443"
    found = Settings.from_environment({name: text}).access.cors_origins
    assert found == ("https://app.example", "http://localhost:5173", "https://[::1]:8443")
    wrong = [
        "*",
        "null",
        "app.example",
        "https://*.example",
        APP + "/",
        "file://x",
        "https://a:0",
        ",",
    ]
    for text in wrong:
        with pytest.raises(WrongSetting, match=f"^{name}: expected origins"):
            Settings.from_environment({name: text})


def test_a_head_request_is_told_the_same(site: TestClient) -> None:
    answer = site.head("/v1/model", headers={**FROM_APP, "X-API-Key": "key"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert json.loads(site.get("/v1/model", headers={"X-API-Key": "key"}).text)


def test_an_answer_that_is_kept_holds_for_its_origin_only(site: TestClient) -> None:
    """A browser that asks whether it still holds is told the same as at first."""
    with_key = {**FROM_APP, "X-API-Key": "key"}
    tag = site.get("/v1/model", headers=with_key).headers["etag"]
    answer = site.get("/v1/model", headers={**with_key, "If-None-Match": tag})
    assert answer.status_code == 304
    assert varies(answer)
    assert answer.headers["access-control-allow-origin"] == APP


def test_a_page_of_the_list_may_use_mcp_and_no_other_may(
    site: TestClient, open_site: TestClient
) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for asked, key in ((site, {"X-API-Key": "key"}), (open_site, {})):
        answer = asked.post("/mcp", json=message, headers={**FROM_APP, **key})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, APP)
        for origin in (OTHER, "http://testserver"):
            answer = asked.post("/mcp", json=message, headers={"Origin": origin, **key})
            assert answer.status_code == 403
