"""Where the marks of the report's charts are."""

from pipeline.model.contract import Feature
from pipeline.scoring.documents import ClusterSummary, NumericDistribution, Summary
from pipeline.scoring.report.charts import (
    churn_rates,
    expected_churners,
    group_chart,
    histogram,
    share_bars,
)

FEE = Feature("fee", "number", "Fee", unit="EUR")


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
    (marks,), ticks = churn_rates([nobody], [None], None)
    assert (marks.interval, marks.comparison) == (None, "") and len(ticks) > 1
    assert expected_churners([nobody])[0].length == 0.0


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


def test_the_riskiest_group_is_on_top_and_nobody_is_expected_where_a_unit_is_wrong(
    summary: Summary,
) -> None:
    for cluster, customers, expected in zip(
        summary["clusters"], (400, 100, 0), (20.0, 60.4, 0.0), strict=True
    ):
        cluster["customers"], cluster["expected_churners"] = customers, expected
    chart = group_chart(summary)
    assert [bar.cluster["cluster"] for bar in chart.bars] == [2, 1, 3]
    assert [(bar.length, bar.leavers, bar.leavers_length) for bar in chart.bars] == [
        (25.0, 60, 15.1), (100.0, 20, 5.0), (0.0, 0, 0.0),
    ]  # fmt: skip
    assert chart.bars[2].rate is None
    assert (chart.has_leavers, chart.observed) == (True, False)
    summary["drift"]["implausible"] = ["Credit_Limit"]
    assert not group_chart(summary).has_leavers
