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


def searched(frame: pd.DataFrame, folder: Path) -> Trained:
    path = folder / "customers.csv"
    frame.to_csv(path, index=False)
    return train_by_search(path, CONTRACT, lambda step: None)


def blobs(rng: np.random.Generator) -> pd.DataFrame:
    """Three groups in a and b, of which one leaves; the third column says nothing."""
    centres = np.array([[0, 0], [10, 0], [0, 10]])
    group = rng.integers(3, size=900)
    points = centres[group] + rng.normal(0, 0.7, (900, 2))
    left = np.where(rng.random(900) < np.array([0.01, 0.1, 0.9])[group], "yes", "no")
    return pd.DataFrame(
        {"a": points[:, 0], "b": points[:, 1], "noise": rng.normal(size=900), "left": left}
    )


def test_the_search_finds_the_groups_that_are_there_and_the_same_twice(tmp_path: Path) -> None:
    trained, again = (searched(blobs(np.random.default_rng(1)), tmp_path) for _ in range(2))
    assert trained.model.to_json() == again.model.to_json()
    assert "noise" not in trained.recipe.features
    assert trained.metrics["weakest_jaccard"] > 0.97
    assert (trained.metrics["highest_churn"] or 0) > 0.8
    assert trained.search is not None
    board = trained.search.to_dict()
    assert board["churn_auc_untouched"] > 0.85
    kmeans, *others = board["algorithms"]
    assert kmeans["name"] == "K-Means"
    assert kmeans["weakest_jaccard"] > 0.97
    assert len(others) == 2
    algorithms = [c["recipe"]["algorithm"] for c in board["candidates"]]
    assert set(algorithms) == {"kmeans", "minibatch"}
    assert [c["recipe"]["algorithm"] for c in board["candidates"] if c["chosen"]] == ["kmeans"]
    assert all(c["beats_single_group"] for c in board["candidates"])
    own = {gap["k"]: gap["gap"] for gap in board["gap_statistic"]}
    (chosen,) = [c for c in board["candidates"] if c["chosen"]]
    assert chosen["gap"] == own[chosen["recipe"]["k"]]
    page = publish(trained, open_store(tmp_path / "store")).read("report.html").decode()
    assert "Gaussian mixture" in page


def test_uniform_noise_has_no_structure_and_nothing_is_trained(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.random((900, 3)), columns=list(NAMES))
    frame["left"] = np.where(rng.random(900) < 0.2, "yes", "no")
    with pytest.raises(WrongFile, match="form no clusters: no set of features"):
        searched(frame, tmp_path)
    with pytest.raises(WrongFile, match="form no clusters: by the gap statistic"):
        searched(frame.drop(columns="left"), tmp_path)


def test_repeated_and_constant_features_are_no_candidates(tmp_path: Path) -> None:
    frame = blobs(np.random.default_rng(4))
    frame["noise"] = frame["a"] * 2
    found = searched(frame, tmp_path).search
    assert found is not None
    assert found.dropped_features == {"noise": "it nearly repeats a"}


def test_without_a_label_the_search_goes_by_shape_alone(tmp_path: Path) -> None:
    trained = searched(blobs(np.random.default_rng(5)).drop(columns="left"), tmp_path)
    assert trained.metrics["churn_auc"] is None
    assert publish(trained, open_store(tmp_path / "store")).read("report.html")
    assert trained.metrics["silhouette_model_space"] > 0.7
