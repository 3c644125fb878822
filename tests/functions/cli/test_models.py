"""`customer-clusters models`: who moves what, and what is left of it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from model_store import BUNDLED, open_store

LONG_AGO = datetime(2024, 1, 31, tzinfo=UTC)


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


def test_a_prune_lists_first_and_removes_when_told(folder: Path) -> None:
    store = open_store(folder)
    spare = store.publish({"model.json": b"{}"}, {}).version
    newest = store.publish({"model.json": b"{ }"}, {}, LONG_AGO).version  # by a clock that is off
    kept = {*store.aliases().values(), newest}
    assert run(folder, "prune", "--keep", "1").stdout == f"would remove {spare}\n"
    assert spare in map(str, store.versions())
    assert run(folder, "prune", "--keep", "1", "--yes").stdout == f"removed {spare}\n"
    assert {str(version) for version in store.versions()} == kept
    assert run(folder, "prune", "--keep", "1", "--yes").stdout == "nothing to remove\n"


def test_verify_names_each_damaged_version(folder: Path) -> None:
    version = open_store(folder).resolve("original")
    whole = run(folder, "verify")
    assert whole.exit_code == 0
    assert len(whole.stdout.splitlines()) == 2
    damaged = folder / "versions" / version / "pipeline.joblib"
    damaged.chmod(0o644)
    damaged.write_bytes(b"x")
    found = run(folder, "verify")
    assert "1 of 2 versions must not be used" in refused(found)
    assert f"artifact {version}: pipeline.joblib is not the file that was published" in found.output
    assert "1 of 1" in refused(run(folder, "verify", "original"))
    assert run(folder, "verify", "champion").exit_code == 0


def test_the_list_shows_an_alias_whose_version_is_half_deleted(folder: Path) -> None:
    version = open_store(folder).resolve("champion")
    manifest = folder / "versions" / version / "manifest.json"
    manifest.chmod(0o644)
    manifest.unlink()
    rows = json.loads(run(folder, "list", "--json").stdout)
    (row,) = (row for row in rows if row["version"] == version)
    assert row["aliases"] == ["champion"]
    assert "it is not there, though 'champion' means it" in row["problem"]
    assert "it is not there" in run(folder, "list").stdout.replace("\n", " ")


def test_unsigned_models_are_refused_where_keys_are_trusted_until_somebody_signs(
    folder: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = run(folder, "sign", "champion", "--sign-key", str(key_file)).stdout
    public = signed.rpartition(" ")[2].strip()
    monkeypatch.setenv("CUSTOMER_CLUSTERS_TRUSTED_KEYS", public)
    assert run(folder, "show", "champion").exit_code == 0
    assert "is not signed by the trusted key; sign it with" in refused(
        run(folder, "show", "original")
    )
    assert "1 of 2 versions must not be used" in refused(run(folder, "verify"))
    listed = json.loads(run(folder, "list", "--json").stdout)
    assert ["problem" in row for row in listed] == [
        row["aliases"] != ["champion"] for row in listed
    ]
    assert "not signed" in run(folder, "list").stdout
    monkeypatch.setenv("CUSTOMER_CLUSTERS_SIGN_KEY", str(key_file))
    assert run(folder, "sign", "original").exit_code == 0
    assert run(folder, "verify").exit_code == 0


def test_signing_needs_a_key(folder: Path) -> None:
    assert "expected --sign-key FILE" in refused(run(folder, "sign", "champion"))


def test_an_unfit_promotion_is_refused_and_forced_with_a_reason(folder: Path) -> None:
    arguments = ("promote", "original", "--why", "the board wants it", "--who", "anna")
    line = refused(run(folder, *arguments))
    assert "was not promoted over" in line
    assert "its contract is another one (reads Avg_Utilization_Ratio as well" in line
    assert run(folder, "history").stdout == "No alias was moved yet\n"
    assert run(folder, *arguments, "--force").exit_code == 0
    (event,) = json.loads(run(folder, "history", "--json").stdout)
    assert (event["why"], event["details"]["forced"]) == ("the board wants it", True)
    assert len(event["details"]["objections"]) >= 3


def test_a_cluster_is_renamed_under_every_alias(folder: Path) -> None:
    before = open_store(folder).resolve("champion")
    result = run(folder, "rename", "champion", "5", "About to leave", "--who", "anna")
    assert result.exit_code == 0, result.output
    version = open_store(folder).resolve("champion")
    assert version != before
    assert f"{version} (" in result.stdout and "cluster 5 is called About to leave" in result.stdout
    assert "About to leave" in run(folder, "show", "champion").stdout
    again = run(folder, "rename", "champion", "5", "About to leave")
    assert again.stdout == f"{version}: cluster 5 is called so already\n"


def test_a_rename_that_cannot_be_is_one_line(folder: Path) -> None:
    assert "has no cluster 9; there are: 1, 2" in refused(
        run(folder, "rename", "champion", "9", "X")
    )
    assert "expected some words" in refused(run(folder, "rename", "champion", "5", " "))
    assert "no model 'nobody'" in refused(run(folder, "rename", "nobody", "5", "X"))


def test_a_model_learns_other_names_of_its_columns(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "map", "champion", "Saldo=total_revolving_bal", "--who", "anna")
    version = open_store(folder).resolve("champion")
    assert result.stdout == f"{version} (champion): Saldo=total_revolving_bal\n"
    again = run(folder, "map", "champion", "SALDO=Total_Revolving_Bal")
    assert again.stdout == f"{version}: the names are known already\n"
    file = tmp_path / "a.csv"
    file.write_text("Saldo,Total_Trans_Amt,Total_Trans_Ct\n0,1900,38\n")
    arguments = ["score", str(file), "--out", str(tmp_path / "out"), "--store", str(folder)]
    scored = CliRunner().invoke(main, [*arguments, "--json"])
    assert json.loads(scored.stdout)["input"]["matched"] == {"Saldo": "Total_Revolving_Bal"}


def test_names_that_cannot_be_are_one_line(folder: Path) -> None:
    assert "champion: reads no column Fee; there are:" in refused(
        run(folder, "map", "champion", "x=Fee")
    )
    assert "expected 'its name=our name'" in refused(run(folder, "map", "champion", "x"))


def test_without_a_name_the_model_that_answers_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a release phase asks, whatever the settings name."""
    assert open_store(folder).resolve("champion") in run(folder, "show").stdout
    monkeypatch.setenv("CUSTOMER_CLUSTERS_MODEL", "original")
    assert open_store(folder).resolve("original") in run(folder, "show").stdout
    monkeypatch.setenv("CUSTOMER_CLUSTERS_MODEL", "nobody")
    assert "no model 'nobody'" in refused(run(folder, "show"))
