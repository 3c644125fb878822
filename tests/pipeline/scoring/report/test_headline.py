"""The one sentence of a run: what to do first, and no more than is known."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract.label import Label
from pipeline.scoring.documents import ObservedChurn, Summary
from pipeline.scoring.report.headline import headline
from pipeline.scoring.summary.churn_drift import churn_drift


@pytest.fixture
def model(model: ClusterModel) -> ClusterModel:
    label = Label("Attrition_Flag", ("gone",), ("here",), churned_word="cancelled")
    rates = ((20, 1000), (160, 1000), (700, 1000))
    clusters = tuple(
        replace(cluster, name=f"Name {cluster.id}", churn=ChurnRate.of(*rate))
        for cluster, rate in zip(model.clusters, rates, strict=True)
    )
    return replace(model, contract=replace(model.contract, label=label), clusters=clusters)


def counted(summary: Summary, *customers: int) -> Summary:
    for cluster, count in zip(summary["clusters"], customers, strict=True):
        cluster["customers"] = count
    summary["rows_assigned"] = sum(customers)
    return summary


def observed(churned: int, customers: int) -> ObservedChurn:
    rate: Any = ChurnRate.of(churned, customers)
    return {name: getattr(rate, name) for name in ObservedChurn.__annotations__}  # type: ignore[return-value]


def labelled(summary: Summary, model: ClusterModel, *counts: tuple[int, int]) -> Summary:
    counted(summary, *(customers for _, customers in counts))
    for cluster, (left, customers) in zip(summary["clusters"], counts, strict=True):
        cluster["observed_churn"] = observed(left, customers)
    left, customers = (sum(column) for column in zip(*counts, strict=True))
    summary["observed_churn"] = observed(left, customers)
    churned, known = ([pair[at] for pair in counts] for at in (0, 1))
    summary["drift"]["churn"] = churn_drift(model.clusters, churned, known)
    return summary


def test_without_labels_it_starts_in_the_riskiest_group(
    model: ClusterModel, summary: Summary
) -> None:
    found = headline(model, counted(summary, 4000, 900, 1116))
    assert found.sentence == (
        "1,116 customers are in the group of which 70% cancelled: start there."
    )
    assert (found.cluster, found.customers) == (3, 1116)
    assert found.detail.startswith("Group 3, Name 3. The rate is that of the group in training")
    one = headline(model, counted(summary, 4000, 900, 1))
    assert one.sentence.startswith("1 customer is in the group")


def test_with_labels_it_counts_who_is_still_here(model: ClusterModel, summary: Summary) -> None:
    found = headline(model, labelled(summary, model, (80, 4000), (160, 1000), (690, 1000)))
    assert found.sentence == (
        "310 customers in the group of which 69% cancelled are still here: start there."
    )
    assert "690 of its 1,000 customers cancelled already" in found.detail
    assert "in this file" in found.detail
    assert found.customers == 310


def test_a_group_of_which_all_have_left_is_no_place_to_start(
    model: ClusterModel, summary: Summary
) -> None:
    found = headline(model, labelled(summary, model, (80, 4000), (300, 1000), (7, 7)))
    assert found.cluster == 2


def test_rates_that_the_file_contradicts_are_not_told(
    model: ClusterModel, summary: Summary
) -> None:
    found = headline(model, labelled(summary, model, (2000, 4000), (160, 1000), (100, 1000)))
    assert found.cluster == 1
    assert "of which 50% cancelled" in found.sentence


def test_it_says_when_no_group_stands_out(model: ClusterModel, summary: Summary) -> None:
    alike = tuple(replace(c, churn=ChurnRate.of(160, 1000)) for c in model.clusters)
    found = headline(replace(model, clusters=alike), counted(summary, 400, 900, 10))
    assert found.sentence == "No group stands out: of each 16% cancelled."
    assert found.detail == "The largest group has 900 of the 1,310 customers: Name 2."
    assert found.cluster is None


def test_without_rates_it_names_the_largest_group(model: ClusterModel, summary: Summary) -> None:
    silent = replace(model, clusters=tuple(replace(c, churn=None) for c in model.clusters))
    found = headline(silent, counted(summary, 400, 900, 10))
    assert found.sentence == "The largest group has 900 of the 1,310 customers: Name 2."
    assert found.detail == "Nothing ranks the groups, so the largest comes first."
    # and where the file itself says who left, its own rates count
    told = headline(silent, labelled(summary, silent, (2, 400), (450, 900), (1, 10)))
    assert told.sentence.startswith("450 customers in the group of which 50% cancelled are still")


def test_it_warns_where_a_unit_is_wrong(model: ClusterModel, summary: Summary) -> None:
    summary["drift"]["implausible"] = ["Credit_Limit"]
    found = headline(model, counted(summary, 400, 900, 10))
    assert found.sentence == "Do not act on these groups yet: look at Credit limit first."
    assert found.cluster is None


def test_a_run_of_rejects_alone_says_so(model: ClusterModel, summary: Summary) -> None:
    assert "No customer" in headline(model, counted(summary, 0, 0, 0)).sentence


def test_a_few_who_all_left_do_not_come_before_many(model: ClusterModel, summary: Summary) -> None:
    silent = replace(model, clusters=tuple(replace(c, churn=None) for c in model.clusters))
    found = headline(silent, labelled(summary, silent, (2, 3), (400, 900), (100, 1000)))
    assert found.cluster == 2
