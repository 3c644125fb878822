from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipeline.model.contract import Contract, Feature
from pipeline.training.cleaning import Cleaning, Customers
from pipeline.training.search.sample import Sample
from pipeline.training.search.structure import (
    Grouping,
    StructureSearch,
    best_groupings,
    choose_grouping,
)
from pipeline.training.search.thresholds import Thresholds

Frame = Callable[[np.random.Generator], pd.DataFrame]
ASKED = replace(Thresholds(), most_features=2)
TWO = Grouping(("a", "b"), (), 2, 0.3, 9.0, 1e-9, 0.1)


def sampled(frame: pd.DataFrame) -> Sample:
    features = tuple(
        Feature(name, "number", name)
        if pd.api.types.is_numeric_dtype(frame[name])
        else Feature(name, "category", name, values=tuple(sorted(set(frame[name]))))
        for name in map(str, frame)
    )
    cleaning = Cleaning("x.csv", "", len(frame), len(frame), 0, 0, {}, ())
    contract = Contract("x", "X", features)
    return Sample.of(Customers(contract, frame, None, cleaning, (), pd.DataFrame()), 300, 1)


def found(frame: pd.DataFrame) -> Grouping | None:
    search = StructureSearch(sampled(frame), ASKED)
    return choose_grouping(search.groupings(lambda step: None))


def three_groups(rng: np.random.Generator) -> pd.DataFrame:
    group = rng.integers(3, size=300)
    centres = np.array([[0, 0], [6, 0], [3, 6]])
    points = centres[group] + rng.normal(size=(300, 2))
    return pd.DataFrame({"b": points[:, 0], "noise": rng.normal(size=300), "a": points[:, 1]})


@pytest.fixture(scope="module")
def of_three_groups() -> Grouping | None:
    return found(three_groups(np.random.default_rng(3)))


def test_groups_that_stand_apart_are_found_in_the_features_that_show_them(
    of_three_groups: Grouping | None,
) -> None:
    one = of_three_groups
    assert one is not None
    assert one.features == ("a", "b")
    assert one.k == 3
    assert one.separate


def test_the_order_of_columns_changes_nothing(of_three_groups: Grouping | None) -> None:
    frame = three_groups(np.random.default_rng(3))
    assert found(frame[["noise", "a", "b"]]) == of_three_groups


@pytest.mark.parametrize(
    "frame",
    [
        lambda rng: pd.DataFrame(rng.normal(size=(300, 2)), columns=list("ab")),
        lambda rng: pd.DataFrame(np.exp(rng.normal(size=(300, 2))), columns=list("ab")),
        lambda rng: pd.DataFrame({"a": rng.normal(size=300), "coin": rng.integers(2, size=300)}),
        lambda rng: pd.DataFrame(
            {"a": rng.normal(size=300), "plan": rng.choice(["x", "y", "z"], size=300)}
        ),
    ],
    ids=["normal", "skewed", "coin", "category"],
)
def test_one_group_is_not_divided(frame: Frame) -> None:
    assert found(frame(np.random.default_rng(5))) is None


def test_categories_alone_are_no_groups() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({name: rng.choice(["x", "y"], size=300) for name in "ab"})
    assert found(frame) is None


def test_the_most_groups_that_stand_apart_go_before_fewer() -> None:
    four = replace(TWO, k=4, excess=0.25)
    touching = replace(TWO, k=7, valley_ratio=0.9)
    assert choose_grouping([TWO, touching, four]) == four
    loose = replace(TWO, k=5, excess=0.2)
    assert choose_grouping([TWO, touching, loose]) == TWO
    assert best_groupings([TWO, touching, four], 2) == [four, TWO]


def test_a_feature_more_has_to_be_worth_it() -> None:
    wider = replace(TWO, features=("a", "b", "c"), excess=TWO.excess + 0.01)
    assert choose_grouping([wider, TWO]) == TWO
    better = replace(wider, excess=TWO.excess + 0.05)
    assert choose_grouping([better, TWO]) == better


def test_what_one_group_would_show_as_well_is_no_grouping() -> None:
    assert choose_grouping([replace(TWO, excess=0.01), replace(TWO, z=1.0)]) is None
    assert choose_grouping([]) is None
