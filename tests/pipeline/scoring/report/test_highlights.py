"""Notices: as loud as their reasons."""

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import Summary, Verdict
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.summary.churn_drift import churn_drift


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


def test_leavers_that_nobody_expected_are_a_notice(model: ClusterModel, summary: Summary) -> None:
    labelled = [cluster.size for cluster in model.clusters]
    churned = [cluster.churn.churned if cluster.churn else 0 for cluster in model.clusters]
    summary["drift"]["churn"] = churn_drift(model.clusters, churned, labelled)
    assert [notice.level for notice in notices(model, summary)] == ["fine"]
    churned[2] //= 2
    summary["drift"]["churn"] = churn_drift(model.clusters, churned, labelled)
    (notice,) = notices(model, summary)
    assert notice.level == "warning"
    assert notice.heading.endswith("1,112 cancelled where 1,627 were expected")
    assert [point.text for point in notice.points] == [
        "515 of 3,393 cancelled, 1,030 were expected",
    ]


def test_a_run_of_before_has_no_word_on_churn_drift(model: ClusterModel, summary: Summary) -> None:
    del summary["drift"]["churn"]
    assert [notice.level for notice in notices(model, summary)] == ["fine"]
