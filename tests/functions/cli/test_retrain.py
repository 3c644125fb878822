"""`customer-clusters retrain` and `compare`, from the first model to the second champion."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from model_store import BUNDLED, open_store
from tests.support.notices import Hook, is_signed
from tests.support.page import Page
from tests.support.paths import CUSTOMERS as EXAMPLES


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def store(own_gym_models: Path, gym_recipe: None, light_evidence: None) -> Path:
    """With a champion trained on a gym's members."""
    return own_gym_models


def test_retrain_publishes_a_candidate_that_may_be_promoted(
    store: Path, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    before = open_store(store).aliases()
    later = tmp_path / "later.csv"
    gym_members.sample(frac=0.8, random_state=3).to_csv(later, index=False)
    found = document(
        run("retrain", "--data", later, "--store", store, "--out", tmp_path / "out", "--json")
    )
    aliases = open_store(store).aliases()
    assert found["new"] == aliases["candidate"]
    assert aliases["champion"] == before["champion"]
    assert found["crosswalk"]["moved_share"] < 0.05
    assert found["objections"] == []
    assert json.loads((tmp_path / "out" / "comparison.json").read_bytes()) == found
    page = (tmp_path / "out" / "comparison.html").read_text()
    assert [tag for tag, _ in Page(page).seen if tag in ("script", "link", "img")] == []
    assert "Nothing speaks against it" in page

    told = run("compare", "champion", "candidate", "--store", store)
    assert "change their cluster" in told.stdout
    assert "Nothing speaks against a promotion" in told.stdout
    promoted = run("models", "promote", "candidate", "--why", "fresh", "--store", store)
    assert promoted.stdout == f"champion: {found['new']}\n"
    assert open_store(store).resolve("previous") == before["champion"]


def test_retraining_on_the_same_customers_gives_the_same_version(
    store: Path, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    later = tmp_path / "later.csv"
    gym_members.sample(frac=0.8, random_state=3).to_csv(later, index=False)
    given = ("--store", store, "--out", tmp_path / "out", "--json")
    first = document(run("retrain", "--data", later, *given))
    again = run("retrain", "--data", later, *given)
    assert json.loads(again.stdout) == first
    assert f"Note: later.csv was trained on before; that gave {first['new']}" in again.stderr
    assert len(open_store(store).versions()) == 2
    own = run("retrain", "--data", tmp_path / "members.csv", *given)
    found = json.loads(own.stdout)
    assert found["old"] == found["new"] == open_store(store).resolve("champion")
    assert (found["crosswalk"]["moved_share"], found["objections"]) == (0, [])
    assert "members.csv was trained on before; that gave the champion" in own.stderr
    assert len(open_store(store).versions()) == 2
    assert open_store(store).resolve("candidate") == first["new"]  # the champion is none


def test_who_is_told_of_runs_is_told_of_a_candidate_once(
    store: Path, gym_members: pd.DataFrame, tmp_path: Path, hooked: Hook
) -> None:
    later = tmp_path / "later.csv"
    gym_members.sample(frac=0.8, random_state=3).to_csv(later, index=False)
    given = ("--store", store, "--out", tmp_path / "out", "--json")
    hooked.answers = [400]
    result = run("retrain", "--data", later, *given)
    found = document(result)
    assert "Note: webhook did not take a notice: 127.0.0.1 answered 400" in result.stderr
    assert run("notify", "--deliver", "--out", store).output == "1 sent; 0 waiting\n"
    assert is_signed(*hooked.got[0])
    (event,) = hooked.events
    assert event["type"] == "candidate.ready"
    data = event["data"]
    assert (data["model_version"], data["champion"]) == (found["new"], found["old"])
    assert (data["attention"], data["verdicts"]) == (True, [])
    silhouette = data["figures"]["silhouette_model_space"]
    assert silhouette == found["metrics"]["silhouette_model_space"]
    assert data["figures"]["clusters"]["new"] == len(found["crosswalk"]["new_ids"])
    assert "Nothing speaks against a promotion" in data["text"]
    assert document(run("retrain", "--data", later, *given)) == found
    document(run("retrain", "--data", tmp_path / "members.csv", *given))  # gives the champion
    assert len(hooked.got) == 1
    open_store(store).open("candidate").verify()
    told = run("models", "promote", "candidate", "--why", "fresh", "--store", store)
    assert told.exit_code == 0


@pytest.mark.parametrize(
    "recipe", [("--recipe", "gym"), pytest.param((), marks=pytest.mark.search, id="searched")]
)
def test_train_matches_clusters_unless_fresh_ids_are_wanted(
    store: Path, gym_contract_path: Path, tmp_path: Path, recipe: tuple[str, ...]
) -> None:
    data = tmp_path / "members.csv"
    given = ("--data", data, "--contract", gym_contract_path, "--store", store, *recipe)
    document(run("train", *given, "--alias", "kept", "--json"))
    kept = open_store(store).open("kept")
    assert kept.manifest.facts["lineage"]["champion"] == open_store(store).resolve("champion")
    document(run("train", *given, "--alias", "fresh", "--fresh-ids", "--json"))
    fresh = open_store(store).open("fresh")
    assert "lineage" not in fresh.manifest.facts
    assert {"crosswalk.json"} == set(kept.manifest.files) - set(fresh.manifest.files)


def test_versions_without_a_crosswalk_are_compared_on_a_file(tmp_path: Path) -> None:
    told = run("compare", "original", "champion", "--store", BUNDLED)
    assert "--data FILE counts" in told.stdout
    assert "against a promotion: nobody counted" in told.stdout
    found = document(
        run(
            "compare",
            "original",
            "champion",
            "--store",
            BUNDLED,
            "--data",
            EXAMPLES,
            "--out",
            tmp_path,
            "--json",
        )
    )
    assert found["crosswalk"]["customers"] == 995
    assert "Against it" in (tmp_path / "comparison.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retrain", "--data", "x.csv", "--store", "nowhere"], "no model 'champion'"),
        (["retrain", "--data", "x.csv", "--store", BUNDLED], "x.csv: cannot be read"),
        (["compare", "champion", "best", "--store", BUNDLED], "no model 'best'"),
        (["compare", "original", "champion", "--store", BUNDLED, "--data", "none.csv"],
         "none.csv: cannot be read"),
        (["compare", "original", "champion", "--store", BUNDLED, "--out", EXAMPLES],
         "cannot be written"),
        (["train", "--data", "x.csv", "--alias", "champion", "--recipe", "original",
          "--store", "nowhere"], "a champion is made by: customer-clusters models promote"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_one_line(arguments: list[object], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.output
