"""What the commands that train share."""

from dataclasses import astuple, replace

import pytest


@pytest.fixture
def gym_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe for the invented data; shipped recipes are for the real columns."""
    from pipeline.training import RECIPES
    from tests.support.gym import RECIPE

    monkeypatch.setitem(RECIPES, "gym", replace(RECIPE, n_init=3))  # not that of `gym_models`


@pytest.fixture
def light_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands have no option for this; the tests ask for no figure that it changes."""
    from pipeline.training import Budget
    from tests.support.gym import LIGHT

    monkeypatch.setattr(Budget.__init__, "__defaults__", astuple(LIGHT))
