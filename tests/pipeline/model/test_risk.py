"""The risk score: exact parts, an interval, and the same for one customer and for many."""

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import WrongArtifact
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.many.located import Located
from pipeline.model.many.parsing import parse_many
from pipeline.model.risk import Risk, RiskScore, Term, in_words
from tests.support.risk import CONTRACT, SCORE, with_score

if TYPE_CHECKING:
    from pipeline.training import Trained

NUMBERS = st.floats(-50, 50)
CUSTOMERS = st.fixed_dictionaries(
    {"visits": NUMBERS, "fee": NUMBERS, "plan": st.sampled_from(["basic", "plus"])}
)


@pytest.fixture(scope="module")
def gym_model(gym_trained: "Trained") -> ClusterModel:
    return replace(gym_trained.model, risk=None)


def as_columns(customers: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.array([c[name] for c in customers]) for name in customers[0]}


@given(st.lists(CUSTOMERS, min_size=1, max_size=20))
def test_one_and_many_say_the_same(customers: list[dict[str, Any]]) -> None:
    many = SCORE.assess_many(as_columns(customers), parts=True)
    for index, customer in enumerate(customers):
        one, same = SCORE.assess(customer), many.one(index)
        np.testing.assert_allclose(one[:3], same[:3], rtol=0, atol=1e-12)
        np.testing.assert_allclose(one.parts, same.parts, rtol=0, atol=1e-12)


def test_many_are_more_than_one_block() -> None:
    rng = np.random.default_rng(1)
    columns = {
        "visits": rng.normal(5, 9, 20_000),
        "fee": rng.normal(0, 9, 20_000),
        "plan": rng.choice(["basic", "plus"], 20_000),
    }
    many = SCORE.assess_many(columns)
    for index in (0, 8_191, 8_192, 19_999):
        customer: dict[str, Any] = {name: values[index].item() for name, values in columns.items()}
        assert SCORE.assess(customer)[:3] == pytest.approx(many.one(index)[:3], abs=1e-12)
    assert len(SCORE.assess_many({name: v[:0] for name, v in columns.items()}).rate) == 0


@given(CUSTOMERS)
def test_the_parts_add_up_to_the_logit_and_the_interval_is_that_of_the_delta_method(
    customer: dict[str, Any],
) -> None:
    risk = SCORE.assess(customer)
    logit = SCORE.intercept + sum(risk.parts)
    assert risk.rate == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-12)
    functions = [1.0]
    for term in SCORE.terms:
        functions += hats(term, customer[term.feature])
    size = len(functions)
    covariance = np.zeros((size, size))
    for index, row in enumerate(SCORE.covariance):
        covariance[index, : index + 1] = covariance[: index + 1, index] = row
    error = math.sqrt(np.array(functions) @ covariance @ np.array(functions))
    ends = [1 / (1 + math.exp(-(logit + z * error))) for z in (-1.959963984540054, 1.95996398454)]
    assert [risk.low, risk.high] == pytest.approx(ends, abs=1e-9)
    assert risk.low <= risk.rate <= risk.high


def hats(term: Term, value: Any) -> list[float]:
    if term.values:
        return [float(value == each) for each in term.values]
    rows = np.eye(len(term.knots))
    return [float(np.interp(value, term.knots, row)) for row in rows]


@given(NUMBERS, NUMBERS)
def test_a_monotone_part_stays_monotone_and_is_constant_beyond_its_knots(
    a: float, b: float
) -> None:
    low, high = sorted((a, b))
    parts = [SCORE.assess({"visits": v, "fee": 0.0, "plan": "basic"}).parts[0] for v in (low, high)]
    assert parts[0] >= parts[1]
    term = SCORE.terms[0]
    if high <= term.knots[0] or low >= term.knots[-1]:
        assert parts[0] == parts[1]


def test_a_part_at_a_knot_is_the_one_written_down() -> None:
    for knot, part in zip(SCORE.terms[0].knots, SCORE.terms[0].parts, strict=True):
        customer: dict[str, Any] = {"visits": knot, "fee": 0.0, "plan": "plus"}
        assert SCORE.assess(customer).parts[0] == pytest.approx(part, abs=1e-12)


def test_a_model_with_a_score_reads_back_as_it_was(gym_model: ClusterModel) -> None:
    scored = with_score(gym_model)
    again = ClusterModel.from_json(scored.to_json(), "v")
    assert again == scored
    assert again.to_json() == scored.to_json()
    assert again.golden[0].risk is not None


def test_a_model_without_a_score_has_the_bytes_of_before(gym_model: ClusterModel) -> None:
    assert "risk" not in json.loads(replace(gym_model, risk=None).to_json())


def test_an_assignment_carries_the_risk_alone_and_among_many(gym_model: ClusterModel) -> None:
    scored = with_score(gym_model)
    customers = [dict(scored.contract.parse(golden.customer)) for golden in scored.golden]
    located = Located.of(scored, parse_many(scored.contract, customers).features)
    for index, customer in enumerate(customers):
        one, many = scored.locate(customer).risk, located.one(index)
        assert one is not None and many.risk is not None
        assert one[:3] == pytest.approx(many.risk[:3], abs=1e-12)


def test_another_answer_for_a_golden_customer_is_refused(gym_model: ClusterModel) -> None:
    document = json.loads(with_score(gym_model).to_json())
    document["risk"]["intercept"] += 0.1
    with pytest.raises(WrongArtifact, match="a risk of"):
        ClusterModel.from_json(json.dumps(document).encode(), "v")
    del document["risk"]
    with pytest.raises(WrongArtifact, match="a risk of"):
        ClusterModel.from_json(json.dumps(document).encode(), "v")


WRONG: list[tuple[Any, ...]] = [
    ("intercept", "much"),
    ("intercept", 1e9),
    ("terms", []),
    ("terms", {"visits": 1}),
    ("covariance", []),
    ("covariance", 0, [-1.0]),
    ("covariance", 1, [0.0]),
    ("covariance", 1, [1e308, 0.01]),
    ("terms", 0, "feature", "height"),
    ("terms", 0, "knots", [3, 2, 1, 0]),
    ("terms", 0, "knots", [0]),
    ("terms", 0, "knots", [0, 1e-320, 1, 2]),
    ("terms", 0, "parts", [0]),
    ("terms", 0, "parts", [1e4, 0, 0, 0]),
    ("terms", 2, "values", ["basic", "gold"]),
    ("terms", 1, "feature", "visits"),
    ("terms", 0, "color", "red"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_is_no_score_is_refused(gym_model: ClusterModel, wrong: tuple[Any, ...]) -> None:
    document = json.loads(with_score(gym_model).to_json())
    *path, key, value = ("risk", *wrong)
    place = document
    for each in path:
        place = place[each]
    place[key] = value
    with pytest.raises(WrongArtifact, match="not a usable model"):
        ClusterModel.from_json(json.dumps(document).encode(), "v")


def test_a_risk_is_told_as_a_share_of_many_with_the_contracts_word() -> None:
    told = in_words(Risk(0.314, 0.25, 0.384, ()), "cancelled")
    assert told == "of 100 customers with such values about 31 cancelled (25 to 38)"
    told = in_words(Risk(0.0126, 0.008, 0.021, ()), "left")
    assert told == "of 100 customers with such values about 1.3 left (0.8 to 2.1)"


def test_a_score_reads_back() -> None:
    assert RiskScore.from_dict(json.loads(json.dumps(SCORE.to_dict())), CONTRACT) == SCORE
