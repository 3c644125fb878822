"""What the tests in a browser share: Debian's Chromium, a page that asks nobody else, and axe."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from examples.screenshots import CHROMIUM, SECONDS

AXE = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
PHONE, DESK = 360, 1280
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; only a machine that is not CI may do without it."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("chromium must be installed under CI")
        pytest.skip("install chromium to test the pages in a browser")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        yield found
        found.close()


@contextmanager
def page_in(
    browser: Browser, site: str, width: int = DESK, scheme: Scheme = "light", script: bool = False,
    storage: str = "",
) -> Iterator[Page]:  # fmt: skip
    """A page that may ask nobody but the site and its storage, and has no complaint of its own."""
    known = tuple(filter(None, (site, storage)))
    context = browser.new_context(
        base_url=site,
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        java_script_enabled=script,
        bypass_csp=script,
    )
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    try:
        yield page
    finally:
        context.close()
    assert [url for url in asked if not url.startswith(known)] == []
    assert [text for text in said if not text.startswith("Failed to load resource")] == []


def check(page: Page) -> None:
    """No violation of WCAG 2.2 AA that a program can find, and nothing beyond the edge."""
    found = Axe().run(page, options=AXE).response["violations"]
    told = [
        (broken["id"], node["target"], node["failureSummary"])
        for broken in found
        for node in broken["nodes"]
    ]
    assert told == [], page.url
    room = page.viewport_size
    assert room
    assert page.evaluate("document.scrollingElement.scrollWidth") <= room["width"], page.url
