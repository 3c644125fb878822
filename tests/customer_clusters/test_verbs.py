"""The verbs do in a notebook what the commands do on a terminal."""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import customer_clusters as cc
from customer_clusters.progress import steps
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.training import Trained
from tests.support.gym import RECIPE
from tests.support.paths import ROOT


def test_a_file_is_scored_once_and_its_run_shows_itself(tmp_path: Path) -> None:
    run = cc.score(ROOT / "examples/customers.csv", tmp_path)
    assert repr(run).endswith("of customers.csv: 995 of 1,001 customers assigned>")
    assert Path(run.path()).is_file()
    assert json.loads(Path(run.path("summary")).read_text()) == run.summary
    page = run._repr_html_()
    assert "1,001 customers: 995 assigned, 6 rejected, 5 outliers" in page
    assert '<th scope="row">High spending, frequent card use</th>' in page
    again = cc.score(ROOT / "examples/customers.csv", tmp_path)
    assert again.manifest == run.manifest


def test_what_became_of_a_run_is_held_against_what_was_expected(tmp_path: Path) -> None:
    run = cc.score(ROOT / "examples/customers.csv", tmp_path)
    rows = pd.read_csv(run.path(), dtype=str)
    rows.loc[rows["cluster"] == "4", "Attrition_Flag"] = "Attrited Customer"
    rows[["CLIENTNUM", "Attrition_Flag"]].to_csv(tmp_path / "later.csv", index=False)
    found = cc.outcomes(run, tmp_path / "later.csv", "2026-11-27")
    assert found.verdict == "higher"
    assert found.document["clusters"][3]["verdict"] == "higher"
    assert "More cancelled than training led to expect" in repr(found)
    assert "100.0%" in found._repr_html_()
    assert found.told[0].startswith("177 customers not counted")
    page = found.write(tmp_path / "own")
    assert page.is_file() and (tmp_path / "own" / "outcomes.json").is_file()
    (objection,) = cc.compare("original", "champion", outcomes=[page.parent]).objections[-1:]
    assert objection.startswith("its churn rates did not come true: of 818 customers")


def test_a_model_without_a_label_says_nothing_of_leaving(
    gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    members = gym_members[["visits", "fee"]]
    model = cc.train(members, k=3, store=tmp_path / "store", who="a test")
    members.to_csv(tmp_path / "members.csv", index=False)
    run = cc.score(tmp_path / "members.csv", tmp_path / "results", store=tmp_path / "store")
    for page in (run._repr_html_(), model._repr_html_()):
        assert "leave" not in page
        assert "hurn" not in page
    assert model.assign(members)["churn_rate"].isna().all()


def test_what_is_no_single_file_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x\n1\n")
    with pytest.raises(WrongFile, match="means 2 files; expected one"):
        cc.score(tmp_path, tmp_path / "out")


def test_training_on_a_table_and_on_its_file_is_the_same(
    gym_members: pd.DataFrame, gym_contract: Contract, gym_trained: Trained, tmp_path: Path
) -> None:
    model = cc.train(
        gym_members, contract=gym_contract, recipe=RECIPE, store=tmp_path / "store", who="a test"
    )
    assert model.cluster_model == gym_trained.model
    assert cc.load(store=tmp_path / "store").version == model.version
    path = tmp_path / "members.csv"
    gym_members.to_csv(path, index=False)
    from_file = cc.train(path, contract=gym_contract, recipe=RECIPE)
    assert (from_file.version, from_file.cluster_model) == ("unpublished", model.cluster_model)
    assert from_file.metrics == model.metrics


def test_two_versions_are_compared(gym_models: Path) -> None:
    compared = cc.compare("champion", "champion", store=gym_models)
    assert compared.objections == compared.comparison.objections
    assert "churn auc" in compared._repr_html_()
    assert compared.comparison.old in repr(compared)


def test_customers_are_explored(gym_members: pd.DataFrame, tmp_path: Path) -> None:
    left = gym_members["cancelled"] == "yes"
    explored = cc.explore(gym_members.drop(columns="cancelled"), churn=left)
    assert explored.exploration.customers == 600
    assert str(explored) == "\n".join(explored.highlights)
    assert "the frame: 600 customers" in explored._repr_html_()
    assert explored.write(tmp_path).name == "explore.html"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": "members.csv"}, "members.csv: a file needs a contract"),
        ({"data": "members.csv", "contract": "gym", "churn": "x"}, "leave churn out"),
        ({"data": pd.DataFrame({"a": [1, 2]}), "churn": "b"}, "no column b for churn="),
        ({"data": 5}, "expected a table of pandas"),
    ],
    ids=["no contract", "label of a file", "no label", "no table"],
)
def test_what_cannot_be_trained_on_is_refused_in_one_line(
    arguments: dict[str, Any], message: str, gym_contract: Contract
) -> None:
    given = {**arguments, "contract": gym_contract} if "contract" in arguments else arguments
    for verb in (cc.train, cc.explore):
        with pytest.raises(WrongFile, match=message) as raised:
            verb(**given)
        assert "\n" not in str(raised.value)


def test_steps_are_lines_on_a_terminal_and_nothing_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with steps() as progress:
        progress("fitting")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with steps() as progress:
        progress("fitting")
        progress("judging")
    assert capsys.readouterr().err == "Fitting …\nJudging …\n"
