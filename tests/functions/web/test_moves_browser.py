"""Who moved, in a real browser: a second file on the results page, and the page that answers it."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from examples.screenshots import served
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.web import app_over
from tests.support.web_moves import EARLIER, LATER, MOVED, table

__all__ = ["browser"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, served(app_over()) as address:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield address


@pytest.fixture
def months(tmp_path: Path) -> tuple[Path, Path]:
    """The files of both months."""
    paths = tmp_path / "customers-2026-01.csv", tmp_path / "customers-2026-02.csv"
    for path, content in zip(paths, (EARLIER, LATER), strict=True):
        path.write_bytes(content)
    return paths


def send(page: Page, field: str, file: Path, button: str) -> None:
    page.get_by_label(field, exact=True).set_input_files(file)
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def score(page: Page, file: Path) -> None:
    page.goto("/files")
    send(page, "File of customers", file, "Score the file")


def compare(page: Page, file: Path) -> None:
    send(page, "Earlier file of customers", file, "Show who moved")


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_person_without_javascript_sees_who_moved(
    browser: Browser, site: str, width: int, tmp_path: Path, months: tuple[Path, Path]
) -> None:
    earlier, later = months
    with page_in(browser, site, width) as page:
        score(page, later)
        results = page.url
        compare(page, later)
        alert = page.get_by_role("alert")
        assert "is the same file as the one on this page" in alert.inner_text()
        alert.get_by_role("link").click()
        field = page.get_by_label("Earlier file of customers")
        assert field.evaluate("field => field.matches(':focus, :target')")
        compare(page, earlier)
        assert page.url.endswith("/moves.html")
        assert f"{MOVED} of 40 customers changed their group" in page.inner_text("main")
        page.reload()  # nothing is sent again
        with page.expect_download() as started:
            page.get_by_role("link", name="The list of those who moved").click()
        started.value.save_as(tmp_path / "movers.csv")
        assert started.value.suggested_filename.endswith("-movers.csv")
        with (tmp_path / "movers.csv").open(newline="") as file:
            assert len([*csv.DictReader(file)]) == MOVED
        page.get_by_role("link", name="Back to the results").click()
        assert page.url == results


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_form_error_and_moves_pass_axe_and_fit(
    browser: Browser, site: str, width: int, scheme: Scheme, months: tuple[Path, Path]
) -> None:
    earlier, later = months
    nobody = later.with_name(f"{'nobody' * 15}.csv")
    nobody.write_bytes(table("00{:03d}"))
    with page_in(browser, site, width, scheme, script=True) as page:
        score(page, later)
        check(page)
        compare(page, later)
        check(page)
        compare(page, earlier)
        check(page)
        page.get_by_role("link", name="Back to the results").click()
        compare(page, nobody)
        check(page)
