"""The page of scored files over time in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from examples.screenshots import served
from pipeline.runs.history.entry import LedgerEntry, entry_name
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.histories import SHARES, drift, same_customers
from tests.support.web import app_over

__all__ = ["browser"]


def year() -> list[LedgerEntry]:
    """Ten months, one of them in cents, and a new model in the eighth."""
    entries = same_customers(10, 900, 0.9, np.random.default_rng(5))
    for number, entry in enumerate(entries):
        entry["model_version"] = "v1" if number < 7 else "v2"
        for cluster in entry["clusters"]:
            cluster["training_share"] = SHARES[cluster["cluster"] - 1]
    entries[3]["drift"] = drift(["amount"])  # type: ignore[typeddict-item]
    entries[5]["drift"] = drift(features={"count": "moved"})  # type: ignore[typeddict-item]
    return entries


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("history")
    for entry in year():
        path = folder / entry_name(entry["run"])
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(entry))
        report = folder / entry["report"]
        report.parent.mkdir(parents=True)
        report.write_text(f"<title>{entry['as_of']}</title><h1>{entry['as_of']}</h1>")
    with served(app_over(results=str(folder))) as address:
        yield address


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_history_passes_axe_and_fits(
    browser: Browser, site: str, width: int, scheme: Scheme
) -> None:
    with page_in(browser, site, width, scheme, script=True) as page:
        page.goto("/")
        page.get_by_role("link", name="History").click()
        assert page.url.endswith("/history")
        check(page)


def test_a_point_leads_to_its_report(browser: Browser, site: str) -> None:
    with page_in(browser, site) as page:
        page.goto("/history")
        page.get_by_role("link", name="Group 5, 2026-10-01: ").click()
        assert page.get_by_role("heading", level=1).inner_text() == "2026-10-01"


def test_no_label_of_a_chart_lies_on_another(browser: Browser, site: str) -> None:
    for width in (PHONE, DESK):
        with page_in(browser, site, width, script=True) as page:
            page.goto("/history")
            boxes = page.evaluate(
                "[...document.querySelectorAll('.time .frame > svg')].map(svg =>"
                " [...svg.querySelectorAll(':scope > text')].map(text =>"
                " text.getBoundingClientRect()).filter(box => box.width)"
                ".map(box => [box.left, box.right, box.top, box.bottom]))"
            )
        assert len(boxes) == 5 + 2 + 3  # groups, churn and rejected rows, drift
        for chart in boxes:
            for index, (left, right, top, bottom) in enumerate(chart):
                for l2, r2, t2, b2 in chart[index + 1 :]:
                    assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top
