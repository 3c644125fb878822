"""A batch says of each customer what is said of him alone, and once what is the same for all."""

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from functions.http.assign import assign_one
from functions.http.batch.answer import batch_json
from functions.http.content.fields import ALL, FIELDS, only
from functions.http.presenter import Presenter
from functions.http.problems import field_problems
from model_store import BUNDLED, open_store
from pipeline.errors import WrongRow
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.training import Trained
from tests.support.batches import assert_near, whole
from tests.support.risk import with_score

ODD: tuple[Any, ...] = (
    None,
    "",
    "7",
    "NA",
    True,
    -1,
    1e300,
    10**400,
    0.5,
    2**70,
    [1],
    {},
    float(2**53),
)
"""What clients send for numbers, and sometimes for categories."""


@pytest.fixture(scope="module")
def champion() -> ClusterModel:
    return load_model(open_store(BUNDLED).open("champion"))


def answered(
    model: ClusterModel, customers: list[Any], fields: frozenset[str] = ALL
) -> dict[str, Any]:
    content = asyncio.run(batch_json(Presenter(model, "v"), {"customers": customers}, fields))
    document: dict[str, Any] = json.loads(content)
    return document


def drawn(model: ClusterModel, count: int) -> list[Any]:
    """Customers of all kinds: typical, outlying, wrong, and none at all."""
    rng = random.Random(3)
    customers: list[Any] = []
    for number in range(count):
        customer: dict[str, Any] = dict(rng.choice(model.golden).customer)
        for feature in model.contract.features:
            if feature.numeric and rng.random() < 0.5:
                high = feature.valid.high or 5_000
                value = rng.random() * high
                customer[feature.name] = round(value) if feature.type == "integer" else value
            if rng.random() < 0.03:
                customer[feature.name] = rng.choice(ODD)
        if model.contract.id_column:
            kinds = (number, f'"{number}"\n', None, "x" * 101, True, 1.5)
            customer[model.contract.id_column] = kinds[min(rng.randrange(40), len(kinds) - 1)]
        customers.append(customer if rng.random() < 0.98 else rng.choice([None, 3, "x", []]))
    return customers


def assert_as_alone(model: ClusterModel, customers: list[Any]) -> dict[str, Any]:
    """Check a batch, of which some are assigned and others rejected; gives its answer."""
    presenter, answer = Presenter(model, "v"), answered(model, customers)
    items = {item["index"]: whole(answer, item) for item in answer["assigned"]}
    wrong = {item["index"]: item for item in answer["rejected"]}
    assert sorted([*items, *wrong]) == list(range(len(customers)))
    assert [*items] == sorted(items)
    assert [*wrong] == sorted(wrong)
    for index, customer in enumerate(customers):
        try:
            alone = json.loads(json.dumps(assign_one(presenter, customer)))
        except WrongRow as error:
            assert wrong[index]["errors"] == field_problems(error.problems)
        else:
            assert_near(items[index], alone)
    assert items
    return answer


def test_a_batch_agrees_with_single_look_ups_on_customers_of_all_kinds(
    champion: ClusterModel,
) -> None:
    answer = assert_as_alone(champion, drawn(champion, 1_000))
    assert answer["rejected"]
    assert any(item["warning"] for item in answer["assigned"])


def test_so_does_one_of_a_model_with_axes_and_unusual_combinations(model: ClusterModel) -> None:
    answer = assert_as_alone(model, drawn(model, 300))
    assert any(item["unusual_combination"] for item in answer["assigned"])


def test_so_does_one_with_categories_and_values_to_stand_in_and_a_risk(
    gym_trained: Trained,
) -> None:
    scored = with_score(gym_trained.model)
    assert assert_as_alone(scored, drawn(scored, 300))["risk_intercept"] is not None
    answer = assert_as_alone(replace(scored, risk=None), drawn(scored, 60))
    assert answer["risk_intercept"] is answer["assigned"][0]["risk_score"] is None


def test_words_that_json_must_escape_are_escaped(champion: ClusterModel) -> None:
    first, *others = champion.contract.features
    quoted = replace(first, label='"Revolving"\\\t%s', unit="€\n")
    contract = replace(champion.contract, features=(quoted, *others))
    odd = replace(champion, contract=contract)
    assert_as_alone(odd, drawn(odd, 60))


def test_few_customers_get_the_same_answer_as_many(champion: ClusterModel) -> None:
    customers = drawn(champion, 200)
    many = answered(champion, customers)
    few = [answered(champion, [customer]) for customer in customers]
    assigned = [item | {"index": 0} for item in many["assigned"]]
    assert_near(assigned, [item for answer in few for item in answer["assigned"]])
    rejected = [item | {"index": 0} for item in many["rejected"]]
    assert rejected == [item for answer in few for item in answer["rejected"]]
    assert {**many, "assigned": [], "rejected": []} == {**few[0], "assigned": [], "rejected": []}


@pytest.mark.parametrize("count", [3, 60])
@pytest.mark.parametrize(
    ("fields", "item", "cluster"),
    [
        ("cluster", {"cluster"}, {"id", "name", "description"}),
        ("churn", {"cluster"}, {"id", "churn"}),
        ("cluster,churn,reasons", {"cluster", "reasons"}, {"id", "name", "description", "churn"}),
        ("runner_up,id", {"runner_up", "id"}, {"id", "name", "description"}),
        ("outlier,unusual,warning", {"outlier", "unusual", "warning"}, None),
        ("model_version", set(), None),
    ],
)
def test_a_batch_has_the_fields_that_were_named(
    champion: ClusterModel, count: int, fields: str, item: set[str], cluster: set[str] | None
) -> None:
    customers = [dict(champion.golden[0].customer)] * count
    answer = answered(champion, customers, frozenset(fields.split(",")))
    assert all(set(each) == {"index", *item} for each in answer["assigned"])
    known = answer.get("clusters")
    assert (known and set(known["5"])) == cluster
    whole_answer = answered(champion, customers)
    for each, complete in zip(answer["assigned"], whole_answer["assigned"], strict=True):
        assert each == {name: complete[name] for name in each}
    assert "risk_intercept" not in answer


def test_nobody_is_a_batch_too(champion: ClusterModel) -> None:
    answer = answered(champion, [])
    assert (answer["assigned"], answer["rejected"], len(answer["clusters"])) == ([], [], 5)
    assert len(answered(champion, [None] * 60)["rejected"]) == 60


def test_a_full_batch_gives_others_their_turn(champion: ClusterModel) -> None:
    async def turns() -> int:
        taken, done = 0, asyncio.Event()

        async def other() -> None:
            nonlocal taken
            while not done.is_set():
                taken += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(other())
        customers = [dict(champion.golden[0].customer)] * 1_000
        await batch_json(Presenter(champion, "v"), {"customers": customers})
        done.set()
        await beside
        return taken

    assert asyncio.run(turns()) >= 2


def test_fields_are_those_of_an_assignment(champion: ClusterModel) -> None:
    answer = assign_one(Presenter(champion, "v"), dict(champion.golden[0].customer))
    assert tuple(answer) == FIELDS


def test_an_answer_of_a_challenger_says_so_whatever_was_asked_for(champion: ClusterModel) -> None:
    answer = assign_one(Presenter(champion, "v"), dict(champion.golden[0].customer))
    assert [*only(answer, frozenset({"margin", "id"}))] == ["id", "margin"]
    answer["challenger"] = True
    assert [*only(answer, frozenset({"margin"}))] == ["margin", "challenger"]
