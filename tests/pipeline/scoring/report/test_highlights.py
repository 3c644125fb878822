"""Notices: as loud as their reasons."""

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import Summary, Verdict
from pipeline.scoring.report.highlights import notices


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
