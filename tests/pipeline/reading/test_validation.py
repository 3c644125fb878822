import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Problem
from pipeline.model.contract import Contract, Feature, Range
from pipeline.reading.validation import check

CONTRACT = Contract(
    "test",
    "Test",
    (
        Feature("number", "number", "Number", valid=Range(-5, 100)),
        Feature("count", "integer", "Count", valid=Range(0, None), missing=1.0),
        Feature("kind", "category", "Kind", values=("a", "b")),
    ),
)
numbers = st.floats() | st.integers(-200, 200)
texts = st.sampled_from(
    [
        "",
        " ",
        "1",
        " 2 ",
        "+3",
        "-4.5",
        "1e1",
        "1e999",
        "nan",
        "-inf",
        "1_0",
        "0x1",
        "1.",
        ".5",
        "٣",
    ]
) | numbers.map(str)


def agrees(name: str, values: list[object], column: pa.Array) -> None:
    """The fast path and the rule must say the same of every value."""
    feature = next(feature for feature in CONTRACT.features if feature.name == name)
    narrowed = Contract("test", "Test", (feature,))
    found = check(narrowed, {name: column})
    rule = [feature.parse(value) for value in values]
    assert found.problems == {i: [p] for i, p in enumerate(rule) if isinstance(p, Problem)}
    assert found.features[name].tolist() == [v for v in rule if not isinstance(v, Problem)]


@given(st.lists(texts, max_size=20), st.sampled_from(["number", "count"]))
def test_text_is_judged_like_a_single_value(values: list[object], name: str) -> None:
    agrees(name, values, pa.array(values, pa.string()))


@given(st.lists(st.none() | st.floats(), max_size=20), st.sampled_from(["number", "count"]))
def test_floats_are_judged_like_a_single_value(values: list[object], name: str) -> None:
    agrees(name, values, pa.array(values, pa.float64()))


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=20))
def test_integers_are_judged_like_a_single_value(values: list[object]) -> None:
    agrees("count", values, pa.array(values, pa.int64()))


@given(st.lists(st.none() | st.sampled_from(["a", "b", " a", "A", ""]), max_size=20))
def test_categories_are_judged_like_a_single_value(values: list[object]) -> None:
    agrees("kind", values, pa.array(values, pa.string()))
    agrees("kind", values, pa.array(values, pa.string()).dictionary_encode())


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 2], pa.int8()),
        pa.array([1, 2], pa.uint64()),
        pa.array([1, 2], pa.float32()),
        pa.array([1, 2], pa.decimal128(10, 2)),
        pa.array(["1", "2"], pa.large_string()),
        pa.array(["1", "2"]).dictionary_encode(),
    ],
)
def test_any_numeric_type_will_do(column: pa.Array) -> None:
    narrowed = Contract("test", "Test", CONTRACT.features[:1])
    np.testing.assert_array_equal(check(narrowed, {"number": column}).features["number"], [1, 2])


def test_true_and_dates_are_no_numbers() -> None:
    for column in (pa.array([True]), pa.array([0], pa.timestamp("s"))):
        narrowed = Contract("test", "Test", CONTRACT.features[:1])
        assert check(narrowed, {"number": column}).problems[0][0].code == "not_a_number"


def test_a_customer_with_two_problems_is_rejected_once_with_both() -> None:
    columns = {"number": pa.array(["x"]), "count": pa.array(["1"]), "kind": pa.array(["c"])}
    found = check(CONTRACT, columns)
    assert [p.code for p in found.problems[0]] == ["not_a_number", "unknown_value"]
    assert not found.good.any()
