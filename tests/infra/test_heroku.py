"""What Heroku reads."""

import json

from functions.cli.serve import serve
from functions.settings import Settings
from functions.settings.overview import server_variables
from tests.support.paths import ROOT


def test_heroku_builds_the_one_dockerfile_and_verifies_the_store() -> None:
    lines = [line.strip() for line in (ROOT / "heroku.yml").read_text().splitlines()]
    assert "web: Dockerfile" in lines
    assert "- customer-clusters models show" in lines  # the one that the settings name
    assert "web: exec customer-clusters serve --host 0.0.0.0" in lines


def test_the_variables_of_the_app_are_settings_that_exist() -> None:
    document = json.loads((ROOT / "app.json").read_text())
    assert document["stack"] == "container"
    assert "healthchecks" not in document  # of another product, which reads app.json too
    known = {variable.name for variable in server_variables()}
    known |= {str(option.envvar) for option in serve.params if option.envvar}
    for name, variable in document["env"].items():
        assert name in known
        assert variable["description"]
    given = {name: v["value"] for name, v in document["env"].items() if "value" in v}
    assert Settings.from_environment(given) == Settings()
