"""What the report is made of: notices, words, and where marks go."""

from typing import Any

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.scoring.report.charts import churn_rates, expected_churners, histogram, pairs
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.wording import about, rejection, unit_guess
from pipeline.scoring.summary import summarise
from pipeline.scoring.tally import Tally

FEE = Feature("fee", "number", "Fee", unit="EUR")


@pytest.fixture
def totals(model: ClusterModel) -> dict[str, Any]:
    """A summary in which nothing has moved."""
    summary = summarise(model, Tally.empty(model))
    summary |= {"rows_in": 1000, "rows_assigned": 1000}
    for found in (*summary["drift"]["features"].values(), summary["drift"]["clusters"]):
        found["verdict"] = "stable"
    for known in summary["features"].values():
        known["median"] = known["training_median"]
    return summary


@pytest.mark.parametrize(
    ("verdicts", "mix", "levels"),
    [
        ({}, "stable", ["fine"]),
        ({"Credit_Limit": "moved"}, "stable", ["note"]),
        ({}, "moved", ["note"]),
        ({"Credit_Limit": "moved"}, "shifted", ["warning"]),
        ({"Credit_Limit": "shifted"}, "stable", ["warning"]),
        ({}, "implausible", ["warning"]),
        ({"Credit_Limit": "implausible"}, "implausible", ["alarm"]),
        (
            {"Credit_Limit": "implausible", "Total_Revolving_Bal": "shifted"},
            "shifted",
            ["alarm", "warning"],
        ),
    ],
)
def test_a_notice_is_as_loud_as_its_reason(
    model: ClusterModel,
    totals: dict[str, Any],
    verdicts: dict[str, str],
    mix: str,
    levels: list[str],
) -> None:
    for name, verdict in verdicts.items():
        totals["drift"]["features"][name]["verdict"] = verdict
    totals["drift"]["clusters"]["verdict"] = mix
    totals["drift"]["implausible"] = [n for n, v in verdicts.items() if v == "implausible"]
    found = notices(model, totals)
    assert [notice.level for notice in found] == levels
    told = [point.column for notice in found for point in notice.points if point.column]
    assert sorted(told) == sorted(verdicts)


def test_many_rejects_are_a_notice_and_few_are_not(
    model: ClusterModel, totals: dict[str, Any]
) -> None:
    totals["rows_rejected"] = 49
    assert [notice.level for notice in notices(model, totals)] == ["fine"]
    totals["rows_rejected"] = 50
    assert notices(model, totals)[0].heading == "5% of the rows could not be scored"


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
    assert [about(value) for value in (1276.0, 0.27512, 106.0, 0.0, None)] == [
        1280.0,
        0.275,
        106.0,
        0.0,
        None,
    ]


def test_every_code_of_a_rejection_has_words(model: ClusterModel) -> None:
    feature, said = rejection(model.contract, "Credit_Limit out_of_range")
    assert feature is not None and feature.label == "Credit limit"
    assert said == "An impossible value"
    assert rejection(model.contract, "broken_quotes") == (
        None,
        "Quotation marks that open or close in the wrong place",
    )
    assert rejection(model.contract, "something_new") == (None, "Something new")


def test_bars_share_one_scale() -> None:
    rows, ticks = pairs([("a", 1, 0.6, 0.3), ("b", 2, 0.4, 0.7)])
    assert [(row.here_at, row.usual_at) for row in rows] == [(75.0, 37.5), (50.0, 87.5)]
    assert ticks[0] == (0.0, 0.0) and [round(x, 3) for x in ticks[-1]] == [0.8, 100.0]


def test_a_churn_chart_of_nobody_is_empty() -> None:
    nobody = {"observed_churn": None, "expected_churners": None}
    (drawn,), ticks = churn_rates([nobody], [None])
    assert (drawn.rate_at, drawn.verdict) == (0.0, "") and len(ticks) > 1
    assert expected_churners([nobody])[0].rate_at == 0.0


def test_a_histogram_leaves_out_what_is_empty_at_its_ends() -> None:
    found = histogram(
        FEE,
        {
            "edges": [0.0, 10.0, 200.0],
            "shares": [0.0, 0.25, 0.75, 0.0],
            "training_shares": [0.0, 0.5, 0.5, 0.0],
        },
    )
    assert [(b.left, b.width, round(b.here), round(b.usual)) for b in found.bins] == [
        (0.0, 50.0, 33, 67),
        (50.0, 50.0, 100, 67),
    ]
    assert [b.words for b in found.bins] == ["0 EUR to 10 EUR", "10 EUR to 200 EUR"]
    assert found.ticks == [("10", 50.0)]
