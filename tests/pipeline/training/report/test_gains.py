"""Gains and lift of clusters, and the headline figures in plain words."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.model.churn import ChurnRate
from pipeline.model.cluster import Cluster
from pipeline.model.published.facts import Metrics
from pipeline.training import Trained
from pipeline.training.clusters.rule import Rule
from pipeline.training.report.gains import gains, gains_curve
from pipeline.training.report.headlines import headlines


def clusters(counts: Sequence[tuple[int, int]]) -> list[Cluster]:
    """Clusters of which so many left, of so many."""
    total = sum(n for _, n in counts)
    return [
        Cluster(i, f"Group {i}", "", (0.0,), n, n / total, ChurnRate.of(x, n), 1.0, {})
        for i, (x, n) in enumerate(counts, start=1)
    ]


def test_the_riskiest_come_first_and_all_are_reached_in_the_end() -> None:
    steps = gains(clusters([(10, 500), (60, 200), (30, 300)]))
    assert [step.cluster.id for step in steps] == [2, 3, 1]
    assert [step.customers for step in steps] == pytest.approx([0.2, 0.5, 1.0])
    assert [step.leavers for step in steps] == pytest.approx([0.6, 0.9, 1.0])
    assert [step.lift for step in steps] == pytest.approx([3.0, 1.0, 0.2])
    assert [step.cumulative_lift for step in steps] == pytest.approx([3.0, 1.8, 1.0])


def test_rates_that_were_counted_on_others_weigh_by_the_size_of_the_cluster() -> None:
    whole = clusters([(10, 500), (60, 200), (30, 300)])
    counted = [
        replace(c, churn=ChurnRate.of(c.churn.churned // 5, c.size // 5)) for c in whole if c.churn
    ]
    assert [step.leavers for step in gains(counted)] == pytest.approx([0.6, 0.9, 1.0])


def test_where_nobody_left_or_nobody_knows_there_are_no_gains() -> None:
    assert gains(clusters([(0, 50), (0, 60)])) == []
    assert gains([replace(cluster, churn=None) for cluster in clusters([(5, 50), (6, 60)])]) == []


def test_the_curve_says_in_words_what_it_draws() -> None:
    drawn = gains_curve(gains(clusters([(10, 500), (60, 200), (30, 300)])))
    assert "up to cluster 2 20.0% of the customers and 60.0% of those who left" in drawn


def test_headlines_say_in_words_what_figures_mean(gym_trained: Trained) -> None:
    steps, rule = gains(gym_trained.model.clusters), Rule((), 0.957, 3)
    metrics: Metrics = {**gym_trained.metrics, "churn_auc": 0.841}
    said = {one.says: f"{one.of} {one.measure}" for one in headlines(metrics, rule, steps)}
    assert "not seen before churn AUC out of sample 0.841" in said["84 of 100"]
    assert "cluster 3" in said[f"{steps[0].lift:.1f} times"]
    assert "three questions" in said["96 of 100"]
    assert any("silhouette" in text for text in said.values())
    untouched: Metrics = {**metrics, "churn_auc_untouched": 0.777}
    said = {one.says: f"{one.of} {one.measure}" for one in headlines(untouched, rule, steps)}
    assert "that chose nothing churn AUC on the untouched quarter 0.777" in said["78 of 100"]


def test_without_a_label_no_headline_is_about_churn(gym_trained: Trained) -> None:
    metrics: Metrics = {**gym_trained.metrics, "churn_auc": None}
    said = " ".join(
        f"{it.says} {it.of} {it.measure}" for it in headlines(metrics, Rule((), 1, 0), [])
    )
    assert "churn" not in said
    assert "left" not in said
