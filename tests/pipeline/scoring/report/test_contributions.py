"""What keeps each group together, in bars and a sentence that does not say too much."""

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import FeatureContribution, Summary
from pipeline.scoring.report.contributions import group_contributions

CONTACTS, LIMIT = "Contacts_Count_12_mon", "Credit_Limit"
BALANCE, USE = "Total_Revolving_Bal", "Avg_Utilization_Ratio"


def part(mean: float, size: float, share: float) -> FeatureContribution:
    return {"mean": mean, "mean_size": size, "share": share}


def sentence(model: ClusterModel, summary: Summary, **features: FeatureContribution) -> str:
    summary["contributions"] = [{"cluster": 4, "cluster_name": "Four", "features": features}]
    (group,) = group_contributions(model.contract, summary)
    assert (group.id, group.name) == (4, "Four")
    return group.sentence


def labels(model: ClusterModel) -> dict[str, str]:
    return {feature.name: feature.label for feature in model.contract.features}


def test_what_speaks_for_against_and_for_some_only_is_told_apart(
    model: ClusterModel, summary: Summary
) -> None:
    said = sentence(model, summary, **{
        LIMIT: part(5.2, 5.6, 0.56), BALANCE: part(0.9, 2.2, 0.22), USE: part(-1.2, 1.8, 0.18),
        CONTACTS: part(0.4, 0.4, 0.04),
    })  # fmt: skip
    label = labels(model)
    assert said == (
        f"What keeps group 4 together: {label[LIMIT]} (56%). For some of its customers, against "
        f"others: {label[BALANCE]} (22%). Against it: {label[USE]} (18%)."
    )


def test_a_group_that_nothing_keeps_together_and_one_without_customers(
    model: ClusterModel, summary: Summary
) -> None:
    said = sentence(model, summary, **{LIMIT: part(0.1, 1.0, 1.0)})
    assert said.startswith("No feature speaks for nearly all of group 4. For some of its customers")
    assert sentence(model, summary) == "No customers."


def test_a_bar_has_the_length_of_the_share_and_what_speaks_for_the_group_in_it(
    model: ClusterModel, summary: Summary
) -> None:
    features = {LIMIT: part(2.0, 4.0, 0.8), USE: part(-1.0, 1.0, 0.2)}
    summary["contributions"] = [{"cluster": 1, "cluster_name": "One", "features": features}]
    (group,) = group_contributions(model.contract, summary)
    assert [(bar.length, bar.length_for) for bar in group.bars] == [(100, 75), (25, 0)]
    assert group.further == 0


def test_a_run_that_does_not_say_why_has_no_groups_here(
    model: ClusterModel, summary: Summary
) -> None:
    assert group_contributions(model.contract, summary) == []
