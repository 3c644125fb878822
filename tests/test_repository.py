"""What must hold of the repository itself."""

import json
import logging
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from functions import logs
from functions.api import create_app
from functions.cli.main import main as cli
from functions.live_model import LiveModel
from functions.settings import Settings
from infra.image import labels
from model_store import BUNDLED, open_store
from pipeline.errors import WrongFile
from pipeline.release import RELEASE
from pipeline.runs.store import failure
from tests.support.dropping import customers
from tests.support.paths import ROOT

DOCUMENTS = (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))


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
        for name in ("serve", "otel", "dev")
    }
    assert pins["serve"] < pins["otel"] <= pins["dev"]
    assert {name.partition("==")[0] for name in pins["otel"]} >= {"opentelemetry-sdk"}


def test_package_images_and_http_interface_have_one_version() -> None:
    """It stands in pyproject.toml, and for whoever has the code alone in pipeline/release.py."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert declared == RELEASE, "pyproject.toml and pipeline/release.py have to agree"
    assert metadata.version("customer-clusters") == declared
    assert labels(ROOT)["version"] == declared
    assert CliRunner().invoke(cli, ["--version"]).output.split()[-1] == declared
    live_model = LiveModel(open_store(BUNDLED), "champion")
    live_model.refresh()
    app = create_app(live_model, Settings())
    assert app.version == declared
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == declared
    with TestClient(app) as client:
        assert client.get("/health/ready").json()["release"] == declared
        assert client.get("/openapi.json").json()["info"]["version"] == declared
        assert client.get("/v2").json()["version"] == declared


def test_log_and_results_say_which_release_wrote_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.write({"message": "anything"})
    record = logging.LogRecord("uvicorn", logging.INFO, "", 0, "started", None, None)
    lines = [capsys.readouterr().out, logs.JsonFormatter().format(record)]
    assert [json.loads(line)["release"] for line in lines] == [RELEASE, RELEASE]
    (tmp_path / "march.csv").write_bytes(customers())
    CliRunner().invoke(cli, ["score", str(tmp_path / "march.csv"), "--out", str(tmp_path / "out")])
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    assert json.loads(manifest.read_bytes())["release"] == RELEASE
    assert failure("march.csv", "", "", WrongFile("march.csv", "is empty"))["release"] == RELEASE


def test_node_is_asked_for_in_the_versions_that_the_documents_name() -> None:
    package, lock = (json.loads((ROOT / f"package{end}.json").read_text()) for end in ("", "-lock"))
    assert package["engines"] == lock["packages"][""]["engines"] == {"node": "^22.13.0 || >=24"}
    assert "Node 22 or 24" in (ROOT / "docs/deploy-aws.md").read_text()


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
    verbs = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "".join(page.read_text() for page in DOCUMENTS)
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= verbs


def test_links_between_the_documents_lead_somewhere() -> None:
    for page in DOCUMENTS:
        links = re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)|src="([^"]+)"', page.read_text())
        for there in filter(None, (a or b for a, b in links)):
            assert there.startswith("https://") or (page.parent / there).exists(), (page, there)


def test_links_into_a_document_lead_to_a_heading() -> None:
    for page in DOCUMENTS:
        for there, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
            text = (page.parent / there if there else page).read_text()
            titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, (page, there, heading)


def test_the_documents_name_only_modules_that_are_there() -> None:
    """As `pipeline/reading/kinds.py`, or `functions.s3.handler`."""
    rooms = "customer_clusters|functions|pipeline|model_store|infra|benchmarks|examples|tests"
    for page in DOCUMENTS:
        for path in re.findall(rf"`((?:{rooms})/[\w/.*-]*)`", page.read_text()):
            assert list(ROOT.glob(path)), (page, path)
        for name in re.findall(r"`(functions\.\w+)\.handler`", page.read_text()):
            assert (ROOT / name.replace(".", "/")).with_suffix(".py").exists(), (page, name)


def test_the_documents_name_only_tests_that_are_there() -> None:
    """What holds a line of the list before production."""
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {path.name for path in files}
    for path in files:
        known.update(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.M))
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"`[^`\n]*?(test_\w+(?:\.py)?)`", document.read_text())
    }
    assert len(named) > 40
    assert named - known == set()


def test_the_readme_can_be_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text().split()) < 900


def test_the_index_of_decisions_lists_every_record() -> None:
    folder = ROOT / "docs/decisions"
    records = sorted(path.name for path in folder.glob("0*.md"))
    index = re.findall(
        r"^\| \[(\d+)\]\((\S+)\) \| (.*) \|$", (folder / "README.md").read_text(), re.M
    )
    assert [name for _, name, _ in index] == records
    for number, name, title in index:
        text = (folder / name).read_text()
        assert name.startswith(f"{int(number):04}-")
        assert text.startswith(f"# {number}. {title}\n")
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], name


def test_what_runs_before_a_commit_and_where_the_repository_is_hosted_is_what_people_run() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^ +entry: (.*)$", hooks, re.MULTILINE) == ["make check"]
    assert re.findall(r"^ +- repo: (.*)$", hooks, re.MULTILINE) == ["local"]
    asked = {"ci.yml": r"^ +\.ci/run$", "release.yml": r"^    uses: \./\.github/workflows/ci\.yml "}
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        workflow = path.read_text()
        assert re.search(asked[path.name], workflow, re.MULTILINE)
        jobs = len(re.findall(r"^    (?:runs-on|uses): ", workflow, re.MULTILINE))
        called = workflow.count("    uses: ./")
        assert (
            workflow.count("    timeout-minutes: ") == jobs - called
        )  # the called one has its own
        assert workflow.count("persist-credentials: false") == workflow.count("actions/checkout@")
        assert re.search(r"^permissions:\n  contents: read\n\n", workflow, re.MULTILINE)
        actions = re.findall(r"uses: ([^.].*)$", workflow, re.MULTILINE)
        unpinned = [name for name in actions if not re.search(r"@[0-9a-f]{40}  # v[\d.]+$", name)]
        assert unpinned == []
