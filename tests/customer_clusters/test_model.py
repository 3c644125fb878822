"""Tables go in, tables of the same kind come out, and say what the model says of each customer."""

import gc
import pickle
from dataclasses import replace
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import customer_clusters as cc
from customer_clusters.model import Model
from model_store import NotFound
from pipeline.errors import WrongFile, WrongRow
from pipeline.scoring.documents import APPENDED_COLUMNS, RISK_COLUMNS

FEATURES = ("Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")
CUSTOMERS: dict[str, list[Any]] = {
    "id": ["a", "b", "c"],
    "Total_Revolving_Bal": [0, 1500, 2517],
    "Total_Trans_Amt": [1900, None, 18484],
    "Total_Trans_Ct": [38, 70, 139],
}
APPENDED = [*APPENDED_COLUMNS, *RISK_COLUMNS, "problem"]
PROBLEM = "Total_Trans_Amt: expected a number from 0 to 100,000,000, found nothing"


@pytest.fixture(scope="module")
def champion() -> Model:
    return cc.load("champion")


def many(rows: int) -> pd.DataFrame:
    """Customers all over the valid ranges, some of them without a value."""
    rng = np.random.default_rng(rows)
    highest = (2517, 18484, 139)
    frame = pd.DataFrame(
        {n: rng.integers(0, h, rows) for n, h in zip(FEATURES, highest, strict=True)}
    )
    frame["Total_Trans_Ct"] = frame["Total_Trans_Ct"].astype("Int64")
    frame.loc[frame.index % 50 == 7, "Total_Trans_Ct"] = None
    return frame


def records(frame: Any) -> list[dict[str, Any]]:
    """The rows of any table, with None for what is missing."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pd.DataFrame):
        frame = pa.Table.from_pandas(frame, preserve_index=False)
    if isinstance(frame, duckdb.DuckDBPyRelation):
        frame = frame.to_arrow_table()
    return frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame.to_pylist()


KINDS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "arrow": pa.table,
    "duckdb": lambda values: duckdb.from_arrow(pa.table(values)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_comes_back_as_what_it_was(kind: str, champion: Model) -> None:
    frame = KINDS[kind](CUSTOMERS)
    assigned = champion.assign(frame)
    assert type(assigned) is type(frame)
    rows = records(assigned)
    assert list(rows[0]) == [*CUSTOMERS, *APPENDED]
    assert [row["cluster"] for row in rows] == [5, None, 1]
    assert [row["problem"] for row in rows] == [None, PROBLEM, None]
    assert [row["id"] for row in rows] == ["a", "b", "c"]
    assert type(champion.explain(frame)) is type(frame)
    assert type(champion.explain(frame, wide=True)) is type(frame)


def test_a_relation_comes_back_on_its_own_connection(champion: Model) -> None:
    connection = duckdb.connect()
    connection.register("given", pa.table(CUSTOMERS))
    assigned = champion.assign(connection.table("given"))
    gc.collect()
    joined = connection.sql("SELECT cluster, g.id FROM assigned JOIN given AS g USING (id)")
    assert sorted(joined.fetchall(), key=str) == [(1, "c"), (5, "a"), (None, "b")]
    assert len(assigned.fetchall()) == len(assigned.fetchall()) == 3


def test_every_customer_gets_what_it_gets_alone(champion: Model) -> None:
    frame = many(2_000)
    for given, row in zip(records(frame), records(champion.assign(frame)), strict=True):
        if row["problem"] is not None:
            assert given["Total_Trans_Ct"] is None
            assert [row[name] for name in APPENDED_COLUMNS] == [None] * 6
            continue
        alone = champion.cluster_model.assign(given)
        assert row["cluster"] == alone.cluster.id
        assert row["distance"] == pytest.approx(alone.distance, rel=1e-12)
        assert (row["cluster_name"], row["outlier"]) == (alone.cluster.name, alone.outlier)
        assert row["margin"] == pytest.approx(alone.margin, rel=1e-9)
        assert alone.cluster.churn is not None
        assert row["churn_rate"] == alone.cluster.churn.rate


@pytest.mark.parametrize("name", ["champion", "original"])
def test_reasons_are_those_of_each_customer_alone(name: str) -> None:
    model = cc.load(name)
    rng = np.random.default_rng(5)
    features = [feature.name for feature in model.contract.features]
    frame = pd.DataFrame({f: rng.integers(0, 2, 300) for f in features})
    frame[features[0]] = rng.integers(1500, 2500, 300) if name == "champion" else 3
    wide, long = records(model.explain(frame, wide=True)), records(model.explain(frame))
    for position, given in enumerate(records(frame)):
        alone = model.cluster_model.assign(given)
        rows = long[position * len(features) : (position + 1) * len(features)]
        assert [row["feature"] for row in rows] == [reason.feature for reason in alone.reasons]
        assert [row["sentence"] for row in rows] == [reason.sentence for reason in alone.reasons]
        assert {row["row"] for row in rows} == {position}
        assert {row["runner_up"] for row in rows} == {alone.runner_up.id}
        for row, reason in zip(rows, alone.reasons, strict=True):
            assert row["contribution"] == pytest.approx(reason.contribution, abs=1e-12)
            assert wide[position][f"reason_{reason.feature}"] == row["contribution"]
        together = alone.runner_up_distance**2 - alone.distance**2
        assert sum(row["contribution"] for row in rows) == pytest.approx(together, abs=1e-9)


def test_a_model_with_categories_explains_them(gym_models: Any, gym_members: pd.DataFrame) -> None:
    model = cc.load(store=gym_models)
    frame = gym_members.head(50)
    rows = records(model.explain(frame))
    assert len(rows) == 150
    assert {row["value"] for row in rows if row["feature"] == "plan"} == {"basic"}
    first = model.cluster_model.assign(records(frame)[0])
    assert rows[0]["contribution"] == pytest.approx(first.reasons[0].contribution)


def test_a_customer_without_a_cluster_has_one_row_of_reasons_with_the_problem(
    champion: Model,
) -> None:
    rows = records(champion.explain(pa.table(CUSTOMERS)))
    assert [row["row"] for row in rows] == [0, 0, 0, 1, 2, 2, 2]
    assert rows[3]["problem"] == PROBLEM
    assert rows[3]["feature"] is None


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 3]),
        pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)], names=["k", "n"]),
        pd.date_range("2026-01-01", periods=3),
    ],
    ids=["repeated", "multi", "dates"],
)
def test_the_index_of_pandas_is_kept(index: pd.Index, champion: Model) -> None:
    frame = pd.DataFrame(CUSTOMERS, index=index)
    assert champion.assign(frame).index.equals(index)
    assert champion.assign(frame)["cluster"].tolist()[::2] == [5, 1]
    assert champion.explain(frame).index.equals(index.take([0, 0, 0, 1, 2, 2, 2]))
    assert list(frame.columns) == list(CUSTOMERS)  # the user's own frame is as it was


@pytest.mark.parametrize(
    ("column", "problems"),
    [
        (pd.array([38, None, 70], "Int64"), [1]),
        (pd.array([38.0, None, 70.0], "Float64"), [1]),
        ([Decimal("38"), None, Decimal("70.0")], [1]),
        (pd.Categorical([38, None, 70]), [1]),
        (pd.Categorical(["38", None, "70"]), [1]),
        (["38", "x", "70"], [1]),
        ([38, "x", Decimal(70)], [1]),
        ([38, object(), 70.0], [1]),
        ([True, True, True], [0, 1, 2]),
        (pd.date_range("2026-01-01", periods=3), [0, 1, 2]),
        ([None, None, None], [0, 1, 2]),
        ([38, float("inf"), 70], [1]),
        ([[38], [1], [2]], [0, 1, 2]),
        (pd.period_range("2026-01-01", periods=3), [0, 1, 2]),
        (["1,000", "38", "70"], [0]),
        (np.array([38, 39, 40], np.uint8), []),
        ([10**30, 38, 10**400], [0, 2]),
    ],
    ids=lambda given: None if isinstance(given, list) else type(given).__name__,
)
def test_columns_of_all_types_are_read_or_their_rows_have_a_problem(
    column: Any, problems: list[int], champion: Model
) -> None:
    frame = pd.DataFrame({"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900}, index=range(3))
    frame["Total_Trans_Ct"] = column
    assigned = champion.assign(frame)
    assert np.flatnonzero(assigned["problem"].notna()).tolist() == problems
    assert assigned["cluster"].isna().tolist() == assigned["problem"].notna().tolist()


def test_columns_of_polars_that_are_categories_or_decimals_are_read(champion: Model) -> None:
    frame = pl.DataFrame(
        {
            "Total_Revolving_Bal": [Decimal("0.00"), Decimal("1.50")],
            "Total_Trans_Amt": pl.Series(["1900", "4000"], dtype=pl.Categorical),
            "Total_Trans_Ct": pl.Series([38, 70], dtype=pl.Object),
        }
    )
    assert champion.assign(frame)["problem"].to_list() == [None, None]


def test_columns_are_found_by_name_in_any_case_and_order(champion: Model) -> None:
    frame = pd.DataFrame(CUSTOMERS)[["Total_Trans_Ct", "id", "Total_Trans_Amt"]]
    frame[" total_revolving_bal "] = [0, 1500, 2517]
    assert champion.assign(frame)["cluster"].tolist()[::2] == [5, 1]
    frame[17] = "a name that is no text"
    assert champion.assign(frame)["cluster"].tolist()[::2] == [5, 1]


def test_taken_names_are_left_to_the_user(champion: Model) -> None:
    frame = pl.DataFrame(CUSTOMERS).with_columns(cluster=pl.lit("mine"))
    assigned = champion.assign(frame)
    assert assigned["cluster"].to_list() == ["mine"] * 3
    assert assigned["assigned_cluster"].to_list() == [5, None, 1]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"x": [1], "Total Trans Amt": [1]}),
            "the frame: no column Total_Revolving_Bal, Total_Trans_Amt or Total_Trans_Ct; .*"
            r"Then say rename\({'Total Trans Amt': 'Total_Trans_Amt'}\)",
        ),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "the frame: column a is there 2 times"),
        (pa.table([[1], [2]], names=["a", "a"]), "the frame: column a is there 2 times"),
        ({"a": [1]}, "expected a table of pandas, Polars, DuckDB or Arrow, found builtins.dict"),
        (
            pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
            r"its columns have 2 levels, the first is \('a', 'b'\); expected one name each",
        ),
        (
            pl.LazyFrame(CUSTOMERS).with_columns(pl.col("nowhere")),
            "cannot be computed: ColumnNotFoundError: unable to find column",
        ),
        (pd.Series([1]), "expected a table of pandas, Polars, DuckDB or Arrow, found pandas"),
        (np.eye(3), "expected a table of pandas, Polars, DuckDB or Arrow, found numpy.ndarray"),
        (None, "expected a table of pandas, Polars, DuckDB or Arrow, found builtins.NoneType"),
    ],
    ids=[
        "missing",
        "twice",
        "twice in Arrow",
        "levels",
        "broken query",
        "dict",
        "series",
        "array",
        "nothing",
    ],
)
def test_what_is_no_table_of_customers_is_refused_in_one_line(
    frame: Any, message: str, champion: Model
) -> None:
    with pytest.raises(WrongFile, match=message) as raised:
        champion.assign(frame)
    assert "\n" not in str(raised.value)


def test_strict_refuses_the_first_customer_without_a_cluster(champion: Model) -> None:
    with pytest.raises(WrongFile) as raised:
        champion.assign(pd.DataFrame(CUSTOMERS), strict=True)
    assert str(raised.value) == (
        f"the frame: 1 of 3 customers cannot be assigned; row 1 (0 is the first): {PROBLEM}"
    )
    assert len(champion.assign(pl.DataFrame(CUSTOMERS)[[0, 2]], strict=True)) == 2


def test_a_table_without_customers_stays_one(champion: Model) -> None:
    empty = pl.DataFrame(CUSTOMERS).clear()
    assert champion.assign(empty).columns == [*CUSTOMERS, *APPENDED]
    assert len(champion.explain(empty)) == 0
    assert len(champion.explain(pd.DataFrame(CUSTOMERS).head(0), wide=True)) == 0


def test_whatever_has_the_interface_of_arrow_is_a_table(champion: Model) -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table(CUSTOMERS).__arrow_c_stream__(requested_schema)

    for frame in (Stream(), pa.table(CUSTOMERS).to_batches()[0], pa.table(CUSTOMERS).to_reader()):
        assert records(champion.assign(frame))[0]["cluster"] == 5


@pytest.mark.parametrize(
    "row",
    [
        {"Total_Revolving_Bal": 0, "Total_Trans_Amt": "1900", "Total_Trans_Ct": np.int64(38)},
        pd.DataFrame(CUSTOMERS).iloc[0],
        pl.DataFrame(CUSTOMERS).head(1),
    ],
    ids=["mapping", "series", "frame"],
)
def test_what_if_names_the_smallest_changes_first(row: Any, champion: Model) -> None:
    changes = champion.what_if(row)
    assert [change.feature for change in changes] == list(FEATURES)
    assert [change.size for change in changes] == sorted(change.size for change in changes)
    for change in changes:
        customer = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
        moved = champion.assign(pl.DataFrame([{**customer, change.feature: change.value}]))
        assert moved["cluster"].to_list() == [change.cluster]


def test_what_if_refuses_what_is_not_one_customer(champion: Model) -> None:
    with pytest.raises(WrongFile, match="the row: expected one customer, found 3"):
        champion.what_if(pl.DataFrame(CUSTOMERS))
    with pytest.raises(WrongRow, match="Total_Trans_Amt: expected a number"):
        champion.what_if(pd.DataFrame(CUSTOMERS).iloc[1])
    with pytest.raises(WrongFile, match="no column Total_Trans_Amt"):
        champion.what_if({"Total_Revolving_Bal": 0})


def test_the_clusters_are_a_sequence_a_table_and_a_picture(champion: Model) -> None:
    clusters = champion.clusters
    assert [cluster.id for cluster in clusters] == [1, 2, 3, 4, 5]
    assert pl.DataFrame(clusters)["customers"].sum() == champion.metrics["customers"]
    assert clusters.to_arrow().to_pandas()["churn_rate"].is_monotonic_increasing
    assert str(clusters).splitlines()[0] == "1  High spending, frequent card use  954 (9.4%)"
    page = champion._repr_html_()
    assert "Credit card customers: model" in page
    assert "<script" not in page
    assert 'role="img" aria-label="Churn rate of each cluster: cluster 1 1.3%' in page
    for cluster in clusters:
        assert f'<th scope="row">{cluster.name}</th>' in page


def test_without_a_label_the_picture_shows_shares_and_nobody_leaves(
    gym_models: Any,
) -> None:
    clusters = cc.load(store=gym_models).clusters
    page = cc.Clusters(replace(cluster, churn=None) for cluster in clusters)._repr_html_()
    assert "Share of the customers of each cluster" in page
    assert "hurn" not in page


def test_a_model_can_be_pickled(champion: Model) -> None:
    again = pickle.loads(pickle.dumps(champion))
    assert again.assign(pl.DataFrame(CUSTOMERS)).equals(champion.assign(pl.DataFrame(CUSTOMERS)))


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="challenger"):
        cc.load("challenger")
