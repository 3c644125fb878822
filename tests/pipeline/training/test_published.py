"""The published figures, reproduced on the real customers."""

from pathlib import Path

import pytest

from model_store import open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.training import RECIPES, Budget, publish, train


def test_the_original_model_is_reproduced(
    bank_churners: Path, bank_contract: Contract, tmp_path: Path, model: ClusterModel
) -> None:
    steps: list[str] = []
    trained = train(bank_churners, bank_contract, RECIPES["original"], steps.append, Budget())
    assert trained.metrics["silhouette_model_space"] == pytest.approx(0.4966, abs=2e-4)
    assert trained.metrics["silhouette_standardised_space"] == pytest.approx(0.348, abs=5e-4)
    assert trained.metrics["churn_auc"] == pytest.approx(0.686, abs=0.01)
    assert trained.metrics["weakest_jaccard"] == pytest.approx(0.93, abs=0.03)
    assert trained.metrics["cluster_sizes"] == [4706, 2028, 3393]
    rates = trained.metrics["cluster_churn_rates"]
    assert rates == pytest.approx([0.081, 0.107, 0.3036], abs=5e-4)
    assert len(trained.cleaning.dropped_columns) == 2
    assert len(steps) >= 4
    store = open_store(tmp_path)
    first, again = publish(trained, store), publish(trained, store)
    assert first.version == again.version
    clusters = load_model(first).clusters
    assert [cluster.name for cluster in clusters] == [cluster.name for cluster in model.clusters]
    for cluster, shipped in zip(clusters, model.clusters, strict=True):  # alike on every processor
        assert cluster.centre == pytest.approx(shipped.centre, rel=1e-9)
        assert cluster.outlier_distance == pytest.approx(shipped.outlier_distance, rel=1e-9)
        assert (cluster.size, cluster.churn) == (shipped.size, shipped.churn)


def test_the_comparison_with_gender_is_reproduced(
    bank_churners: Path, bank_contract: Contract
) -> None:
    trained = train(
        bank_churners,
        bank_contract,
        RECIPES["original-onehot"],
        lambda step: None,
        Budget(bootstraps=3, repeats=1),
    )
    assert trained.metrics["silhouette_model_space"] == pytest.approx(0.4920, abs=2e-4)
