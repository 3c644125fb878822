"""Phrases for codes, medians and units."""

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import Summary
from pipeline.scoring.report.phrases import rejections, three_digits, unit_guess


@pytest.mark.parametrize(
    ("median", "usual", "said"),
    [
        (389_900, 3899, "cents"),
        (3_899_000, 3899, "1,000 times"),
        (39, 3899, "a hundredth"),
        (3.9, 3899, "in thousands"),
        (0.4, 3899, "standardised"),
        (7_000, 3899, ""),
        (0.0, 3899, ""),
        (None, 3899, ""),
        (12.0, 0.0, ""),
    ],
)
def test_a_unit_is_guessed_where_one_suggests_itself(
    median: float | None, usual: float, said: str
) -> None:
    guess = unit_guess(median, usual)
    assert said in guess and bool(said) == bool(guess)


def test_a_median_has_three_digits() -> None:
    assert [three_digits(value) for value in (1276.0, 0.27512, 106.0, 0.0, None)] == [
        1280.0,
        0.275,
        106.0,
        0.0,
        None,
    ]


def test_every_code_of_a_rejection_has_a_phrase(model: ClusterModel, summary: Summary) -> None:
    keys = ["Credit_Limit out_of_range", "broken_quotes", "something_new"]
    summary["rejected_for"] = dict.fromkeys(keys, 4)
    summary["rejected_first_rows"] = {key: [1, 2, 3] for key in keys}
    limit, quotes, new = rejections(model.contract, summary)
    assert limit.feature is not None and limit.feature.label == "Credit limit"
    assert limit.phrase == "An impossible value"
    assert (limit.rows, limit.first_rows) == (4, [1, 2, 3])
    assert (quotes.feature, quotes.phrase) == (
        None,
        "Quotation marks that open or close in the wrong place",
    )
    assert (new.feature, new.phrase) == (None, "Something new")
