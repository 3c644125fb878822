"""Exploring: on invented members of a gym, and on the real customers."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from scipy.stats.contingency import association

from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.training.exploring import Exploration, explore, render
from pipeline.training.statistics.effects import Histogram, cohens_d, cramers_v, skewness
from pipeline.training.statistics.redundancy import correlate, near_duplicates
from tests.support.page import Page, explored

Write = Callable[..., Path]


@pytest.fixture
def gym(gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path) -> Exploration:
    return explored(gym_members, gym_contract, tmp_path)


@pytest.fixture(scope="session")
def bank(bank_churners: Path, bank_contract: Contract) -> Exploration:
    return explore(bank_churners, bank_contract)


def test_effect_sizes_agree_with_independent_arithmetic() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(3, 2, 50), rng.normal(4, 5, 31)
    pooled = np.sqrt((49 * np.var(a, ddof=1) + 30 * np.var(b, ddof=1)) / 79)
    assert cohens_d(a, b) == pytest.approx((b.mean() - a.mean()) / pooled, rel=1e-12)
    assert skewness(a) == pytest.approx(scipy.stats.skew(a), rel=1e-12)
    table = rng.integers(1, 40, (5, 2))
    expected = association(table, method="cramer", correction=False)
    assert cramers_v(table) == pytest.approx(expected, rel=1e-12)
    assert cramers_v(np.vstack([table, [0, 0]])) == pytest.approx(expected, rel=1e-12)


def test_what_does_not_exist_is_none_and_not_nan() -> None:
    one, same = np.array([1.0]), np.full(9, 0.1)
    assert cohens_d(one, same) is None
    assert cohens_d(same, same) is None
    assert skewness(same) is None
    assert cramers_v(np.array([[3, 0], [4, 0]])) is None
    assert cramers_v(np.zeros((2, 2))) is None
    assert correlate(pd.DataFrame({"a": same, "b": range(9)})).matrix[0] == (None, None)


def test_a_profile_agrees_with_plain_arithmetic(
    gym: Exploration, gym_members: pd.DataFrame
) -> None:
    visits = next(profile for profile in gym.numbers if profile.name == "visits")
    left = gym_members.loc[gym_members.cancelled == "yes", "visits"].to_numpy()
    assert visits.churned is not None
    assert visits.churned.customers == len(left)
    assert visits.churned.mean == pytest.approx(left.mean())
    assert visits.churned.sd == pytest.approx(left.std(ddof=1))
    assert visits.churned.q3 == np.quantile(left, 0.75)
    assert visits.histogram is not None
    assert sum(visits.histogram.counts["churned"]) == len(left)
    plan = gym.categories[0]
    crossed = pd.crosstab(gym_members.plan, gym_members.cancelled)
    assert plan.cramers_v == pytest.approx(association(crossed, method="cramer"))
    assert [(v.value, v.stayed, v.churned) for v in plan.values] == [
        ("basic", crossed.loc["basic", "no"], crossed.loc["basic", "yes"]),
        ("plus", crossed.loc["plus", "no"], crossed.loc["plus", "yes"]),
    ]


def test_whole_numbers_get_bins_of_equal_size_and_far_values_hide_nothing(
    gym_contract: Contract,
) -> None:
    visits = gym_contract.features[0]
    values = np.array([*range(41), 150, 199], float)
    found = Histogram.of({"everyone": values}, visits.typical, True)
    assert found is not None
    assert set(np.diff(found.edges)) == {2.0}
    assert (found.below, found.above) == (0, 2)
    assert sum(found.counts["everyone"]) == 41


def test_every_row_and_refused_value_is_counted(write: Write, gym_contract: Contract) -> None:
    path = write(
        "member,visits,fee,plan,cancelled,score_of_another_model,note\n"
        "1,3,20,basic,no,0.1,\n"
        "2,,x,basic,yes,0.9,hello\n"
        "2,4,x,gold,perhaps,0.2,\n"
        "1,3,20,basic,no,0.1,\n"
        "5,6\n"
        "6,7,-1,plus,,0.3,n/a\n"
    )
    found = explore(path, gym_contract)
    assert (found.rows, found.customers, found.duplicate_rows) == (6, 4, 1)
    assert found.broken_rows == {"wrong_number_of_fields": 1}
    assert (found.repeated_ids, found.repeated_id_examples) == (1, ("2",))
    assert found.leaking_columns == ("score_of_another_model",)
    assert {c.name: c.missing for c in found.columns if c.missing} == {
        "visits": 1,
        "cancelled": 1,
        "note": 3,
    }
    assert {(r.column, r.code): (r.rows, r.examples) for r in found.refused} == {
        ("fee", "not_a_number"): (2, ("x",)),
        ("fee", "out_of_range"): (1, ("-1",)),
        ("plan", "unknown_value"): (1, ("gold",)),
        ("cancelled", "missing"): (1, ()),
        ("cancelled", "unknown_value"): (1, ("perhaps",)),
    }
    assert found.labels is not None
    assert (found.labels.stayed, found.labels.churned, found.labels.unknown) == (1, 1, 2)
    everyone = {profile.name: profile.everyone for profile in found.numbers}
    assert everyone["visits"] is not None
    assert everyone["visits"].customers == 4
    assert everyone["fee"] is not None
    assert everyone["fee"].customers == 1
    assert "<td>0</td>" in render(found)  # what stands in for the missing visits


@pytest.mark.parametrize("lacking", [["cancelled"], ["fee", "plan"], ["member", "visits", "fee"]])
def test_a_file_without_some_columns_is_still_explored(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path, lacking: list[str]
) -> None:
    found = explored(gym_members.drop(columns=lacking), gym_contract, tmp_path)
    assert sorted(found.missing_columns) == sorted(lacking)
    page = render(found)
    Page(page)
    assert f"Not in this file: {', '.join(found.missing_columns)}." in page
    if "cancelled" in lacking:
        assert found.labels is None
        assert found.numbers[0].stayed is None
        assert "groups cannot be compared" in page


def test_labels_that_say_one_thing_or_nothing_leave_no_comparison(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    for label in ("no", "perhaps"):
        found = explored(gym_members.assign(cancelled=label), gym_contract, tmp_path)
        assert found.numbers[0].cohens_d is None
        assert found.categories[0].cramers_v is None
        Page(render(found))


def test_columns_without_a_usable_value_are_still_shown(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    found = explored(gym_members.assign(fee="free", plan="?"), gym_contract, tmp_path)
    json.dumps(found.to_dict(), allow_nan=False)
    assert "No usable value." in render(found)


@pytest.mark.parametrize(
    "fees",
    [["1e100"], ["1e100", "1e-300", "0"], ["1e-310", "2e-310"], ["1e17", "1.00000000000001e17"]],
)
def test_extreme_numbers_stay_finite(write: Write, gym_contract: Contract, fees: list[str]) -> None:
    rows = [f"{i},3,{fees[i % len(fees)]},basic,{('no', 'yes')[i % 2]}\n" for i in range(6)]
    found = explore(write("member,visits,fee,plan,cancelled\n" + "".join(rows)), gym_contract)
    json.dumps(found.to_dict(), allow_nan=False)
    Page(render(found))


def test_parquet_reads_like_csv(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path, gym: Exploration
) -> None:
    path = tmp_path / "members.parquet"
    gym_members.to_parquet(path)
    found = explore(path, gym_contract)
    assert replace(found, file=gym.file, sha256=gym.sha256) == gym


def test_a_file_without_customers_is_refused(write: Write, gym_contract: Contract) -> None:
    with pytest.raises(WrongFile, match="no customers"):
        explore(write("member,visits\n"), gym_contract)


def test_of_two_near_duplicates_the_one_that_correlates_more_with_all_is_dropped() -> None:
    a, b = np.random.default_rng(2).normal(size=(2, 200))
    frame = pd.DataFrame({"a": a, "b": 0.1 * b, "c": a - 0.1 * b, "d": -a + 0.01 * b**2})
    found = near_duplicates(frame, correlate(frame))
    assert [(pair.kept, pair.dropped, pair.identity) for pair in found] == [
        ("a", "c", "c = a − b"),
        ("a", "d", None),
    ]
    assert found[1].r < -0.9
    assert found[1].why == "d correlates more with the other features than a does"
    turned = frame[["d", "c", "b", "a"]]
    assert near_duplicates(turned, correlate(turned)) == found


def test_the_real_file(bank: Exploration) -> None:
    assert (bank.rows, bank.customers, bank.duplicate_rows, bank.repeated_ids) == (
        10_127,
        10_127,
        0,
        0,
    )
    assert len(bank.columns) == 23
    assert len(bank.leaking_columns) == 2
    assert (bank.refused, bank.broken_rows, bank.missing_columns) == ((), {}, ())
    assert bank.labels is not None
    assert (bank.labels.stayed, bank.labels.churned, bank.labels.unknown) == (8_500, 1_627, 0)
    assert [(p.kept, p.dropped, p.identity) for p in bank.near_duplicates] == [
        (
            "Credit_Limit",
            "Avg_Open_To_Buy",
            "Avg_Open_To_Buy = Credit_Limit − Total_Revolving_Bal",
        )
    ]
    unknown = {
        profile.name: value.customers
        for profile in bank.categories
        for value in profile.values
        if value.value == "Unknown"
    }
    assert unknown == {"Education_Level": 1_519, "Marital_Status": 749, "Income_Category": 1_112}


def test_the_real_effect_sizes(bank: Exploration, bank_churners: Path) -> None:
    frame = pd.read_csv(bank_churners)
    left = frame.Attrition_Flag == "Attrited Customer"
    for number in bank.numbers:
        a, b = frame.loc[~left, number.name], frame.loc[left, number.name]
        freedom = len(a) + len(b) - 2
        pooled = math.sqrt(((len(a) - 1) * a.var() + (len(b) - 1) * b.var()) / freedom)
        assert number.cohens_d == pytest.approx((b.mean() - a.mean()) / pooled, rel=1e-9)
    for category in bank.categories:
        table = pd.crosstab(frame[category.name], left)
        assert category.cramers_v == pytest.approx(association(table, method="cramer"), rel=1e-9)
    expected = frame[list(bank.correlation.names)].corr().to_numpy()
    np.testing.assert_allclose(np.array(bank.correlation.matrix, float), expected, atol=1e-12)
