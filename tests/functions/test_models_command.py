"""`customer-clusters models`: who moves what, and what is left of it."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.cli import main
from model_store import BUNDLED, open_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of the test's own with both bundled models."""
    shutil.copytree(BUNDLED, tmp_path / "store")
    return tmp_path / "store"


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments, "--store", str(folder)])


def refused(result: Result) -> str:
    """The one line of a refusal."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr.strip().splitlines()[-1]


def test_a_rollback_and_the_history_say_who_and_why(folder: Path) -> None:
    store = open_store(folder)
    before, after = store.resolve("champion"), store.resolve("original")
    store.promote(after, "a test", "ben")
    result = run(folder, "rollback", "--why", "worse [after] all", "--who", "anna")
    assert result.stdout == f"champion: {before}\n"
    lines = run(folder, "history").stdout.splitlines()
    assert f"rollback by anna: champion from {after} to {before}" in lines[0]
    assert lines[1].strip() == "worse [after] all"
    first, second = json.loads(run(folder, "history", "--json").stdout)
    assert (first["action"], first["who"], first["from"]) == ("promote", "ben", before)
    assert (second["why"], second["in_effect"]) == ("worse [after] all", True)


@pytest.mark.parametrize("why", ["", "  "])
def test_a_reason_must_be_given(folder: Path, why: str) -> None:
    assert "expected some words" in refused(run(folder, "rollback", "--why", why))
    assert "No alias was moved yet" in run(folder, "history").stdout


def test_without_a_previous_champion_a_rollback_is_refused(folder: Path) -> None:
    assert "no model 'previous'" in refused(run(folder, "rollback", "--why", "x"))
