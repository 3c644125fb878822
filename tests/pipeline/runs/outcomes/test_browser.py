"""The page of outcomes in a real browser: it passes axe and fits every screen."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from pipeline.runs.outcomes.page import render
from pipeline.runs.outcomes.verdicts import compare_arms
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.outcomes import NO_COUNTS, NOWHERE, document

__all__ = ["browser"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with every verdict, a group without outcomes, and a campaign."""
    campaign = compare_arms(np.array([[850, 150], [150, 50]]), NO_COUNTS, NOWHERE)
    shown = document(
        "v", (900, 100, 1_000, 3, 0), (2_000, 2_000, 2_000, 8, 0), (0.2, 0.3, 0.5, 0.3, 0.1),
        audience=campaign,
    )  # fmt: skip
    shown["counts"]["customers"] = shown["counts"]["counted"] = 6_008
    page = tmp_path_factory.mktemp("pages") / "outcomes.html"
    page.write_text(render(shown), encoding="utf-8")
    return page


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "light"), (DESK, "light"), (DESK, "dark")])
def test_the_page_passes_axe_and_fits(
    browser: Browser, path: Path, width: int, scheme: Scheme
) -> None:
    with page_in(browser, path.as_uri(), width, scheme, script=True) as page:
        page.goto(path.as_uri())
        check(page)
        for verdict in ("higher", "lower", "as trained", "cannot tell yet"):
            assert page.get_by_text(verdict, exact=True).first.is_visible()
        assert page.get_by_text("About 100 customers fewer cancelled").is_visible()
