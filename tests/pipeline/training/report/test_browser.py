"""Reports of training and explorations in a real browser: they pass axe and fit every screen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from pipeline.model.contract import Contract
from pipeline.training import train
from pipeline.training.exploring import render as render_exploration
from pipeline.training.report.page import render
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.gym import LIGHT, RECIPE
from tests.support.page import explored

__all__ = ["browser"]
WIDE = 1920


@pytest.fixture(scope="module")
def pages(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Reports on few clusters, on twenty and without a label, and an exploration."""
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(3)
    members = gym_members.assign(fee=gym_members.fee + rng.normal(0, 9, len(gym_members)))
    frames = {
        "few.html": (gym_members, 3),
        "many.html": (members, 20),
        "unlabelled.html": (gym_members.drop(columns="cancelled"), 3),
    }
    for name, (frame, k) in frames.items():
        path = folder / f"{name}.csv"
        frame.to_csv(path, index=False)
        recipe = replace(RECIPE, k=k)
        html = render(train(path, gym_contract, recipe, lambda step: None, LIGHT)).html
        (folder / name).write_text(html, encoding="utf-8")
    exploration = render_exploration(explored(gym_members, gym_contract, folder))
    (folder / "explore.html").write_text(exploration, encoding="utf-8")
    return [folder / name for name in (*frames, "explore.html")]


@pytest.mark.parametrize("width", [PHONE, DESK, WIDE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_training_passes_axe_and_fits(
    browser: Browser, pages: list[Path], width: int, scheme: Scheme
) -> None:
    for path in pages:
        with page_in(browser, path.as_uri(), width, scheme, script=True) as page:
            page.goto(path.as_uri())
            check(page)


def test_a_wide_desk_has_the_chart_beside_its_table(browser: Browser, pages: list[Path]) -> None:
    with page_in(browser, pages[0].as_uri(), WIDE) as page:
        page.goto(pages[0].as_uri())
        table = page.locator(".beside table").first.bounding_box()
        chart = page.locator(".beside figure").first.bounding_box()
        assert table
        assert chart
        assert chart["x"] > table["x"] + table["width"]
        assert chart["y"] < table["y"] + table["height"]
