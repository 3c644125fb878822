"""The public address: what absolute addresses are made of, whatever headers a stranger sends."""

import base64
import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from functions.api import _hosts
from functions.http.lambda_adapter import handler_for
from functions.settings import Settings, WrongSetting
from functions.settings.access import AccessSettings
from functions.settings.public_address import PublicAddress
from tests.support.dropping import Drop
from tests.support.paths import EVENTS
from tests.support.web import BROWSER, Page, app_over, hidden

PUBLIC = "https://clusters.bank.example/base"
SPOOFED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "81",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Original-URL": "https://evil.example/",
    "X-Host": "evil.example",
    "Forwarded": "for=192.0.2.1;host=evil.example;proto=http",
}
"""What a stranger may send, and a proxy may pass on."""
Clients = Callable[..., TestClient]


def at(text: str = PUBLIC) -> PublicAddress:
    return PublicAddress.from_text(text)


@pytest.fixture
def proxied(client_for: Clients) -> TestClient:
    return client_for(public_url=at())


@pytest.mark.parametrize("path", ["", "/base"])
def test_a_program_reads_whole_addresses_whatever_a_stranger_sends(
    proxied: TestClient, path: str
) -> None:
    """The proxy may take the path away, or leave it."""
    sent = {**SPOOFED, "Host": "10.0.0.7:8000"}
    described = proxied.get(f"{path}/openapi.json", headers=sent)
    assert described.json()["servers"][0]["url"] == PUBLIC
    named = proxied.get(f"{path}/v1/models/default/openapi.json", headers=sent)
    assert named.json()["servers"][0]["url"] == f"{PUBLIC}/v1/models/default"


@pytest.mark.parametrize("path", ["/docs", "/", "/about", "/models/default/docs"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "evil.example", "clusters.bank.example"])
def test_no_page_has_an_address_that_a_stranger_sent(
    proxied: TestClient, path: str, host: str
) -> None:
    page = Page(proxied.get(path, headers={**BROWSER, **SPOOFED, "Host": host}).text)
    assert "evil" not in page.html
    assert "10.0.0.7" not in page.html
    preview = next(e for e in page.all("meta") if e.attributes.get("property") == "og:image")
    below = "/models/default" if path.startswith("/models") else ""
    assert preview.attributes["content"].startswith(f"{PUBLIC}{below}/static/")
    assert all(a.startswith(("/base/", "#")) for a in page.addresses)
    if path.endswith("/docs"):
        assert f"curl {PUBLIC}{below}/v1/assign" in page.text


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "evil.example"])
def test_s3_sends_a_browser_back_to_the_public_address_only(
    drop: Drop, browser_over: Clients, host: str
) -> None:
    browser = browser_over(buckets=drop.settings, public_url=at())
    page = Page(browser.get("/files", headers={**SPOOFED, "Host": host}).text)
    landing = hidden(page)["success_action_redirect"]
    assert landing.startswith(f"{PUBLIC}/files/")
    signed = base64.b64decode(hidden(page)["policy"]).decode()
    assert landing in signed
    assert "evil" not in page.html + signed


@pytest.mark.usefixtures("aws")
def test_without_a_public_address_only_the_own_host_of_a_request_is_heard(
    drop: Drop, browser_over: Clients
) -> None:
    browser = browser_over(buckets=drop.settings)
    page = Page(browser.get("/files", headers=SPOOFED).text)
    assert hidden(page)["success_action_redirect"].startswith("http://testserver/files/")
    assert "evil" not in page.html


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://clusters.bank.example", "Host": "10.0.0.7:8000"}, 200),
        ({"Origin": "http://10.0.0.7:8000", "Host": "10.0.0.7:8000"}, 200),
        ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example", "Forwarded": "host=evil.example"}, 403),
        ({"Origin": "https://clusters.bank.example.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_a_form_comes_from_the_public_address_or_from_where_it_goes(
    proxied: TestClient, headers: dict[str, str], status: int
) -> None:
    form = {"Total_Revolving_Bal": "0", "Total_Trans_Amt": "1900", "Total_Trans_Ct": "38"}
    assert proxied.post("/result", data=form, headers=headers).status_code == status


def test_a_server_that_is_asked_under_some_names_only_is_asked_under_its_public_one_too() -> None:
    settings = Settings(public_url=at(), access=AccessSettings(hosts=("localhost",)))
    hosts = _hosts(settings)
    assert hosts is not None
    hosts.check({b"host": b"clusters.bank.example"})
    with pytest.raises(Exception, match="not asked under that name"):
        hosts.check({b"host": b"evil.example", b"x-forwarded-host": b"clusters.bank.example"})
    assert _hosts(Settings(public_url=at())) is None


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", ["http_api_v2_stage", "rest_v1_stage", "http_api_v2", "alb"])
@pytest.mark.parametrize("public", [PUBLIC, "https://clusters.bank.example"])
def test_a_stage_behind_a_proxy_is_not_shown(name: str, public: str) -> None:
    address = at(public)
    handler = handler_for(app_over(public_url=address), base_path=address.path)
    text = (EVENTS / f"{name}.json").read_text()

    def ask(path: str) -> Page:
        event = json.loads(text.replace("/v1/assign", path).replace('"POST"', '"GET"'))
        event["headers"] |= {"accept": "text/html", **{k.lower(): v for k, v in SPOOFED.items()}}
        answer = handler({**event, "body": "", "isBase64Encoded": False}, None)
        assert answer["statusCode"] == 200, answer["body"]
        return Page(answer["body"])

    page = ask("/docs")
    assert f"curl {public}/v1/assign" in page.text
    assert all(a.startswith((f"{address.path}/", "#")) for a in page.addresses)
    assert "evil" not in page.html
    assert not any(a.startswith("/prod") for a in page.addresses)
    assert ask("/").all("form")


def test_the_address_is_read_from_the_environment() -> None:
    name = "CUSTOMER_CLUSTERS_PUBLIC_URL"

    def read(text: str, **others: str) -> Settings:
        return Settings.from_environment({name: text, **others})

    assert str(read("https://Clusters.Bank.example:443/Base/").public_url) == (
        "https://clusters.bank.example/Base"
    )
    assert read(PUBLIC).base_path == "/base"
    assert read("").base_address == ""
    assert str(read("http://groups.lan:8080").public_url) == "http://groups.lan:8080"
    assert str(read("https://[2001:db8::1]/a/b").public_url) == "https://[2001:db8::1]/a/b"
    path = "CUSTOMER_CLUSTERS_ROOT_PATH"
    assert read(PUBLIC, **{path: "/base"}).base_path == "/base"
    with pytest.raises(WrongSetting, match=path):
        read(PUBLIC, **{path: "/groups"})


@pytest.mark.parametrize(
    "text",
    [
        "clusters.bank.example", "ftp://clusters.bank.example", "https://", "https://a b.example",
        "https://user@bank.example", "https://bank.example?x=1", "https://bank.example/#a",
        "https://bank.example//evil", "https://bank.example/a/../b", "https://bank.example:0",
        "https://bank.example:65536",
        "https://bank.example\\evil", "https://bank.example/\r\nX: y", "javascript://bank.example",
        "https://b\u00e4nk.example",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_site_is_refused(text: str) -> None:
    with pytest.raises(WrongSetting, match="CUSTOMER_CLUSTERS_PUBLIC_URL: expected an address"):
        Settings.from_environment({"CUSTOMER_CLUSTERS_PUBLIC_URL": text})
