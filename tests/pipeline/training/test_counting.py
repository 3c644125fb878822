from dataclasses import replace

import numpy as np

from pipeline.training import Recipe
from pipeline.training.counting import MOST_SEEN, counted_rows, split

RECIPE = Recipe("search", "", ("a",), 2)
CHURNED = np.arange(400) % 5 == 0


def test_a_quarter_takes_no_part_in_choosing_and_has_as_many_leavers() -> None:
    seen, untouched = split(400, CHURNED, 42)
    assert len(seen) == 300
    assert sorted([*seen, *untouched]) == list(range(400))
    assert CHURNED[untouched].mean() == CHURNED.mean()


def test_without_a_label_all_are_looked_at() -> None:
    seen, untouched = split(400, None, 42)
    assert len(seen) == 400
    assert not len(untouched)


def test_of_very_many_only_some_are_looked_at() -> None:
    seen, untouched = split(2 * MOST_SEEN, None, 42)
    assert len(seen) == len(untouched) == MOST_SEEN


def test_where_churn_chose_it_is_counted_on_those_that_it_did_not_see() -> None:
    by_churn = replace(RECIPE, by_churn=True)
    untouched = split(400, CHURNED, by_churn.seed)[1]
    assert counted_rows(by_churn, CHURNED, 400).tolist() == untouched.tolist()
    assert len(counted_rows(RECIPE, CHURNED, 400)) == 400
    assert len(counted_rows(by_churn, None, 400)) == 400


def test_a_single_leaver_is_in_one_of_both_parts() -> None:
    seen, untouched = split(400, np.arange(400) == 7, 42)
    assert len(seen) == 300
    assert len(untouched) == 100
