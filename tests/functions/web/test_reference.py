"""The API reference on a page."""

import json
import shlex
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from starlette.testclient import TestClient

from functions.http.problems import TITLES
from tests.support.web import CUSTOMER, page_of

KEY = "correct horse"
BrowserOver = Callable[..., TestClient]


def test_the_reference_covers_every_operation_and_its_commands_work(champion: TestClient) -> None:
    document = champion.get("/openapi.json").json()
    page = page_of(champion, "/docs")
    commands = [e.text for e in page.all("pre") if e.text.startswith("curl ")]
    operations = [(m, p) for p, item in document["paths"].items() for m in item]
    assert len(commands) == len(operations)
    answers = [e.text for e in page.all("pre", **{"class": "answer"})]
    for (method, _), command, shown in zip(operations, commands, answers, strict=True):
        _, address, *options = shlex.split(command.replace("\\\n", " "))
        body = options[options.index("-d") + 1] if "-d" in options else None
        headers = {"content-type": "application/json"} if body else {}
        answer = champion.request(method, address, content=body, headers=headers)
        assert answer.status_code == 200
        assert answer.json() == json.loads(shown)
    for name in (*CUSTOMER, *TITLES):
        assert name in page.text


def test_with_keys_the_commands_name_one_and_pages_ask_for_one(browser_over: BrowserOver) -> None:
    browser = browser_over(api_keys=(sha256(KEY.encode()).hexdigest(),))
    refused = browser.get("/")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    browser.auth = ("anyone", KEY)
    page = page_of(browser, "/docs")
    assert '-H "Authorization: Bearer $KEY"' in page.text
    assert KEY not in page.html


def test_the_reference_shows_the_fields_of_another_contract(
    browser_over: BrowserOver, gym_models: Path
) -> None:
    page = page_of(browser_over("champion", gym_models), "/docs")
    cells = [cell.text for cell in page.all("th", "td")]
    assert cells[cells.index("visits") :][:5] == [
        "visits", "integer or null", "0 to 200", "a month", "no"
    ]  # fmt: skip
    assert cells[cells.index("plan") :][:3] == ["plan", "string", '"basic", "plus"']
