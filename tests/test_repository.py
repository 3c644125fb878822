"""What must hold of the repository itself."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from infra.image import labels
from model_store import BUNDLED, open_store
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    "path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name
)
def test_requirements_are_pinned_with_hashes_and_name_no_address(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(--(extra-)?index|-i |-f |--find-links)", text, re.MULTILINE)
    packages = re.findall(r"^[a-z0-9][^ ]*==[^ ]+.*\\\n +--hash=sha256:", text, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE))


def test_every_dependency_states_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    declared = [line for line in lines if re.match(r'\s+"[a-z0-9-]+(\[.*?\])?[><=]=', line)]
    assert declared
    assert [line for line in declared if "  # " not in line] == []


def test_what_is_deployed_is_what_was_tested() -> None:
    """The image's packages have the versions that the tests run with."""
    pins = {
        name: set(
            re.findall(r"^[a-z0-9-]+==[^ ]+", (ROOT / f"requirements/{name}.txt").read_text(), re.M)
        )
        for name in ("serve", "dev")
    }
    assert pins["serve"]
    assert pins["serve"] - pins["dev"] == set()


def test_package_images_and_http_interface_have_one_version() -> None:
    """It stands in pyproject.toml, and everything else asks the installed package for it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert metadata.version("customer-clusters") == declared
    assert labels(ROOT)["version"] == declared
    app = create_app(LiveModel(open_store(BUNDLED), "champion"), Settings())
    assert app.version == declared
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == declared


def test_a_secret_that_is_committed_is_found(tmp_path: Path) -> None:
    """By the command and the baseline of `make check`."""
    leak = tmp_path / "settings.py"
    leak.write_text('aws_key = "AKIA' + "Q7LMZ2VX5TR3WN8P" + '"\n')
    hook = str(Path(sys.executable).parent / "detect-secrets-hook")
    command = [hook, "--no-verify", "--baseline", ".secrets.baseline", str(leak)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "AWS Access Key" in found.stdout


def test_the_documents_name_only_verbs_that_exist() -> None:
    verbs = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = (ROOT / "README.md", *ROOT.glob("docs/*.md"))
    text = "".join(page.read_text() for page in pages)
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    assert named <= verbs


def test_links_between_the_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)|src="([^"]+)"', page.read_text())
        for there in filter(None, (a or b for a, b in links)):
            assert there.startswith("https://") or (page.parent / there).exists(), (page, there)
