"""The wheel, built as people build it, in a folder of its own where other code has our names."""

import ast
import base64
import contextlib
import csv
import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.wheel.single_package import HOME, ROOMS, rewritten
from tests.support.paths import ROOT

SOURCES = (HOME, *ROOMS, "infra/wheel")
NAMES_FOR_PEOPLE = {"functions.retrain"}
"""What a history says of who did something."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout, so that a build leaves nothing in this one."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder)
    return folder


def build(source: Path, out: Path, *options: str) -> zipfile.ZipFile:
    tool = str(Path(sys.executable).parent / "uv")
    command = [tool, "build", "--quiet", "--wheel", "--no-build-isolation", "--offline",
               "--python", sys.executable, "--out-dir", str(out),
               *options, str(source)]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    [path] = out.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return build(source, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the packages of this one, without its checkout."""
    folder = tmp_path_factory.mktemp("environment")
    tool = str(Path(sys.executable).parent / "uv")
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(folder),
         str(wheel.filename)],
    ):  # fmt: skip
        subprocess.run([tool, *command], check=True, capture_output=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where somebody works whose own modules have the names of our rooms."""
    (tmp_path / "pipeline.py").write_text("OWNER = 'somebody'\n")
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions/__init__.py").write_text("OWNER = 'somebody'\n")
    shutil.copy(ROOT / "examples/customers.csv", tmp_path)
    return tmp_path


def run(installed: Path, folder: Path, *command: str) -> str:
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [str(installed / "bin" / command[0]), *command[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_holds_one_package(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {HOME}
    names = wheel.namelist()
    for kept in ("py.typed", "pipeline/model/contracts/bank_churners.toml",
                 "pipeline/templates/notebook/clusters.html.j2", "functions/web/static/style.css",
                 "model_store/artifacts/versions/"):  # fmt: skip
        assert [name for name in names if name.startswith(f"{HOME}/{kept}")], kept


def test_its_list_of_files_is_true(wheel: zipfile.ZipFile) -> None:
    [record] = [name for name in wheel.namelist() if name.endswith(".dist-info/RECORD")]
    rows = list(csv.reader(io.StringIO(wheel.read(record).decode())))
    assert sorted(row[0] for row in rows) == sorted(wheel.namelist())
    for name, digest, size in rows:
        if name != record:
            found = hashlib.sha256(wheel.read(name)).digest()
            assert digest == "sha256=" + base64.urlsafe_b64encode(found).rstrip(b"=").decode()
            assert int(size) == len(wheel.read(name))


def test_images_have_the_packages_of_the_checkout(source: Path, tmp_path: Path) -> None:
    """Deployments name `functions.api.handler`."""
    apart = build(source, tmp_path, "--config-setting", "rooms=apart")
    assert "functions/api.py" in apart.namelist()
    assert b"\nfrom functions." in apart.read("functions/api.py")
    assert "--config-settings rooms=apart" in (ROOT / "Dockerfile").read_text()


def test_every_module_of_it_is_found_in_its_place(installed: Path, folder: Path) -> None:
    (folder / "look.py").write_text("""
import importlib, pkgutil, sys
import customer_clusters
for module in pkgutil.walk_packages(customer_clusters.__path__, "customer_clusters."):
    importlib.import_module(module.name)
print(len([name for name in sys.modules if name.startswith("customer_clusters.")]))
tops = {name.partition(".")[0] for name in sys.modules}
print(sorted(tops & {"functions", "model_store", "pipeline"}))
""")
    count, ours = run(installed, folder, "python", "look.py").splitlines()
    assert int(count) > 200
    assert ours == "[]"


def test_it_works_among_code_that_has_our_names(installed: Path, folder: Path) -> None:
    (folder / "work.py").write_text("""
import pandas as pd
import functions, pipeline
import customer_clusters as cc

if __name__ == "__main__":
    print(functions.OWNER, pipeline.OWNER, cc.__file__)
    frame = pd.read_csv("customers.csv", nrows=100)
    print(cc.load().assign(frame)["cluster"].notna().sum())
    print(cc.score("customers.csv"))
    segmenter = cc.Segmenter(features=["Total_Trans_Amt", "Total_Trans_Ct"], k=3)
    print(sorted(set(segmenter.fit(frame).labels_.tolist())))
    published = segmenter.publish("models")
    print(cc.load(store="models").version == published.version)
""")
    lines = run(installed, folder, "python", "work.py").splitlines()
    owners, _, where = lines[0].rpartition(" ")
    assert owners == "somebody somebody"
    assert Path(where).is_relative_to(installed)
    assert lines[1] == "100"
    assert lines[2].endswith("of customers.csv: 995 of 1,001 customers assigned>")
    assert lines[3:] == ["[1, 2, 3]", "True"]


def test_its_command_works_anywhere(installed: Path, folder: Path) -> None:
    answer = run(installed, folder, "customer-clusters", "assign", "Total_Revolving_Bal=0",
                 "Total_Trans_Amt=1900", "Total_Trans_Ct=38")  # fmt: skip
    assert "Little revolving balance, rare card use" in answer
    assert "995 assigned" in run(
        installed, folder, "customer-clusters", "score", "customers.csv", "--out", "results"
    )


def test_the_command_needs_no_extra(source: Path, installed: Path, folder: Path) -> None:
    """What a bare installation brings is enough to start it: nothing else is let in."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    brought = {name.replace("-", "_").lower() for name in _closure(project["dependencies"])}
    code = f"""
import sys
from importlib import metadata
owners = metadata.packages_distributions()
from customer_clusters.functions.cli.main import main
main(["--help"], standalone_mode=False)
tops = {{name.partition(".")[0] for name in sys.modules}} - set(sys.stdlib_module_names)
names = {{owner.replace("-", "_").lower() for top in tops for owner in owners.get(top, ())}}
print(sorted(names - {brought!r} - {{"customer_clusters"}}))
"""
    assert run(installed, folder, "python", "-c", code).splitlines()[-1] == "[]"


def _closure(requirements: list[str]) -> set[str]:
    """The names of what is required, and of what that requires without extras."""
    names: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        marker = requirement.marker
        if requirement.name in names or (marker and not marker.evaluate({"extra": ""})):
            continue
        names.add(requirement.name)
        with contextlib.suppress(metadata.PackageNotFoundError):
            waiting += metadata.requires(requirement.name) or []
    return names


def test_imports_are_rewritten_and_nothing_else_is() -> None:
    source = '''"""Of pipeline: from pipeline import x."""
from pipeline.errors import (
    WrongFile,  # from pipeline
)
def late():
    from functions import logs; import json
    from .pipeline import near
    return "from model_store import Store"
from pipelines import other
'''
    expected = source.replace("\nfrom pipeline.e", "\nfrom customer_clusters.pipeline.e").replace(
        "from functions", "from customer_clusters.functions"
    )
    assert rewritten(source) == expected
    with pytest.raises(ValueError, match="line 2: expected from … import …, found import pipeline"):
        rewritten("import json\nimport pipeline.errors\n")


def test_no_text_in_the_code_names_a_module() -> None:
    """It would not be rewritten; `__name__` and `__package__` say it in both places."""
    named = re.compile(rf"((?:{'|'.join(ROOMS)})(?:\.\w+)+)(?::\w+)?")
    found = []
    for path in (path for room in (HOME, *ROOMS) for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                match = named.fullmatch(node.value)
                if match and match[1] not in NAMES_FOR_PEOPLE and _is_module(match[1]):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value}")
    assert found == []


def _is_module(name: str) -> bool:
    """Whether a name, or all of it but its last part, is a module's."""
    for candidate in (name, name.rpartition(".")[0]):
        with contextlib.suppress(ModuleNotFoundError):
            if candidate not in ROOMS and importlib.util.find_spec(candidate):
                return True
    return False
