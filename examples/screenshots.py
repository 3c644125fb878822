"""Pictures of the pages for the README, by a real browser over the bundled model."""

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import open_store

CUSTOMERS = Path(__file__).parent / "customers.csv"
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""For a machine without a screen; and the browser asks the network for nothing of its own."""
SECONDS = 20
DESK = {"form": 950, "result": 1090, "clusters": 1140, "file": 1180, "summary": 960}
PHONE = {"form": 780, "result": 780, "clusters": 780, "file": 1120}
"""Heights of the pictures, so that none ends in the middle of something."""
CUSTOMER = ("0", "1900", "38")


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a port of this machine; its address."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(SECONDS)


def draw(folder: Path) -> list[Path]:
    """Write the pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings()
    live_model = LiveModel(open_store(settings.store, settings.trusted_keys), settings.model)
    live_model.refresh()
    app = create_app(live_model, settings, log=lambda line: None)
    with served(app) as site, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        drawn = _draw(browser, site, folder, "desktop", 1280, DESK)
        drawn += _draw(browser, site, folder, "phone", 360, PHONE)
        dark = {name: DESK[name] for name in ("result", "file")}
        drawn += _draw(browser, site, folder, "dark", 1280, dark)
        browser.close()
    return drawn


def _draw(
    browser: Browser, site: str, folder: Path, kind: str, width: int, heights: Mapping[str, int]
) -> list[Path]:
    context = browser.new_context(
        base_url=site,
        color_scheme="dark" if kind == "dark" else "light",
        java_script_enabled=False,
    )
    page = context.new_page()
    drawn = []
    for name, height in heights.items():
        page.set_viewport_size({"width": width, "height": height})
        _open(page, name)
        drawn.append(folder / f"{name}-{kind}.png")
        page.screenshot(path=drawn[-1])
    context.close()
    return drawn


def _open(page: Page, name: str) -> None:
    if name == "clusters":
        page.goto("/clusters")
        return
    if name in ("file", "summary"):
        page.goto("/files")
        page.set_input_files("#file", CUSTOMERS)
        with page.expect_navigation():
            page.click("button")
        if name == "summary":
            page.click("text=Summary on one page")
        return
    page.goto("/")
    for number, value in enumerate(CUSTOMER, start=1):
        page.fill(f"#field-{number}", value)
    page.locator("h1").click()  # away from the field, so that no caret is drawn
    if name == "result":
        with page.expect_navigation():
            page.click("button")


if __name__ == "__main__":
    for picture in draw(PICTURES):
        print(f"{picture.name}: {picture.stat().st_size:,} bytes")
