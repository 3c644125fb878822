"""What the report is made of: notices, phrases, and where marks are."""

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.scoring.documents import ClusterSummary, NumericDistribution, Summary, Verdict
from pipeline.scoring.report.charts import churn_rates, expected_churners, histogram, share_bars
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.phrases import rejections, three_digits, unit_guess
from pipeline.scoring.summary import summarise
from pipeline.scoring.tally import Tally

FEE = Feature("fee", "number", "Fee", unit="EUR")


@pytest.fixture
def summary(model: ClusterModel) -> Summary:
    """A summary in which nothing has moved."""
    summary = summarise(model, Tally.empty(model))
    summary["rows_in"] = summary["rows_assigned"] = 1000
    for drift in (*summary["drift"]["features"].values(), summary["drift"]["clusters"]):
        drift["verdict"] = "stable"
    for distribution in summary["features"].values():
        if "edges" in distribution:
            distribution["median"] = distribution["training_median"]
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
    summary: Summary,
    verdicts: dict[str, Verdict],
    mix: Verdict,
    levels: list[str],
) -> None:
    for name, verdict in verdicts.items():
        summary["drift"]["features"][name]["verdict"] = verdict
    summary["drift"]["clusters"]["verdict"] = mix
    summary["drift"]["implausible"] = [n for n, v in verdicts.items() if v == "implausible"]
    found = notices(model, summary)
    assert [notice.level for notice in found] == levels
    told = [point.column for notice in found for point in notice.points if point.column]
    assert sorted(told) == sorted(verdicts)


def test_many_rejects_are_a_notice_and_few_are_not(model: ClusterModel, summary: Summary) -> None:
    summary["rows_rejected"] = 49
    assert [notice.level for notice in notices(model, summary)] == ["fine"]
    summary["rows_rejected"] = 50
    assert notices(model, summary)[0].heading == "5% of the rows could not be scored"


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


def test_bars_share_one_scale() -> None:
    bars, ticks = share_bars([("a", 0.6, 0.3, 1), ("b", 0.4, 0.7, 2)])
    assert [(bar.length, bar.training_length) for bar in bars] == [(75.0, 37.5), (50.0, 87.5)]
    assert ticks[0] == (0.0, 0.0) and [round(x, 3) for x in ticks[-1]] == [0.8, 100.0]


def test_a_churn_chart_of_nobody_is_empty(summary: Summary) -> None:
    nobody: ClusterSummary = {
        **summary["clusters"][0],
        "observed_churn": None,
        "expected_churners": None,
    }
    (marks,), ticks = churn_rates([nobody], [None])
    assert (marks.rate, marks.comparison) == (0.0, "") and len(ticks) > 1
    assert expected_churners([nobody])[0].rate == 0.0


def test_a_histogram_leaves_out_what_is_empty_at_its_ends() -> None:
    fees: NumericDistribution = {
        "median": 12.0,
        "training_median": 10.0,
        "training_typical": [0.0, 200.0],
        "edges": [0.0, 10.0, 200.0],
        "shares": [0.0, 0.25, 0.75, 0.0],
        "training_shares": [0.0, 0.5, 0.5, 0.0],
    }
    found = histogram(FEE, fees)
    assert [(b.left, b.width, round(b.height), round(b.training_height)) for b in found.bins] == [
        (0.0, 50.0, 33, 67),
        (50.0, 50.0, 100, 67),
    ]
    assert [b.interval for b in found.bins] == ["0 EUR to 10 EUR", "10 EUR to 200 EUR"]
    assert found.ticks == [("10", 50.0)]
