"""SQL, run by DuckDB, answers as the scorer does; so do other dialects, put into DuckDB's."""

import math
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from pipeline.errors import Problem
from pipeline.exports.errors import WrongExport
from pipeline.exports.options import DIALECTS, Dialect, SqlOptions
from pipeline.exports.sql import ANSWERS, to_sql
from pipeline.model.cluster_model import Assignments, ClusterModel
from pipeline.model.contract import MISSING_WORDS, Feature
from pipeline.reading.validation import check
from tests.support.borders import Columns

ROUNDING = 1e-13
"""Of a margin: whoever is nearer to the border than this may be on either side of it."""


def answers(query: str, customers: pa.Table) -> pa.Table:
    """What DuckDB answers, in the order of the customers."""
    with duckdb.connect() as connection:
        connection.register("customers", customers)
        found = connection.sql(query).to_arrow_table()
    return found.sort_by("row") if "row" in found.column_names else found


def numbered(columns: Columns) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return pa.table({"row": np.arange(rows), **columns})


def exported(model: ClusterModel, dialect: Dialect = "duckdb") -> str:
    return to_sql(model, "v1", SqlOptions(dialect, keep=("row",)))


def parsed(text: str, dialect: Dialect) -> exp.Select:
    """The one statement that a text has to be."""
    (statement,) = sqlglot.parse(text, dialect=dialect)
    assert isinstance(statement, exp.Select)
    return statement


def assert_equal(found: pa.Table, model: ClusterModel, expected: Assignments) -> None:
    np.testing.assert_array_equal(found["cluster"].to_numpy(), expected.cluster)
    np.testing.assert_allclose(found["distance"].to_numpy(), expected.distance, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["margin"].to_numpy(), expected.margin, rtol=0, atol=1e-12)
    names = {cluster.id: cluster.name for cluster in model.clusters}
    rates = {c.id: c.churn.rate if c.churn else None for c in model.clusters}
    ids = expected.cluster.tolist()
    assert found["cluster_name"].to_pylist() == [names[cluster] for cluster in ids]
    assert found["churn_rate"].to_pylist() == [rates[cluster] for cluster in ids]
    assert found["problem"].null_count == len(found)


def test_all_real_customers_get_the_scorers_answer(
    bundled: ClusterModel, real_columns: Columns
) -> None:
    found = answers(exported(bundled), numbered(real_columns))
    assert len(found) == 10_127
    assert_equal(found, bundled, bundled.assign_many(real_columns))


def test_a_million_customers_on_the_borders_differ_by_rounding_only(
    bundled: ClusterModel, border_columns: Columns
) -> None:
    found = answers(exported(bundled), numbered(border_columns))
    expected = bundled.assign_many(border_columns)
    assert (expected.margin < 1e-9).sum() > 30_000  # the borders are really met
    differ = found["cluster"].to_numpy() != expected.cluster
    assert expected.margin[differ].max(initial=0) < ROUNDING
    assert differ.mean() < 0.001
    np.testing.assert_allclose(found["distance"].to_numpy(), expected.distance, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_is_one_statement_that_means_the_same(
    dialect: Dialect, bundled: ClusterModel, real_columns: Columns
) -> None:
    statement = parsed(exported(bundled, dialect), dialect)
    assert statement.named_selects == ["row", *ANSWERS]
    found = answers(statement.sql("duckdb"), numbered(real_columns))
    assert_equal(found, bundled, bundled.assign_many(real_columns))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_branch_of_the_transform_and_names_that_have_to_be_escaped(
    dialect: Dialect, bent_model: tuple[ClusterModel, Columns]
) -> None:
    model, columns = bent_model
    statement = parsed(exported(model, dialect), dialect)
    found = answers(statement.sql("duckdb"), numbered(columns))
    assert_equal(found, model, model.assign_many(columns))


def test_a_refused_value_has_the_code_that_a_file_has(gym_model: ClusterModel) -> None:
    """Categories, a value that stands in for a missing one, and each kind of refusal."""
    customers = pa.table(
        {
            "row": range(11),
            "visits": [4.0, None, 2.5, -1.0, 201.0, math.nan, 20.0, 20.0, 20.0, 20.0, 14.0],
            "fee": [20.0, 20.5, 20.0, 20.0, 20.0, 20.0, None, -0.5, 25.0, 25.0, 80.0],
            "plan": ["basic", "basic", "basic", "basic", "basic", "basic", "basic", "basic",
                     None, "gold", " plus "],
        }
    )  # fmt: skip
    found = answers(exported(gym_model), customers)
    columns = {f.name: customers[f.name].combine_chunks() for f in gym_model.contract.features}
    expected = check(gym_model.contract, columns)
    problems = found["problem"].to_pylist()
    for row, problem in enumerate(problems):
        codes = [f"{p.column}: {p.code}" for p in expected.problems.get(row, [])]
        if row == 5:  # SQL does not tell NaN from what is too large
            codes = ["visits: out_of_range"]
        assert problem == (codes[0] if codes else None)
    good = [row for row, problem in enumerate(problems) if problem is None]
    assert good == [0, 1, 10]
    for name in ("cluster", "cluster_name", "churn_rate", "distance", "margin"):
        missing = [row for row, value in enumerate(found[name].to_pylist()) if value is None]
        assert missing == [row for row in range(11) if row not in good]
    answer = gym_model.assign_many(expected.features)
    assert found["cluster"].take(good).to_pylist() == answer.cluster.tolist()
    np.testing.assert_allclose(
        found["distance"].take(good).to_numpy(), answer.distance, rtol=0, atol=1e-12
    )


def test_the_same_texts_mean_that_a_category_is_missing() -> None:
    feature = Feature("plan", "category", "Plan", values=("basic",))
    for text in (*sorted(MISSING_WORDS), "  NA "):
        problem = feature.parse(text)
        assert isinstance(problem, Problem)
        assert problem.code == "missing"


@pytest.mark.parametrize("kind", [pa.int64(), pa.float32(), pa.decimal128(24, 2)])
def test_numbers_of_any_type_of_a_database_are_read(
    kind: pa.DataType, champion: ClusterModel
) -> None:
    customer = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
    columns = {name: pa.array([value]).cast(kind) for name, value in customer.items()}
    (found,) = answers(exported(champion), pa.table({"row": [0], **columns})).to_pylist()
    expected = champion.assign(customer)
    assert found["cluster"] == expected.cluster.id
    assert found["distance"] == pytest.approx(expected.distance, abs=1e-12)


def test_a_tie_belongs_to_the_lowest_id_and_has_no_margin(
    bent_model: tuple[ClusterModel, Columns],
) -> None:
    model, columns = bent_model
    same = replace(model.clusters[1], centre=model.clusters[0].centre)
    tied = replace(model, clusters=(model.clusters[0], same))
    found = answers(exported(tied), numbered(columns))
    assert set(found["cluster"].to_pylist()) == {2}
    assert set(found["margin"].to_pylist()) == {0.0}


def test_the_query_says_what_it_is_and_keeps_the_id(champion: ClusterModel) -> None:
    text = to_sql(champion, "20260131T093000Z-1a2b3c4d", SqlOptions(table="bank.main.clients"))
    assert text.startswith(
        "-- customer-clusters, model 20260131T093000Z-1a2b3c4d, contract bank_churners, duckdb\n"
    )
    assert "FROM bank.main.clients" in text
    statement = parsed(text, "duckdb")
    assert statement.named_selects == ["CLIENTNUM", *ANSWERS]


def test_names_may_be_left_unquoted(champion: ClusterModel) -> None:
    quoted = to_sql(champion, "v1", SqlOptions("snowflake"))
    unquoted = to_sql(champion, "v1", SqlOptions("snowflake", quoted=False))
    assert 'CAST("Total_Trans_Ct" AS DOUBLE)' in quoted
    assert "CAST(Total_Trans_Ct AS DOUBLE)" in unquoted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SqlOptions(keep=("Cluster",)), "the query has a column Cluster already"),
        (SqlOptions(keep=("z_Total_Trans_Ct",)), "has a column z_Total_Trans_Ct already"),
        (SqlOptions(keep=("row", "ROW")), "has a column ROW already"),
        (SqlOptions(table=" "), "expected the name of a table, found ''"),
        (SqlOptions(table='"open'), "expected the name of a table, found '\"open'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    options: SqlOptions, message: str, champion: ClusterModel
) -> None:
    with pytest.raises(WrongExport, match=message) as raised:
        to_sql(champion, "v1", options)
    assert "\n" not in str(raised.value)


def test_postgres_computes_each_step_once(champion: ClusterModel) -> None:
    """It would repeat a step's expressions wherever the next ones name them."""
    fenced = {}
    for dialect in DIALECTS:
        statement = parsed(exported(champion, dialect), dialect)
        fenced[dialect] = {"offset" in step.this.args and step.this.args["offset"] is not None
                           for step in statement.ctes}  # fmt: skip
    assert fenced.pop("postgres") == {True}
    assert all(steps == {False} for steps in fenced.values())
