"""Problems as people read them."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.http.problems import TITLES
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import open_store
from tests.support.web import BROWSER, Page, page_of


def test_people_read_problems_as_pages_and_programs_as_documents(champion: TestClient) -> None:
    assert page_of(champion, "/nothing-here", 404).one("h1").text == TITLES["not_found"]
    put = champion.put("/result")
    assert (put.status_code, len(put.headers["allow"].split(", "))) == (405, 3)
    assert Page(put.text).one("h1").text == TITLES["method_not_allowed"]
    problem = {"accept": "*/*"}
    for answer in (
        champion.get("/nothing-here", headers=problem),
        champion.get("/v1/nothing"),
        champion.get("/health/nothing"),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"a=1&a=2", "type": "application/x-www-form-urlencoded"}, 400),
        ({"content": b"{}", "type": "application/json"}, 415),
        ({"content": b"a=" + b"1" * 2_000_000, "type": "application/x-www-form-urlencoded"}, 413),
    ],
)
def test_a_form_that_cannot_be_read_is_told_on_a_page(
    champion: TestClient, sent: dict[str, Any], status: int
) -> None:
    headers = {"content-type": sent["type"]}
    answer = champion.post("/result", content=sent["content"], headers=headers)
    assert answer.status_code == status
    assert "Look up a customer" in Page(answer.text).text


def test_without_a_model_a_page_says_so(tmp_path: Path) -> None:
    live_model = LiveModel(open_store(tmp_path), "champion")
    live_model.refresh()
    app = create_app(live_model, Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        for path in ("/", "/clusters", "/about", "/docs"):
            page = page_of(browser, path, 503)
            assert page.one("h1").text == TITLES["model_unavailable"]
        assert browser.get("/static/style.css").status_code == 200
