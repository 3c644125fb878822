"""What Heroku reads."""

import inspect
import json

from functions.cli import lookup
from functions.settings import BatchSettings, Settings
from tests.support.paths import ROOT


def test_heroku_builds_the_one_dockerfile_and_verifies_the_store() -> None:
    lines = [line.strip() for line in (ROOT / "heroku.yml").read_text().splitlines()]
    assert "web: Dockerfile" in lines
    assert "- customer-clusters models show champion" in lines
    assert "run:" not in lines  # it would become the container's arguments


def test_the_variables_of_the_app_are_settings_that_exist() -> None:
    document = json.loads((ROOT / "app.json").read_text())
    assert document["stack"] == "container"
    known = "".join(inspect.getsource(of) for of in (Settings, BatchSettings, lookup))
    for name, variable in document["env"].items():
        assert name in known
        assert variable["description"]
    given = {name: v["value"] for name, v in document["env"].items() if "value" in v}
    assert Settings.from_environment(given) == Settings()
