"""Every customer of a run is counted once, and so is every row of a list."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np
import pyarrow as pa

from pipeline.runs.outcomes.ids import id_hashes
from pipeline.runs.outcomes.join import join
from pipeline.runs.outcomes.parts import IdParts
from pipeline.runs.outcomes.sources import CHURNED, CUSTOMERS, LABELS, LISTED, STAYED, UNKNOWN
from pipeline.runs.outcomes.tally import OutcomeTally

Pairs = Sequence[tuple[str | None, int]]


def joined(
    customers: Pairs, labels: Pairs, listed: Pairs = (), *, others_stayed: bool = False
) -> OutcomeTally:
    """Join customers (id and state at scoring) with labels (id and state) and a list."""
    tally = OutcomeTally([3, 1])
    with IdParts(CUSTOMERS) as run, IdParts(LABELS) as known, IdParts(LISTED) as audience:
        count = len(customers)
        run.add(
            id_hashes(pa.array([each for each, _ in customers], pa.string())),
            cluster=np.array([1 if index % 2 else 3 for index in range(count)], np.int64),
            state=np.array([state for _, state in customers], np.int64),
            risk=np.arange(count),
        )
        for rows, parts, name in ((labels, known, "state"), (listed, audience, "control")):
            for each, value in rows:  # one block a row
                parts.add(id_hashes(pa.array([each], pa.string())), **{name: np.array([value])})
        join(run, known, audience if listed else None, tally, others_stayed=others_stayed)
    return tally


def test_each_customer_is_counted_once_and_by_its_reason() -> None:
    customers = [
        ("a", UNKNOWN), ("b", STAYED), ("gone", CHURNED), ("twice", UNKNOWN), ("twice", UNKNOWN),
        (None, UNKNOWN), ("nowhere", UNKNOWN), ("unclear", UNKNOWN), ("both", UNKNOWN),
    ]  # fmt: skip
    labels = [
        ("a", CHURNED), ("b", STAYED), ("gone", CHURNED), ("twice", CHURNED), ("unclear", UNKNOWN),
        ("both", CHURNED), ("both", STAYED), ("stranger", STAYED), (None, STAYED),
    ]  # fmt: skip
    tally = joined(customers, labels)
    assert tally.customers == {
        "customers": 9, "no_id": 1, "repeated": 2, "churned_before": 1, "contradicted": 1,
        "not_known": 1, "no_label": 1, "counted": 2,
    }  # fmt: skip
    assert tally.labels == {
        "rows": 9, "no_id": 1, "ids": 7, "repeated_ids": 1, "strangers": 1,
        "spelled_otherwise": 0, "broken": 0,
    }  # fmt: skip
    assert tally.by_cluster.tolist() == [[0, 1], [1, 0]]
    assert tally.followed.sum() == 5
    assert tally.by_risk[:2].tolist() == [[0, 1], [1, 0]]


def test_labels_that_agree_count_once_and_a_word_fills_an_empty_one() -> None:
    tally = joined([("a", UNKNOWN)], [("a", CHURNED), ("a", CHURNED), ("a", UNKNOWN)])
    assert tally.customers["counted"] == 1 and tally.by_cluster.sum() == 1
    assert tally.labels["repeated_ids"] == 1


def test_ids_that_differ_in_zeros_are_told_and_not_joined() -> None:
    tally = joined([("001", UNKNOWN), ("2", UNKNOWN), ("1", UNKNOWN)], [
        ("1", CHURNED), ("02", STAYED), ("003", STAYED)
    ])  # fmt: skip
    assert tally.customers["counted"] == 1 and tally.customers["no_label"] == 2
    assert tally.labels["strangers"] == 2
    assert tally.labels["spelled_otherwise"] == 1


def test_where_the_labels_list_leavers_all_others_have_stayed() -> None:
    customers = [("a", UNKNOWN), ("b", UNKNOWN), ("gone", CHURNED)]
    tally = joined(customers, [("a", CHURNED)], others_stayed=True)
    assert tally.by_cluster.sum(axis=0).tolist() == [1, 1]
    assert tally.customers["no_label"] == 0 and tally.customers["churned_before"] == 1


def test_each_id_of_a_list_is_counted_once() -> None:
    customers = [(name, UNKNOWN) for name in "abcdef"]
    labels = [("a", CHURNED), ("b", STAYED), ("c", CHURNED), ("d", STAYED)]
    listed = [
        ("a", 0), ("b", 1), ("b", 1), ("c", 0), ("c", 1), ("e", 1), ("stranger", 0), (None, 1),
    ]  # fmt: skip
    tally = joined(customers, labels, listed)
    assert tally.listed == {
        "rows": 8, "no_id": 1, "repeated": 2, "contradicted": 1, "strangers": 1,
        "not_counted": 1, "counted": 2,
    }  # fmt: skip
    assert tally.arms.tolist() == [[0, 1], [1, 0]]


def test_many_customers_in_any_order_are_joined_as_a_dictionary_joins_them() -> None:
    random = Random(7)
    customers = [(f"{random.randrange(3_000):04d}", random.randrange(-1, 2)) for _ in range(4_000)]
    labels = [(f"{random.randrange(5_000):04d}", random.randrange(-1, 2)) for _ in range(3_000)]
    listed = [(f"{random.randrange(4_000):04d}", random.randrange(2)) for _ in range(1_500)]
    tally = joined(customers, labels, listed)
    times = Counter(name for name, _ in customers)
    states: dict[str, set[int]] = {}
    for name, state in labels:
        states.setdefault(name, set()).add(state)
    outcome = {
        name: state
        for name, before in customers
        if times[name] == 1 and before != CHURNED
        for state in (STAYED, CHURNED)
        if states.get(name, set()) - {UNKNOWN} == {state}
    }
    assert tally.customers["counted"] == len(outcome) > 100
    assert tally.by_cluster.sum(axis=0).tolist() == [
        sum(state == wanted for state in outcome.values()) for wanted in (STAYED, CHURNED)
    ]
    assert sum(tally.customers.values()) == 2 * len(customers)  # type: ignore[arg-type]
    arms: dict[str, set[int]] = {}
    for name, control in listed:
        arms.setdefault(name, set()).add(control)
    expected = Counter(
        (next(iter(arm)), outcome[name])
        for name, arm in arms.items()
        if len(arm) == 1 and name in outcome
    )
    assert tally.arms.tolist() == [[expected[arm, state] for state in (0, 1)] for arm in (0, 1)]
    assert sum(tally.listed.values()) == 2 * len(listed)  # type: ignore[arg-type]


def test_nothing_to_join_is_no_error() -> None:
    tally = joined([], [])
    assert tally.customers["customers"] == 0 and tally.labels["ids"] == 0
