"""The estimator keeps the conventions of scikit-learn, and answers with the ids of the model."""

import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import customer_clusters as cc
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.training import Recipe
from tests.support.gym import RECIPE

IDS = "clusters are numbered from 1, as everywhere in this product, and not from 0"
EXPECTED_FAILURES = {"check_clustering": IDS}


def expected_failures(estimator: object) -> dict[str, str]:
    return EXPECTED_FAILURES


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [cc.Segmenter(k=3)], expected_failed_checks=expected_failures
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_conventions_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_it_predicts_the_ids_of_its_model(gym_members: pd.DataFrame) -> None:
    segmenter = cc.Segmenter(features=["visits", "fee", "plan"], k=3).fit(
        gym_members, churn=gym_members["cancelled"] == "yes"
    )
    assert sorted(set(segmenter.labels_.tolist())) == [1, 2, 3]
    assert segmenter.predict(gym_members).tolist() == segmenter.labels_.tolist()
    assigned = segmenter.model_.assign(gym_members)
    assert assigned["cluster"].tolist() == segmenter.labels_.tolist()
    left = (gym_members["cancelled"] == "yes").groupby(segmenter.labels_).mean()
    assert left.is_monotonic_increasing
    rates = [cluster.churn.rate for cluster in segmenter.model_.clusters if cluster.churn]
    assert left.tolist() == pytest.approx(rates)


def test_it_finds_what_training_from_a_file_finds(
    gym_members: pd.DataFrame, gym_contract: Contract, gym_trained: Any
) -> None:
    segmenter = cc.Segmenter(recipe=RECIPE, contract=gym_contract).fit(gym_members)
    assert segmenter.model_.cluster_model == gym_trained.model


@pytest.mark.parametrize(
    "kind",
    [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table],
    ids=["pandas", "polars", "polars lazy", "arrow"],
)
def test_it_takes_every_kind_of_table(kind: Any, gym_members: pd.DataFrame) -> None:
    columns = {name: gym_members[name].tolist() for name in ("visits", "fee")}
    segmenter = cc.Segmenter(k=3).fit(kind(columns))
    assert segmenter.feature_names_in_.tolist() == ["visits", "fee"]
    assert len(segmenter.predict(kind(columns))) == len(gym_members)


def test_churn_is_a_column_a_series_or_y(gym_members: pd.DataFrame) -> None:
    frame = gym_members.assign(left=(gym_members["cancelled"] == "yes").astype(int))
    wanted = ["visits", "fee"]
    rates = []
    for fitted in (
        cc.Segmenter(features=wanted, k=3).fit(frame, churn="left"),
        cc.Segmenter(features=wanted, k=3).fit(frame, frame["left"]),
        cc.Segmenter(features=wanted, k=3).fit(frame, churn=frame["left"].tolist()),
        cc.Segmenter(features=wanted, k=3).fit(frame, churn=pa.array(frame["left"] == 1)),
        cc.Segmenter(features=wanted, k=3).fit(frame, churn=[Decimal(n) for n in frame["left"]]),
        cc.Segmenter(k=3).fit(frame[wanted].to_numpy(), y=frame["left"] == 1),
    ):
        rates.append([c.churn.rate for c in fitted.model_.clusters if c.churn])
    assert rates[0]
    assert rates == [rates[0]] * 6


def test_a_label_is_no_feature(gym_members: pd.DataFrame) -> None:
    frame = gym_members.assign(left=gym_members["cancelled"] == "yes").drop(columns="cancelled")
    segmenter = cc.Segmenter(k=3).fit(frame, churn="left")
    assert [f.name for f in segmenter.model_.contract.features] == ["visits", "fee", "plan"]
    assert segmenter.predict(frame.drop(columns="left")).tolist() == segmenter.labels_.tolist()


@pytest.mark.parametrize(
    ("churn", "message"),
    [
        ("cancelled", "label cancelled holds 'no', 'yes'; expected True and False"),
        ("left", "no column left for churn="),
        ([True] * 600, "label churn has 1 different values, expected two"),
        ([0, 1, 2] * 200, "label churn has 3 different values, expected two"),
        ([0, 1], "churn has 2 values for 600 customers"),
        (np.zeros((600, 2)), "churn has 2 dimensions; expected one value"),
        ([None, True] * 300, "label churn is missing for 300 of 600 customers; train"),
        (pd.array([True, False, None] * 200, "boolean"), "missing for 200 of 600"),
        ([float("nan"), 0.0, 1.0] * 200, "missing for 200 of 600"),
        (5, "churn has 0 dimensions; expected one value"),
    ],
    ids=[
        "text",
        "no column",
        "one value",
        "three values",
        "too short",
        "table",
        "missing",
        "nullable",
        "no number",
        "scalar",
    ],
)
def test_a_label_that_is_unclear_is_refused_in_one_line(
    churn: Any, message: str, gym_members: pd.DataFrame
) -> None:
    with pytest.raises(WrongFile, match=message) as raised:
        cc.Segmenter(features=["visits", "fee"], k=3).fit(gym_members, churn=churn)
    assert "\n" not in str(raised.value)


def test_transform_gives_distances_as_a_table_where_it_is_asked_to(
    gym_members: pd.DataFrame,
) -> None:
    segmenter = cc.Segmenter(features=["visits", "fee"], k=3).set_output(transform="pandas")
    distances = segmenter.fit_transform(gym_members)
    assert list(distances.columns) == ["distance_1", "distance_2", "distance_3"]
    assert (distances.to_numpy().argmin(axis=1) + 1).tolist() == segmenter.labels_.tolist()
    own = segmenter.model_.assign(gym_members)["distance"]
    assert distances.min(axis=1).to_numpy() == pytest.approx(own.to_numpy(), abs=1e-9)


def test_it_stands_at_the_end_of_a_pipeline(gym_members: pd.DataFrame) -> None:
    numbers = gym_members[["visits", "fee"]]
    scaled = make_pipeline(StandardScaler().set_output(transform="pandas"), cc.Segmenter(k=3))
    kept = make_pipeline(FunctionTransformer(), cc.Segmenter(k=3))
    labels = scaled.fit_predict(numbers)
    assert adjusted_rand_score(labels, kept.fit(numbers).predict(numbers)) == 1.0
    assert adjusted_rand_score(labels, np.repeat([0, 1, 2], 200)) > 0.95


def test_a_notebook_shows_its_clusters_once_it_is_fitted(gym_members: pd.DataFrame) -> None:
    segmenter = cc.Segmenter(features=["visits", "fee"], k=3)
    assert "customer-clusters" not in segmenter._repr_mimebundle_()["text/html"]
    shown = segmenter.fit(gym_members)._repr_mimebundle_()["text/html"]
    for html in (shown, segmenter._repr_html_()):  # which differ in the ids of their elements
        assert "Share of the customers of each cluster" in html
        assert "sk-estimator" in html


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_what_a_notebook_has_set_for_its_pipelines_is_not_in_the_way(
    kind: str, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    numbers = gym_members[["visits", "fee"]]
    expected = cc.Segmenter(k=3).fit(numbers).labels_.tolist()
    with config_context(transform_output=kind):
        pipeline = make_pipeline(StandardScaler(), cc.Segmenter(k=3)).fit(numbers)
        assert adjusted_rand_score(pipeline.predict(numbers), expected) == 1.0
        assert type(pipeline.transform(numbers)).__module__.startswith(kind)
        model = cc.train(numbers, k=3, store=tmp_path)
        assert model.assign(numbers)["cluster"].tolist() == expected


def test_it_is_cloned_and_pickled_without_its_customers(gym_members: pd.DataFrame) -> None:
    segmenter = cc.Segmenter(features=["visits", "fee"], k=np.int64(3)).fit(gym_members)
    assert clone(segmenter).get_params() == segmenter.get_params()
    pickled = pickle.dumps(segmenter)
    assert b"000017" not in pickled  # the id of a member
    again = pickle.loads(pickled)
    assert again.predict(gym_members).tolist() == segmenter.labels_.tolist()
    with pytest.raises(WrongFile, match="has no customers any more"):
        again.publish("nowhere")


def test_customers_that_training_leaves_out_have_no_cluster(gym_members: pd.DataFrame) -> None:
    frame = gym_members.assign(fee=gym_members["fee"].mask(gym_members.index == 5))
    segmenter = cc.Segmenter(features=["visits", "fee"], k=3).fit(frame)
    assert np.flatnonzero(segmenter.labels_ == -1).tolist() == [5]
    with pytest.raises(WrongFile, match="1 of 600 customers cannot be assigned; row 5"):
        segmenter.predict(frame)


def test_equal_rows_are_different_customers_where_there_is_no_id() -> None:
    frame = pd.DataFrame({"visits": [1, 1, 1, 9, 9, 2], "fee": [5, 5, 5, 7, 7, 5]})
    segmenter = cc.Segmenter(k=2).fit(frame)
    assert [cluster.size for cluster in segmenter.model_.clusters] == [4, 2]


def test_what_is_published_is_what_it_answers_with(
    gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    frame = gym_members.assign(left=gym_members["cancelled"] == "yes").drop(columns="cancelled")
    segmenter = cc.Segmenter(features=["visits", "fee"], k=3).fit(frame, churn="left")
    before = segmenter.labels_.tolist()
    published = segmenter.publish(tmp_path, who="a test")
    champion = cc.load(store=tmp_path)
    assert champion.version == published.version == segmenter.model_.version
    assert champion.assign(frame)["cluster"].tolist() == before == segmenter.labels_.tolist()
    assert champion.metrics["customers"] == 600
    swapped = cc.Segmenter(features=["visits", "fee"], k=3).fit(frame, churn=~frame["left"])
    assert swapped.labels_.tolist() != before  # in the order of who stays
    swapped.publish(tmp_path)
    assert swapped.labels_.tolist() == before  # with the champion's ids again
    assert swapped.predict(frame).tolist() == before


@pytest.mark.parametrize(
    ("columns", "k", "message"),
    [
        ({"a": [1, 2, 3], "b": [1, 1, 1]}, 2, "feature b has the same value for all customers"),
        ({"a": [1, 1, 1]}, 2, "1 different customers, too few for 2 clusters"),
        ({"a": [1, 2, 3]}, 1, "k: expected a whole number from 2, found 1"),
        ({"a": [1, 2, 3]}, "2", "k: expected a whole number from 2, found '2'"),
        ({"a": []}, 2, "has no column that can be a feature|has columns but no customers"),
        ({"a": [None, None, None, 1]}, 2, "3 of 4 rows are unusable"),
        ({"when": pd.date_range("2026-01-01", periods=3)}, 2, "no column that can be a feature"),
        ({"name": [f"{n} words" for n in range(30)]}, 2, "no column that can be a feature"),
        ({"customer_id": [1, 2, 3]}, 2, "no column that can be a feature"),
    ],
    ids=["constant", "all equal", "one cluster", "k as text", "empty", "mostly missing", "dates",
         "free text", "ids alone"],
)  # fmt: skip
def test_customers_without_clusters_are_refused_in_one_line(
    columns: dict[str, Any], k: Any, message: str
) -> None:
    with pytest.raises(WrongFile, match=message) as raised:
        cc.Segmenter(k=k).fit(pd.DataFrame(columns))
    assert "\n" not in str(raised.value)


def test_ids_that_repeat_are_refused(gym_members: pd.DataFrame, gym_contract: Contract) -> None:
    frame = gym_members.assign(member="000001")
    with pytest.raises(WrongFile, match="repeat an id of member"):
        cc.Segmenter(recipe=RECIPE, contract=gym_contract).fit(frame)


def test_numbers_are_numbers_whatever_the_type_of_their_column() -> None:
    numbers = [1, 2, 9, 8]
    fitted = []
    for column in (
        numbers,
        pd.array(numbers, "Int64"),
        pd.array(numbers, "int64[pyarrow]"),
        [Decimal(number) for number in numbers],
        pd.Categorical(numbers),
        pd.Series(numbers, dtype=object),
        pd.Series([f"{number} " for number in numbers], dtype=object),
    ):
        segmenter = cc.Segmenter(k=2).fit(pd.DataFrame({"visits": column}))
        assert [f.numeric for f in segmenter.model_.contract.features] == [True]
        fitted.append(segmenter.labels_.tolist())
    assert fitted == [fitted[0]] * len(fitted)
    codes = pd.DataFrame({"branch": ["007", "008", "007", "008"], "visits": numbers})
    [branch, _] = cc.Segmenter(k=2).fit(codes).model_.contract.features
    assert branch.values == ("007", "008")


def test_features_are_named_and_are_columns(gym_members: pd.DataFrame) -> None:
    with pytest.raises(WrongFile, match="no column vists; found: member, visits"):
        cc.Segmenter(features=["vists"], k=2).fit(gym_members)
    with pytest.raises(WrongFile, match=r"features: expected a list of columns: give \['fee'\]"):
        cc.Segmenter(features="fee", k=2).fit(gym_members)
    with pytest.raises(WrongFile, match="leave features and k out"):
        cc.Segmenter(features=["visits"], recipe=RECIPE).fit(gym_members)
    with pytest.raises(WrongFile, match="column member cannot be a feature"):
        cc.Segmenter(features=["member"], k=2).fit(gym_members)


@pytest.mark.search
def test_without_k_it_searches(gym_members: pd.DataFrame, tmp_path: Path) -> None:
    frame = gym_members.assign(left=gym_members["cancelled"] == "yes")
    segmenter = cc.Segmenter().fit(frame[["visits", "fee", "left"]], churn="left")
    assert len(segmenter.model_.clusters) >= 2
    assert segmenter.publish(tmp_path).metrics["customers"] == 600
    assert isinstance(segmenter.get_params()["recipe"], Recipe | None)
