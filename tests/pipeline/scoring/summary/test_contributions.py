"""Mean contributions: those of single look-ups, to the last bit however a file is cut."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.many.explanations import customer_at, explain_many
from pipeline.scoring.summary.contributions import ContributionCounts, mean_contributions
from pipeline.scoring.summary.tally_codec import add_encoded, empty_total, encode_tally


def invented(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    return {
        "Contacts_Count_12_mon": rng.integers(0, 7, count).astype(float),
        "Credit_Limit": rng.gamma(2, 5_000, count),
        "Total_Revolving_Bal": rng.integers(0, 2_500, count).astype(float),
        "Avg_Utilization_Ratio": rng.random(count),
    }


def counted(model: ClusterModel, values: dict[str, np.ndarray]) -> ContributionCounts:
    ordered = {feature.name: values[feature.name] for feature in model.contract.features}
    return ContributionCounts.of(explain_many(model, ordered), len(model.clusters))


def test_means_are_those_of_single_look_ups(model: ClusterModel) -> None:
    count = 700
    values = invented(count)
    parts: dict[int, dict[str, list[float]]] = {cluster.id: {} for cluster in model.clusters}
    for row in range(count):
        answer = model.locate(customer_at(values, row))
        for reason in answer.reasons:
            parts[answer.cluster.id].setdefault(reason.feature, []).append(reason.contribution)
    customers = [len(next(iter(of.values()), [])) for of in parts.values()]
    assert sum(customers) == count and all(customers)
    means = mean_contributions(model, counted(model, values), customers)
    assert [each["cluster"] for each in means] == [cluster.id for cluster in model.clusters]
    for each in means:
        single = {name: np.array(found) for name, found in parts[each["cluster"]].items()}
        total = sum(np.abs(found).sum() for found in single.values())
        assert each["features"].keys() == single.keys()
        for name, found in single.items():
            contribution = each["features"][name]
            assert contribution["mean"] == pytest.approx(found.mean(), abs=2e-6)
            assert contribution["mean_size"] == pytest.approx(np.abs(found).mean(), abs=2e-6)
            assert contribution["share"] == pytest.approx(np.abs(found).sum() / total, abs=2e-6)
        shares = [contribution["share"] for contribution in each["features"].values()]
        assert shares == sorted(shares, reverse=True)


@given(cuts=st.lists(st.integers(0, 2_000), max_size=8))
def test_any_way_of_cutting_gives_the_same_bits(model: ClusterModel, cuts: list[int]) -> None:
    values, total = invented(2_000), None
    for low, high in reversed([*itertools.pairwise([0, *sorted(cuts), 2_000])]):
        part = {name: column[low:high] for name, column in values.items()}
        total = counted(model, part).plus(total)
    whole = counted(model, values)
    assert total is not None
    assert total.sums.tobytes() == whole.sums.tobytes()
    assert total.sizes.tobytes() == whole.sizes.tobytes()


def test_parts_of_a_file_are_added_up_from_their_bytes(model: ClusterModel) -> None:
    values, total = invented(600), empty_total(model)
    for low, high in ((0, 250), (250, 600)):
        part = empty_total(model)
        part.contributions = counted(model, {n: column[low:high] for n, column in values.items()})
        add_encoded(total, encode_tally(part), low)
    assert total.contributions is not None
    assert total.contributions.sums.tobytes() == counted(model, values).sums.tobytes()
    add_encoded(other := empty_total(model), encode_tally(empty_total(model)), 0)
    assert other.contributions is None


def test_a_cluster_without_customers_says_nothing(model: ClusterModel) -> None:
    nobody = counted(model, invented(0))
    means = mean_contributions(model, nobody, [0] * len(model.clusters))
    assert [each["features"] for each in means] == [{}] * len(model.clusters)
