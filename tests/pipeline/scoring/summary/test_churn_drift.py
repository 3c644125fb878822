"""Another number of leavers than training leads to expect is told, and chance is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import hypergeom

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.scoring.summary.churn_drift import churn_drift, exact_p, holm
from pipeline.training.statistics.evidence import _holm

LEFT = (11, 128, 180, 527, 770)
SIZES, RATES = np.array([954, 4181, 1375, 2520, 1097]), np.array([0.01, 0.03, 0.13, 0.21, 0.70])


@pytest.fixture(scope="module")
def clusters() -> tuple[Cluster, ...]:
    """As many customers as the champion has, of whom so many left."""
    model: ClusterModel = load_model(open_store(BUNDLED).open(CHAMPION))
    counts = zip(model.clusters, LEFT, SIZES.tolist(), strict=True)
    return tuple(replace(cluster, churn=ChurnRate.of(left, n)) for cluster, left, n in counts)


def as_in_training(clusters: tuple[Cluster, ...]) -> tuple[list[int], list[int]]:
    rates = [cluster.churn for cluster in clusters if cluster.churn]
    return [rate.churned for rate in rates], [rate.customers for rate in rates]


@pytest.mark.parametrize(
    ("old_events", "old", "events", "customers"),
    [(770, 1097, 352, 1097), (3, 60, 9, 80), (11, 954, 0, 78), (0, 10, 5, 12), (4, 9, 4, 9)],
)
def test_the_exact_p_value_is_that_of_the_hypergeometric_distribution(
    old_events: int, old: int, events: int, customers: int
) -> None:
    law = hypergeom(old + customers, old_events + events, customers)
    expected = min(1.0, 2 * min(law.cdf(events), law.sf(events - 1)))
    assert exact_p(old_events, old, events, customers) == pytest.approx(expected, rel=1e-9)


def test_holms_adjustment_is_that_of_training() -> None:
    p_values = [0.03, 0.01, 0.5, 0.011]
    assert holm(p_values) == pytest.approx(_holm(np.array(p_values)).tolist())


def test_half_of_the_expected_leavers_are_a_clear_drift(clusters: tuple[Cluster, ...]) -> None:
    churned, labelled = as_in_training(clusters)
    churned[4] = 352
    drift = churn_drift(clusters, churned, labelled)
    assert drift is not None
    assert [each["verdict"] for each in drift["clusters"]] == ["as in training"] * 4 + [
        "clearly lower"
    ]
    assert drift["clusters"][4]["expected"] == 770
    assert drift["verdict"] == "clearly lower"


def test_training_itself_has_no_drift(clusters: tuple[Cluster, ...]) -> None:
    drift = churn_drift(clusters, *as_in_training(clusters))
    assert drift is not None
    assert {each["verdict"] for each in (drift, *drift["clusters"])} == {"as in training"}


def test_a_small_rise_in_every_cluster_is_seen_in_all_together(
    clusters: tuple[Cluster, ...],
) -> None:
    churned, labelled = as_in_training(clusters)
    drift = churn_drift(clusters, [round(1.11 * x) for x in churned], labelled)
    assert drift is not None
    assert drift["verdict"] == "higher"
    assert {each["verdict"] for each in drift["clusters"][:4]} == {"as in training"}


def test_a_sure_but_slight_difference_is_none(clusters: tuple[Cluster, ...]) -> None:
    labelled = [1_000_000, 1, 1, 1, 1]
    rate = clusters[0].churn
    assert rate is not None
    large = replace(clusters[0], churn=ChurnRate.of(50_000, 1_000_000))
    drift = churn_drift((large, *clusters[1:]), [52_000, 0, 0, 0, 1], labelled)
    assert drift is not None and drift["clusters"][0]["p_adjusted"] < 1e-6
    assert drift["verdict"] == drift["clusters"][0]["verdict"] == "as in training"


def test_without_labels_nothing_is_compared(clusters: tuple[Cluster, ...]) -> None:
    assert churn_drift(clusters, [0] * 5, [0] * 5) is None
    unlabelled = [replace(cluster, churn=None) for cluster in clusters]
    assert churn_drift(unlabelled, [1] * 5, [9] * 5) is None


@pytest.mark.parametrize("customers", [200, 2_000, 50_000])
def test_chance_is_called_drift_in_at_most_one_file_of_twenty(
    clusters: tuple[Cluster, ...], customers: int
) -> None:
    """Training's rates are a sample as well; 500 pairs of samples leave 2.9 points to chance."""
    rng, alarms = np.random.default_rng(customers), 0
    for _ in range(500):
        left = rng.binomial(SIZES, RATES).tolist()
        drawn = [
            replace(cluster, churn=ChurnRate.of(x, n))
            for cluster, x, n in zip(clusters, left, SIZES.tolist(), strict=True)
        ]
        labelled = rng.multinomial(customers, SIZES / SIZES.sum())
        drift = churn_drift(drawn, rng.binomial(labelled, RATES).tolist(), labelled.tolist())
        assert drift is not None
        alarms += any(e["verdict"] != "as in training" for e in (drift, *drift["clusters"]))
    assert alarms <= 0.05 * 500
