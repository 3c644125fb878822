"""The examples in the docstrings are true, and importing the package is cheap."""

import doctest
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import customer_clusters as cc
from tests.support.paths import ROOT

MODULES = [module.name for module in pkgutil.iter_modules(cc.__path__, "customer_clusters.")]
HEAVY = (
    "narwhals",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "pyspark",
    "scipy",
    "sklearn",
    "jinja2",
)


@pytest.mark.parametrize("name", ["customer_clusters", *MODULES])
def test_the_examples_do_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_page_for_notebooks_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "examples/customers.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/notebook.md").read_text()
    shown = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(shown, {}, "notebook.md", None, 0)
    assert len(test.examples) > 20
    assert doctest.DocTestRunner().run(test).failed == 0


def test_what_people_call_has_an_example_or_a_test_of_its_own() -> None:
    finder = doctest.DocTestFinder()
    shown = {case.name for name in MODULES for case in finder.find(importlib.import_module(name))
             if case.examples}  # fmt: skip
    for name in ("model.load", "model.Model.assign", "model.Model.explain", "model.Model.what_if",
                 "model.Model.clusters", "segmenter.Segmenter", "verbs.train", "verbs.explore",
                 "verbs.compare"):  # fmt: skip
        assert f"customer_clusters.{name}" in shown


def loaded_by(code: str) -> set[str]:
    """What of the heavy modules a fresh process has loaded."""
    command = f"{code}\nimport sys\nprint(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split()) & set(HEAVY)


def test_importing_it_loads_nothing_heavy() -> None:
    assert loaded_by("import customer_clusters; dir(customer_clusters)") == set()
    assert loaded_by("import customer_clusters as cc; cc.load(); cc.WrongFile") == set()


def test_assigning_loads_what_it_computes_with_and_nothing_else() -> None:
    """Pyarrow looks for pandas itself, and does without it."""
    code = """
import pyarrow as pa, customer_clusters as cc
names = [feature.name for feature in cc.load().contract.features]
cc.load().explain(pa.Table.from_pydict({name: [38] for name in names}))
"""
    assert loaded_by(code) - {"pandas"} == {"narwhals", "numpy", "pyarrow"}


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(cc, name) is not None for name in cc.__all__)
    assert set(cc.__all__) <= set(dir(cc))
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        cc.predict  # noqa: B018


def test_workers_of_spark_need_nothing_of_other_tables() -> None:
    assert "narwhals" not in loaded_by("import customer_clusters as cc; cc.spark.assign")
