import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.contract import Contract, Feature, Range, load_contract
from pipeline.errors import Problem, WrongFile, WrongRow

LIMIT = Feature("limit", "number", "Limit", valid=Range(0, 100))
COUNT = Feature("count", "integer", "Count", valid=Range(0, None))
KIND = Feature("kind", "category", "Kind", values=("a", "b"))


@pytest.mark.parametrize(
    ("feature", "value", "expected"),
    [
        (LIMIT, 12, 12.0),
        (LIMIT, " 12.50 ", 12.5),
        (LIMIT, "+1e1", 10.0),
        (LIMIT, ".5", 0.5),
        (LIMIT, 0, 0.0),
        (LIMIT, "100", 100.0),
        (COUNT, 3.0, 3.0),
        (COUNT, "3.0", 3.0),
        (KIND, " a ", "a"),
    ],
)
def test_usable_values(feature: Feature, value: object, expected: object) -> None:
    assert feature.parse(value) == expected


@pytest.mark.parametrize(
    ("feature", "value", "code"),
    [
        (LIMIT, None, "missing"),
        (LIMIT, " ", "missing"),
        (LIMIT, "NULL", "missing"),
        (LIMIT, "many", "not_a_number"),
        (LIMIT, "1,5", "not_a_number"),
        (LIMIT, "1_0", "not_a_number"),
        (LIMIT, "٣", "not_a_number"),
        (LIMIT, "0x10", "not_a_number"),
        (LIMIT, True, "not_a_number"),
        (LIMIT, [1], "not_a_number"),
        (LIMIT, "NaN", "not_finite"),
        (LIMIT, math.nan, "not_finite"),
        (LIMIT, "-inf", "not_finite"),
        (LIMIT, "1e999", "not_finite"),
        (LIMIT, 10**400, "not_finite"),
        (LIMIT, -0.001, "out_of_range"),
        (LIMIT, 100.001, "out_of_range"),
        (COUNT, 1e101, "out_of_range"),
        (COUNT, "2.5", "not_an_integer"),
        (KIND, "A", "unknown_value"),
        (KIND, 1, "unknown_value"),
    ],
)
def test_unusable_values_have_a_code(feature: Feature, value: object, code: str) -> None:
    found = feature.parse(value)
    assert isinstance(found, Problem)
    assert (found.column, found.code) == (feature.name, code)


def test_a_problem_says_what_was_expected_and_what_was_found() -> None:
    assert str(LIMIT.parse("-3")) == "limit: expected a number from 0 to 100, found '-3'"
    assert str(COUNT.parse("x" * 99)).endswith("found '" + "x" * 39 + "…'")
    assert str(KIND.parse(None)) == "kind: expected one of a, b, found nothing"


def test_a_missing_value_is_filled_only_where_the_contract_says_so(gym_contract: Contract) -> None:
    parsed = gym_contract.parse({"fee": 20, "plan": "basic", "visits": ""})
    assert parsed == {"visits": 0.0, "fee": 20.0, "plan": "basic"}


def test_every_problem_of_a_customer_is_reported(gym_contract: Contract) -> None:
    with pytest.raises(WrongRow) as caught:
        gym_contract.parse({"visits": 201, "plan": "gold"})
    assert [(p.column, p.code) for p in caught.value.problems] == [
        ("visits", "out_of_range"),
        ("fee", "missing"),
        ("plan", "unknown_value"),
    ]


def test_a_contract_survives_json_and_keeps_its_digest(bank_contract: Contract) -> None:
    again = Contract.from_dict(json.loads(json.dumps(bank_contract.to_dict())))
    assert again == bank_contract
    assert again.digest == bank_contract.digest
    assert again.select(["Credit_Limit"]).digest != bank_contract.digest


def test_leaking_columns_can_never_be_features(bank_contract: Contract) -> None:
    assert len(bank_contract.never_features) == 2
    with pytest.raises(WrongFile, match="declares no feature Naive_Bayes"):
        bank_contract.select([bank_contract.never_features[0]])


@pytest.mark.parametrize(
    ("text", "label", "meaning"),
    [
        ("Attrited Customer", "bank", True),
        ("existing customer", "bank", False),
        ("1", "bank", True),
        (0, "bank", False),
        (True, "bank", True),
        ("", "bank", None),
        (None, "bank", None),
        ("perhaps", "bank", None),
    ],
)
def test_a_label_in_any_of_its_codings(
    bank_contract: Contract, text: object, label: str, meaning: bool | None
) -> None:
    assert bank_contract.label is not None
    assert bank_contract.label.parse(text) is meaning


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not toml", "is not a contract"),
        ("title = 'no name'", "'features' is missing"),
        ("name = 'x'\n[features.a]\ntype = 'number'", "'label' is missing"),
        ("name = 'x'\n[features.a]\ntype = 'text'\nlabel = 'A'", "number, integer or category"),
        ("name = 'x'\n[features.a]\ntype = 'category'\nlabel = 'A'", "lists its values"),
        ("name = 'x'\n[features.a]\ntype = 'number'\nlabel = 'A'\nvalidd = [0, 1]", "validd"),
        (
            "name = 'x'\n[features.a]\ntype = 'number'\nlabel = 'A'\nvalid = [0, 1]\nmissing = 2",
            "stands in for a missing value",
        ),
        (
            "name = 'x'\nid_column = 'a'\n[features.a]\ntype = 'number'\nlabel = 'A'",
            "a cannot be a feature",
        ),
    ],
)
def test_a_wrong_contract_is_refused(write: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        load_contract(write(text, "contract.toml"))


def test_a_contract_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="cannot be read"):
        load_contract(tmp_path / "none.toml")


def test_numbers_are_shown_with_their_unit() -> None:
    limit = Feature("limit", "number", "Limit", unit="USD")
    assert [limit.show(v) for v in (23_245.4, 0, 0.0612, 7.25)] == [
        "23,245 USD",
        "0 USD",
        "0.0612 USD",
        "7.25 USD",
    ]
