"""The page of moves in a real browser: it passes axe and fits every screen."""

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.page import render
from pipeline.runs.moves.spec import KnownModels
from tests.pipeline.runs.moves.conftest import MakeRun
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.markov import MATRIX, next_groups

__all__ = ["browser"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def test_the_page_of_moves_passes_axe_and_fits(
    browser: Browser, make_run: MakeRun, known: KnownModels, tmp_path: Path
) -> None:
    rng, size = np.random.default_rng(6), len(MATRIX)
    groups = rng.integers(0, size, 600)
    ids = [f"C{number}" for number in range(600)]
    old = make_run("old", [*ids, "C1", "twice", "twice"], [*groups, 0, 0, 0])
    new = make_run("new", ids[20:], next_groups(groups, rng)[20:])
    alone = make_run("alone", ["nobody"], [0])
    for name, run in (("moves.html", new), ("alone.html", alone)):
        path = tmp_path / name
        path.write_text(render(compare_runs(old, run, models=known)), encoding="utf-8")
        for width in (PHONE, DESK):
            for scheme in SCHEMES:
                with page_in(browser, path.as_uri(), width, scheme, script=True) as page:
                    page.goto(path.as_uri())
                    check(page)
