"""What is told of a candidate."""

from datetime import UTC, datetime
from typing import Any

from pipeline.runs.notices import Rule
from pipeline.runs.notices.candidates import candidate_notice

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
FIGURES: dict[str, Any] = {
    "clusters": {"old": 5, "new": 6, "change": 1},
    "churn_rate": {"old": 0.1, "new": 0.2, "change": 0.1},
    "silhouette_model_space": {"old": 0.41, "new": 0.43, "change": 0.02},
    "churn_auc": {"old": None, "new": 0.8123, "change": None},
}


def told(*objections: str, moved: float | None = 0.031, **figures: Any) -> Any:
    given = figures or FIGURES
    return candidate_notice("v2", "v1", given, moved, objections, "s3://b/models", NOW)


def test_a_candidate_waits_for_a_person_though_nothing_speaks_against_it() -> None:
    notice = told()
    assert notice["type"] == "candidate.ready"
    assert Rule(only_attention=True).tells(notice)
    data = notice["data"]
    assert (data["model_version"], data["champion"], data["store"]) == ("v2", "v1", "s3://b/models")
    assert (data["verdicts"], data["figures"], data["moved_share"]) == ([], FIGURES, 0.031)
    assert data["text"] == (
        "The candidate `v2` is ready for somebody to look at. Figures: groups 6 (champion 5); "
        "silhouette 0.430 (champion 0.410); churn separation (AUC) 0.812 (champion unknown); "
        "3.1% of the customers change their group. Nothing speaks against a promotion."
    )


def test_what_speaks_against_a_promotion_is_told() -> None:
    data = told("silhouette is 0.1", "its contract is another one", moved=None)["data"]
    assert [each["kind"] for each in data["verdicts"]] == ["objection", "objection"]
    assert data["text"].endswith(
        "Against a promotion: (1) silhouette is 0.1. (2) its contract is another one."
    )
    assert "change their group" not in data["text"]


def test_the_same_candidate_has_the_same_id_whatever_it_is_compared_with() -> None:
    assert told()["id"] == told("an objection")["id"]
    other = candidate_notice("v3", "v1", FIGURES, None, (), "s3://b/models", NOW)
    assert told()["id"] != other["id"]
