"""What the commands that train share, and those that tell."""

from collections.abc import Iterator
from dataclasses import astuple, replace

import pytest

from tests.support.notices import SECRET_TEXT, Hook, listening


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A receiver on this machine."""
    with listening() as made:
        yield made


@pytest.fixture
def hooked(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """The same, named by the settings."""
    monkeypatch.setenv("CUSTOMER_CLUSTERS_WEBHOOK", hook.address)
    monkeypatch.setenv("CUSTOMER_CLUSTERS_WEBHOOK_SECRET", SECRET_TEXT)
    return hook


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
