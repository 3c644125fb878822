import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from model_store import open_store
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.training import Recipe, Trained, publish, train
from pipeline.training.fitting import EmptyCluster
from pipeline.training.recipes import ALGORITHMS, Algorithm
from tests.support.gym import LIGHT, RECIPE

Write = Callable[..., Path]


def trained_on(
    frame: pd.DataFrame, contract: Contract, folder: Path, recipe: Recipe = RECIPE
) -> Trained:
    path = folder / "members.csv"
    frame.to_csv(path, index=False)
    return train(path, contract, recipe, lambda step: None, LIGHT)


def test_another_data_set_is_another_toml_and_no_code(gym_trained: Trained) -> None:
    assert sorted(gym_trained.metrics["cluster_sizes"]) == [200, 200, 200]
    found = gym_trained.model.assign({"visits": 2, "fee": 20, "plan": "basic"})
    assert found.cluster.id == 3  # the highest churn rate comes last
    assert found.cluster.name.startswith("Rare visits")
    assert "Plan: basic" in " ".join(reason.sentence for reason in found.reasons)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_artifact_answers_like_its_pipeline(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path, algorithm: Algorithm
) -> None:
    recipe = replace(RECIPE, algorithm=algorithm, yeo_johnson=("fee",), scaling="robust")
    trained = trained_on(gym_members, gym_contract, tmp_path, recipe)
    artifact = publish(trained, open_store(tmp_path / "store"))
    model = load_model(artifact)
    pipeline = joblib.load(io.BytesIO(artifact.read("pipeline.joblib")))
    frame = gym_members[["plan", "fee", "visits"]]  # any order
    columns = {
        "visits": frame["visits"].to_numpy(float),
        "fee": frame["fee"].to_numpy(float),
        "plan": frame["plan"].to_numpy(object),
    }
    found = model.assign_many(columns)
    np.testing.assert_array_equal(found.cluster, pipeline.predict(frame) + 1)
    np.testing.assert_allclose(found.distance, pipeline.transform(frame).min(axis=1), atol=1e-9)
    assert artifact.manifest.facts["recipe"]["algorithm"] == algorithm


def test_an_algorithm_that_leaves_a_cluster_empty_is_refused(
    gym_contract: Contract, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    kinds = rng.normal(50, 20, (12, 2)).clip(1)
    often = np.r_[[0.3, 0.3, 0.2], np.full(9, 0.2 / 9)]
    frame = pd.DataFrame(kinds[rng.choice(12, 100, p=often)], columns=["visits", "fee"]).round()
    k = len(frame.drop_duplicates())
    recipe = replace(RECIPE, features=("visits", "fee"), k=k, algorithm="minibatch", n_init=50)
    with pytest.raises(EmptyCluster, match=f"Mini-batch K-Means leaves one of {k} clusters empty"):
        trained_on(frame, gym_contract, tmp_path, recipe)


def test_every_algorithm_answers_like_its_pipeline_for_the_real_customers(
    bank_churners: Path, bank_contract: Contract
) -> None:
    features = ("Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")
    for algorithm in ALGORITHMS:
        recipe = Recipe("real", "", features, 5, 2, features[:2], n_init=5, algorithm=algorithm)
        trained = train(bank_churners, bank_contract, recipe, lambda step: None, LIGHT)
        frame = trained.customers.features
        found = trained.model.assign_many({name: frame[name].to_numpy() for name in features})
        np.testing.assert_array_equal(
            found.cluster, trained.fitted.pipeline.predict(frame) + 1, err_msg=algorithm
        )
        assert found.cluster.tolist() == (trained.fitted.labels + 1).tolist()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cluster_ids_do_not_depend_on_seed_or_row_order(
    gym_trained: Trained, gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path,
    seed: int,
) -> None:  # fmt: skip
    expected = gym_trained.model
    shuffled = gym_members.sample(frac=1, random_state=seed)
    found = trained_on(shuffled, gym_contract, tmp_path, replace(RECIPE, seed=seed)).model
    for mine, theirs in zip(found.clusters, expected.clusters, strict=True):
        assert (mine.id, mine.name, mine.size, mine.churn) == (
            theirs.id, theirs.name, theirs.size, theirs.churn,
        )  # fmt: skip


def test_the_first_model_of_a_store_becomes_its_champion(
    gym_trained: Trained, gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "store")
    first = publish(gym_trained, store)
    second = publish(trained_on(gym_members, gym_contract, tmp_path, replace(RECIPE, k=2)), store)
    assert store.aliases() == {"champion": first.version, "candidate": second.version}


def test_without_a_label_clusters_have_no_churn_and_are_ordered_by_size(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    kept = gym_members.drop(columns="cancelled").drop(index=range(0, 50))
    clusters = trained_on(kept, gym_contract, tmp_path).model.clusters
    assert [cluster.churn for cluster in clusters] == [None, None, None]
    assert [cluster.size for cluster in clusters] == [200, 200, 150]


def test_nested_columns_do_not_hinder_training(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    frame = pd.concat([gym_members, gym_members.iloc[:3]])
    frame["tags"] = [["a", "b"]] * len(frame)
    path = tmp_path / "members.parquet"
    frame.to_parquet(path, index=False)
    trained = train(path, gym_contract, RECIPE, lambda step: None, LIGHT)
    assert trained.cleaning.duplicate_rows == 3


def test_cleaning_counts_what_it_leaves_out(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    frame = gym_members.astype(object)
    frame.loc[0, "fee"] = "free"
    frame.loc[1, "visits"] = None  # filled by the contract
    frame["score_of_another_model"] = 0.5
    frame = pd.concat([frame, frame.iloc[[5, 6]]])
    cleaning = trained_on(frame, gym_contract, tmp_path).cleaning
    assert (cleaning.rows_read, cleaning.rows_used) == (602, 599)
    assert (cleaning.duplicate_rows, cleaning.rejected_rows) == (2, 1)
    assert cleaning.rejected_for == {"fee not_a_number": 1}
    assert cleaning.dropped_columns == ("score_of_another_model",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="fee"), "no column fee"),
        (lambda f: f.assign(fee="free"), "600 of 600 rows are unusable .*fee not_a_number: 600"),
        (lambda f: f.assign(fee=np.nan), "fee missing: 600"),
        (lambda f: f.assign(fee=20), "feature fee has the same value for all customers"),
        (lambda f: f.assign(member="1"), "5.. rows repeat an id of member"),
        (lambda f: f.assign(cancelled="no"), "says that all customers stayed"),
        (lambda f: f.assign(cancelled="perhaps"), "label cancelled holds 'perhaps'"),
        (
            lambda f: f.drop(columns="cancelled").iloc[:2],
            "has 2 different customers, too few for 3",
        ),
        (lambda f: f.iloc[:0], "no customers"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(
    gym_members: pd.DataFrame,
    gym_contract: Contract,
    tmp_path: Path,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    message: str,
) -> None:
    with pytest.raises(WrongFile, match=message):
        trained_on(change(gym_members), gym_contract, tmp_path)


def test_a_category_cannot_be_transformed(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, yeo_johnson=("plan",))
    with pytest.raises(WrongFile, match="recipe gym transforms plan, which is a category"):
        trained_on(gym_members, gym_contract, tmp_path, recipe)
