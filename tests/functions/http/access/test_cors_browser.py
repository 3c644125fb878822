"""Pages of other sites in a real browser: what their scripts may see, and what they may not do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from examples.screenshots import served
from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.settings.access import AccessSettings
from model_store import BUNDLED, open_store
from tests.functions.conftest import Lines
from tests.functions.http.access.conftest import entry
from tests.support.browsing import browser

__all__ = ["browser"]
ASK = """async ([address, options]) => {
    try {
        const answer = await fetch(address, options);
        const headers = Object.fromEntries(answer.headers.entries());
        return {status: answer.status, headers: headers, body: await answer.json()};
    } catch (error) {
        return {blocked: error.name};
    }
}"""
CUSTOMER = '{"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}'
BLOCKED = {"blocked": "TypeError"}


@contextmanager
def another_site() -> Iterator[str]:
    """The origin of a server with an empty page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>An application</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def lines() -> Lines:
    return []


@pytest.fixture(scope="module")
def sites(lines: Lines) -> Iterator[tuple[str, str, str]]:
    """Ours, one in its list, and another one."""
    live_model = LiveModel(open_store(BUNDLED), "champion", log=lambda line: None)
    live_model.refresh()
    with another_site() as listed, another_site() as other:
        settings = Settings(
            api_keys=(entry("web:assign:100/s", "key"),),
            access=AccessSettings(cors_origins=(listed,)),
        )
        with served(create_app(live_model, settings, log=lines.append)) as ours:
            yield ours, listed, other


@pytest.fixture
def context(browser: Browser, sites: tuple[str, str, str]) -> Iterator[BrowserContext]:
    """A browser that knows the password of our site, and sends it there by itself."""
    made = browser.new_context(
        http_credentials={"username": "me", "password": "key", "origin": sites[0]}
    )
    yield made
    made.close()


def ask(context: BrowserContext, site: str, address: str, **options: Any) -> Any:
    page = context.new_page()
    page.goto(site)
    answer = page.evaluate(ASK, [address, options])
    page.close()
    return answer


def posted(**headers: str) -> dict[str, Any]:
    content = {"Content-Type": "application/json", **headers}
    return {"method": "POST", "body": CUSTOMER, "headers": content}


def test_a_page_of_the_list_asks_with_a_key_and_reads_the_answer(
    context: BrowserContext, sites: tuple[str, str, str], lines: Lines
) -> None:
    ours, listed, _ = sites
    lines.clear()
    answer = ask(context, listed, f"{ours}/v1/assign", **posted(**{"X-API-Key": "key"}))
    assert (answer["status"], answer["body"]["cluster"]["id"]) == (200, 5)
    assert answer["headers"]["ratelimit"].startswith('"client";r=99;')
    assert len(answer["headers"]["x-request-id"]) == 16
    asked = [(line["method"], line["status"], line.get("client")) for line in lines]
    assert asked == [("OPTIONS", 204, None), ("POST", 200, "web")]


def test_a_page_of_the_list_reads_why_it_is_refused(
    context: BrowserContext, sites: tuple[str, str, str]
) -> None:
    ours, listed, _ = sites
    answer = ask(context, listed, f"{ours}/v1/assign", **posted(**{"X-API-Key": "wrong"}))
    assert (answer["status"], answer["body"]["code"]) == (401, "unauthorised")
    answer = ask(context, listed, f"{ours}/v1/nowhere", headers={"X-API-Key": "key"})
    assert (answer["status"], answer["body"]["code"]) == (404, "not_found")


def test_a_page_of_another_site_learns_nothing_and_does_nothing(
    context: BrowserContext, sites: tuple[str, str, str], lines: Lines
) -> None:
    ours, _, other = sites
    lines.clear()
    for options in (
        posted(**{"X-API-Key": "key"}),
        {"headers": {"X-API-Key": "key"}},
        {"method": "POST", "body": CUSTOMER, "credentials": "include"},  # needs no preflight
        {"credentials": "include"},
    ):
        assert ask(context, other, f"{ours}/v1/assign", **options) == BLOCKED
    assert {line["status"] for line in lines} <= {401, 403, 405}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_password_of_a_person_is_no_key_of_a_page(
    context: BrowserContext, sites: tuple[str, str, str], lines: Lines, method: str
) -> None:
    """Not even of one in the list: whoever may write there could ask in that person's name."""
    ours, listed, _ = sites
    page = context.new_page()
    assert page.goto(f"{ours}/clusters").ok  # type: ignore[union-attr]  # the browser has it now
    lines.clear()
    body = {"body": CUSTOMER} if method == "POST" else {}
    options = {"method": method, "credentials": "include", **body}
    assert ask(context, listed, f"{ours}/v1/model", **options) == BLOCKED
    page.close()
    assert {line["status"] for line in lines if line["route"] is None} == {403}  # not even asked
    assert "/v1/model" not in {line["route"] for line in lines}
