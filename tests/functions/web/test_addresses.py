"""What pages link to, where they stand, and what may be kept."""

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import BUNDLED, open_store
from tests.support.paths import DATA
from tests.support.web import BROWSER, CUSTOMER, Page, app_over, page_of

PAGES = ["/", "/?example=2", "/files", "/clusters", "/about", "/docs", "/nothing-here"]
BrowserOver = Callable[..., TestClient]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("prefix", ["", "/prod"])
def test_every_address_on_a_page_answers_behind_any_prefix(
    browser_over: BrowserOver, path: str, prefix: str
) -> None:
    """A stage is in the path that arrives; a proxy takes its prefix away."""
    browser = browser_over(root_path=prefix)
    page = Page(browser.get(prefix + path).text)
    proxied = Page(browser_over(root_path=prefix).get(path).text)
    addresses = [a for a in page.addresses if not a.startswith("#")]
    assert addresses == [a for a in proxied.addresses if not a.startswith("#")]
    assert all(a.startswith(prefix + "/") for a in addresses)
    for address in set(addresses):
        form = CUSTOMER if address.endswith("/result") else None
        found = browser.post(address, data=form) if form else browser.get(address)
        assert found.status_code == 200, address
    local = {a.rpartition("#")[2] for a in page.addresses if a.startswith("#")}
    assert local <= {e.attributes["id"] for e in page.elements if "id" in e.attributes}


def test_a_proxy_shows_the_pages_under_the_path_of_the_settings() -> None:
    with TestClient(app_over(root_path="/groups"), headers=BROWSER) as browser:
        page = page_of(browser)
        assert page.one("form").attributes["action"] == "/groups/result"
        for address in page.addresses:
            assert address.startswith(("/groups/", "#"))
            assert browser.get(address.removeprefix("/groups")).status_code == 200
            assert browser.get(address).status_code == 200


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", ["rest_v1_stage", "http_api_v2_stage"])
def test_a_stage_of_api_gateway_stands_before_every_address(name: str) -> None:
    text = (DATA / "events" / f"{name}.json").read_text()
    handler = handler_for(app_over())

    def ask(path: str, method: str = "GET", form: str = "") -> Page:
        event = json.loads(text.replace("/v1/assign", path).replace('"POST"', f'"{method}"'))
        sent = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}
        event["headers"] |= sent
        if "multiValueHeaders" in event:
            event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        answer = handler({**event, "body": form, "isBase64Encoded": False}, None)
        assert answer["statusCode"] == 200
        assert answer["isBase64Encoded"] is False
        return Page(answer["body"])

    page = ask("/result", "POST", "&".join(f"{key}={value}" for key, value in CUSTOMER.items()))
    assert "This customer belongs to group 5 of 5" in page.text
    assert all(address.startswith(("/prod/", "#")) for address in page.addresses)
    host = "https://abcdef1234.execute-api.eu-central-1.amazonaws.com"
    assert f"curl {host}/prod/v1/assign" in ask("/docs").text


@pytest.mark.parametrize("path", [*PAGES, "/result"])
def test_pages_are_whole_with_neither_script_nor_style_inside(
    champion: TestClient, path: str
) -> None:
    answer = champion.post(path, data=CUSTOMER) if path == "/result" else champion.get(path)
    page = Page(answer.text)
    assert page.html.startswith("<!doctype html>\n")
    assert page.one("html").attributes["lang"] == "en"
    assert page.all("style", "iframe") == []
    assert len(page.all("script")) == (path == "/docs")
    for element in page.elements:
        assert not [name for name in element.attributes if name == "style" or name[:2] == "on"]
    assert not [a for a in page.addresses if not a.startswith(("/", "#"))]
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert "style-src 'self'" in answer.headers["content-security-policy"]


def test_values_never_travel_in_an_address(champion: TestClient) -> None:
    answer = champion.get("/result?Total_Trans_Ct=38", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert answer.headers["cache-control"] == "no-store"


def test_the_log_names_pages_and_holds_no_values() -> None:
    lines: list[Any] = []
    live_model = LiveModel(open_store(BUNDLED), "champion", log=lines.append)
    live_model.refresh()
    app = create_app(live_model, Settings(), log=lines.append)
    with TestClient(app, headers=BROWSER) as browser:
        page_of(browser, "/result", form={**CUSTOMER, "Total_Trans_Amt": "98765.4"})
        page_of(browser, "/result", 422, {**CUSTOMER, "Total_Trans_Amt": "98765,4"})
        browser.get("/figures/map.svg")
    assert [line["route"] for line in lines[-3:]] == ["/result", "/result", "/figures/{name}"]
    assert "98765" not in repr(lines)


def test_the_stylesheet_is_kept_and_asked_for_anew_when_it_changes(champion: TestClient) -> None:
    address = page_of(champion).one("link", rel="stylesheet").attributes["href"]
    kept = champion.get(address)
    assert kept.headers["content-type"].startswith("text/css")
    assert "immutable" in kept.headers["cache-control"]
    assert champion.get("/static/style.css").headers["cache-control"] == "max-age=3600"
    assert champion.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert champion.get("/static/html.py").status_code == 404
    assert champion.get("/static/..%2fpages.py").status_code == 404


def test_figures_come_from_the_artifact(champion: TestClient) -> None:
    drawing = page_of(champion, "/result", form=CUSTOMER).one("img")
    assert drawing.attributes["alt"]
    answer = champion.get(drawing.attributes["src"])
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.startswith("<svg")
    old = champion.get("/figures/profiles.svg?v=000000000000")
    assert old.headers["cache-control"] == "no-store"
    for name in ("model.json", "pipeline.joblib", "nothing.svg", "..%2fmanifest.json"):
        assert champion.get(f"/figures/{name}").status_code == 404


def test_the_report_brings_its_own_style_and_may_do_nothing_else(champion: TestClient) -> None:
    answer = champion.get("/report")
    assert "<!doctype html>" in answer.text
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_an_assignment_waits_for_no_template() -> None:
    numbers = {name: int(value) for name, value in CUSTOMER.items()}
    program = f"""
import sys
from starlette.testclient import TestClient
from functions.api import app
late = {{"jinja2", "functions.web.rendering", "functions.web.pages", "numpy", "boto3"}}
late |= {{"functions.uploads.local_uploads", "functions.uploads.bucket_uploads"}}
assert TestClient(app).post("/v1/assign", json={numbers}).status_code == 200
print(sorted(late & set(sys.modules)))
TestClient(app).get("/", headers={{"accept": "text/html"}})
print(sorted(late & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    page = ["functions.web.pages", "functions.web.rendering", "jinja2"]
    assert lines == ["[]", str(page)]
