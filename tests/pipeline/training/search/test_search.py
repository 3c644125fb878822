from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model_store import open_store
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract, Feature, Label
from pipeline.training import Trained, publish, train_by_search

pytestmark = pytest.mark.search
NAMES = ("a", "b", "noise")
CONTRACT = Contract(
    "invented",
    "Invented",
    tuple(Feature(name, "number", name.title()) for name in NAMES),
    label=Label("left", ("yes",), ("no",)),
)


def searched(frame: pd.DataFrame, folder: Path, contract: Contract = CONTRACT) -> Trained:
    path = folder / "customers.csv"
    frame.to_csv(path, index=False)
    return train_by_search(path, contract, lambda step: None)


def blobs(rng: np.random.Generator) -> pd.DataFrame:
    """Three groups in a and b, of which one leaves; the third column says nothing."""
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    group = rng.integers(3, size=900)
    points = centres[group] + rng.normal(0, 0.7, (900, 2))
    left = np.where(rng.random(900) < np.array([0.01, 0.1, 0.9])[group], "yes", "no")
    return pd.DataFrame(
        {"a": points[:, 0], "b": points[:, 1], "noise": rng.normal(size=900), "left": left}
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return searched(blobs(np.random.default_rng(1)), tmp_path_factory.mktemp("found"))


def test_the_search_finds_the_groups_that_are_there(found: Trained) -> None:
    assert found.recipe.features == ("a", "b")
    assert found.recipe.k == 3
    assert not found.recipe.by_churn
    assert found.metrics["weakest_jaccard"] > 0.97
    assert (found.metrics["highest_churn"] or 0) > 0.8
    assert found.metrics["churn_counted_on"] == 900


def test_the_leaderboard_states_what_the_winner_was_compared_with(
    found: Trained, tmp_path: Path
) -> None:
    assert found.search is not None
    board = found.search.to_dict()
    assert board["verdict"] == "separate groups"
    assert board["churn_auc_untouched"] > 0.85
    kmeans, *others = board["algorithms"]
    assert kmeans["name"] == "K-Means"
    assert kmeans["weakest_jaccard"] > 0.97
    assert len(others) == 2
    assert {c["recipe"]["algorithm"] for c in board["candidates"]} == {"kmeans", "minibatch"}
    (chosen,) = [c for c in board["candidates"] if c["chosen"]]
    assert chosen["excess"] > 0.2
    assert chosen["beats_single_group"]
    own = {gap["k"]: gap["gap"] for gap in board["gap_statistic"]}
    assert chosen["gap"] == own[3]
    page = publish(found, open_store(tmp_path / "store")).read("report.html").decode()
    assert "Gaussian mixture" in page


def test_neither_the_order_of_columns_nor_a_repeated_column_changes_the_clusters(
    found: Trained, tmp_path: Path
) -> None:
    frame = blobs(np.random.default_rng(1))
    frame["noise"] = np.exp(frame["b"])
    frame = frame[["left", "noise", "b", "a"]]
    turned = replace(CONTRACT, features=CONTRACT.features[::-1])
    again = searched(frame, tmp_path, turned)
    assert again.search is not None
    assert again.search.dropped_features == {"noise": "it nearly repeats b"}
    assert [c.centre for c in again.model.clusters] == [c.centre for c in found.model.clusters]


def test_noise_has_no_structure_and_nothing_is_trained(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.random((600, 3)), columns=list(NAMES))
    frame["left"] = np.where(rng.random(600) < 0.2, "yes", "no")
    with pytest.raises(WrongFile, match=r"form no clusters: .* and none tells who left"):
        searched(frame, tmp_path)
    with pytest.raises(WrongFile, match=r"than customers of a single group would$"):
        searched(frame.drop(columns="left"), tmp_path)


def test_groups_that_say_nothing_about_churn_are_groups(tmp_path: Path) -> None:
    frame = blobs(np.random.default_rng(5))
    frame["left"] = np.where(np.random.default_rng(6).random(900) < 0.2, "yes", "no")
    trained = searched(frame, tmp_path)
    assert trained.recipe.k == 3
    assert not trained.recipe.by_churn
    page = publish(trained, open_store(tmp_path / "store")).read("report.html").decode()
    assert "say nothing about" in page


def test_without_a_label_the_search_goes_by_shape_alone(tmp_path: Path) -> None:
    trained = searched(blobs(np.random.default_rng(5)).drop(columns="left"), tmp_path)
    assert trained.metrics["churn_auc"] is None
    assert publish(trained, open_store(tmp_path / "store")).read("report.html")
    assert trained.metrics["silhouette_model_space"] > 0.7


def test_categories_that_tell_who_left_are_parts_counted_on_untouched_customers(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(7)
    plan, region = rng.choice(["x", "y", "z"], size=1_200), rng.choice(["north", "south"], 1_200)
    left = np.where(rng.random(1_200) < np.where(plan == "x", 0.6, 0.1), "yes", "no")
    frame = pd.DataFrame({"plan": plan, "region": region, "left": left, "id": np.arange(1_200)})
    features = (
        Feature("plan", "category", "Plan", values=("x", "y", "z")),
        Feature("region", "category", "Region", values=("north", "south")),
    )
    trained = searched(frame, tmp_path, replace(CONTRACT, features=features, id_column="id"))
    assert trained.recipe.features == ("plan",)
    assert trained.recipe.by_churn
    assert trained.metrics["churn_counted_on"] == 300
    assert sum(c.churn.customers for c in trained.model.clusters if c.churn) == 300
    assert {c.name for c in trained.model.clusters} == {"Plan x", "Plan y", "Plan z"}


def test_one_who_left_is_too_few_to_tell_leavers_by(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.random.default_rng(8).normal(size=300), "left": "no"})
    frame.loc[0, "left"] = "yes"
    with pytest.raises(WrongFile, match="fewer than 20 left or stayed"):
        searched(frame, tmp_path)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": np.ones(300), "b": np.ones(300)}), "no feature that varies"),
        (pd.DataFrame({"a": np.arange(300) % 2}), "form no clusters"),
        (pd.DataFrame({"a": np.arange(150)}), "150 usable customers; the search needs at least"),
    ],
    ids=["constant", "one flag", "few"],
)
def test_what_cannot_be_searched_is_refused_in_one_line(
    frame: pd.DataFrame, message: str, tmp_path: Path
) -> None:
    frame = frame.assign(id=np.arange(len(frame)))
    with pytest.raises(WrongFile, match=message):
        searched(frame, tmp_path, replace(CONTRACT, id_column="id"))
