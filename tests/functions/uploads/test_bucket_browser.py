"""The page for files over buckets in a real browser: a file goes to S3, never to this server."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

import examples
from examples.screenshots import served
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.dropping import Drop
from tests.support.paths import CUSTOMERS
from tests.support.web import app_over

__all__ = ["browser"]
pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def site(drop: Drop) -> Iterator[str]:
    with served(app_over(buckets=drop.settings)) as address:
        yield address


def send(page: Page, file: Path) -> None:
    page.goto("/files")
    page.get_by_label("File of customers").set_input_files(file)
    page.get_by_role("button", name="Score the file").click()
    page.wait_for_url("**/files/*?*")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_person_without_javascript_scores_a_file_through_the_bucket(
    browser: Browser, site: str, drop: Drop, aws_server: str, width: int, tmp_path: Path
) -> None:
    with page_in(browser, site, width, storage=aws_server) as page:
        send(page, CUSTOMERS)
        assert page.url.startswith(f"{site}/files/")
        assert page.get_by_role("heading", level=1).inner_text() == "Your file is being scored"
        scoring = threading.Thread(target=drop.deliver, args=[drop.arrived(CUSTOMERS.name)])
        scoring.start()
        page.get_by_role("heading", name="customers.csv").wait_for()  # the page looks by itself
        scoring.join()
        row = page.get_by_role("row", name="5 Little revolving balance, rare card use")
        assert "65.4%" in row.inner_text()
        with page.expect_download() as started:
            page.get_by_role("link", name="assigned.csv").click()
        assert re.fullmatch(r"customers-[\d-]{10}-assigned\.csv", started.value.suggested_filename)
        started.value.save_as(tmp_path / "assigned.csv")
        assert len(pd.read_csv(tmp_path / "assigned.csv")) == 995
        page.get_by_role("link", name="report.html").click()
        assert page.get_by_role("heading", name="Rejected rows").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_pass_axe_and_fit(
    browser: Browser, site: str, drop: Drop, aws_server: str, scheme: Scheme
) -> None:
    with page_in(browser, site, PHONE, scheme, script=True, storage=aws_server) as page:
        send(page, Path(examples.__file__))
        page.get_by_role("link", name="Stop that").click()
        page.get_by_role("heading", name="Your file is not scored yet").wait_for()
        check(page)
        drop.deliver(drop.arrived("__init__.py"))
        page.get_by_role("link", name="Look again").click()
        assert "no column Total_Revolving_Bal" in page.get_by_role("alert").inner_text()
        check(page)
        page.goto("/files")
        check(page)
