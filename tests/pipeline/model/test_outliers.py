"""An outlier is far from its centre, off the pattern of the values together, or out of range."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model_store import BUNDLED, CHAMPION, FORMAT, WrongArtifact, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.geometry import Space
from pipeline.model.published.loading import load_model
from pipeline.model.reasons import combination
from pipeline.training import Trained
from pipeline.training.clusters.description import LEAST_RESIDUAL
from tests.support.limited import SELDOM, with_limit


@pytest.fixture(scope="module")
def champion() -> ClusterModel:
    return load_model(open_store(BUNDLED).open(CHAMPION))


def random_customers(size: int = 3_000) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "Total_Revolving_Bal": rng.uniform(0, 2_500, size).round(),
            "Total_Trans_Amt": rng.uniform(500, 18_000, size).round(),
            "Total_Trans_Ct": rng.integers(10, 140, size).astype(float),
        }
    )


def test_what_pca_drops_makes_an_outlier_and_is_named(champion: ClusterModel) -> None:
    found = with_limit(champion, 1.1).assign(SELDOM)
    assert found.outlier
    assert found.unusual == ()
    assert found.residual == pytest.approx(3.225, abs=0.001)
    assert found.combination == ("Total_Trans_Ct", "Total_Trans_Amt")
    usual = with_limit(champion, 1.1).assign({**SELDOM, "Total_Trans_Ct": 110})
    assert not usual.outlier
    assert usual.combination == ()


def test_an_artifact_of_format_1_judges_as_it_did(champion: ClusterModel) -> None:
    """The limit is not in it: the customer above is typical, and nothing is measured."""
    clusters = tuple(replace(cluster, outlier_residual=None) for cluster in champion.clusters)
    old = replace(champion, clusters=clusters)
    found = old.assign(SELDOM)
    assert (found.outlier, found.residual, found.combination) == (False, None, ())
    assert b"outlier_residual" not in old.to_json()


def test_one_and_many_agree_on_outliers(champion: ClusterModel) -> None:
    model, customers = with_limit(champion, 1.0), random_customers()
    many = model.assign_many({str(name): customers[name].to_numpy() for name in customers})
    ones = [model.assign(row) for row in customers.to_dict("records")]  # type: ignore[arg-type]
    assert [one.outlier for one in ones] == many.outlier.tolist()
    assert 100 < sum(bool(one.combination) for one in ones) < 2_900


def test_the_residual_of_one_and_of_many_is_the_same_to_the_last_bit(model: ClusterModel) -> None:
    rng = np.random.default_rng(6)
    z = list(rng.normal(0, 2, (len(model.columns), 500)))
    many = model.space.squared_residual(z, model.space.rotate(z))
    for index, row in enumerate(np.transpose(z).tolist()):
        assert model.space.squared_residual(row, model.space.rotate(row)) == many[index]


def test_residuals_make_up_the_squared_residual() -> None:
    space = Space((None,) * 3, (0.0,) * 3, (1.0,) * 3, (0.1, 0.2, 0.3), ((0.6, 0.8, 0.0),))
    z = [1.0, -2.0, 3.0]
    parts = space.residuals(z, space.rotate(z))
    assert sum(p * p for p in parts) == pytest.approx(space.squared_residual(z, space.rotate(z)))


def test_a_trained_model_has_a_limit_that_its_own_customers_keep(gym_trained: Trained) -> None:
    model, customers = gym_trained.model, gym_trained.customers.features
    limits = [cluster.outlier_residual for cluster in model.clusters]
    assert all(limit is not None and limit >= LEAST_RESIDUAL for limit in limits)
    found = model.assign_many({str(name): customers[name].to_numpy() for name in customers})
    assert found.outlier.mean() < 0.03
    again = ClusterModel.from_json(model.to_json(), "v")
    assert again.clusters == model.clusters


def test_a_limit_in_some_clusters_only_is_refused(gym_trained: Trained) -> None:
    document = json.loads(gym_trained.model.to_json())
    del document["clusters"][0]["outlier_residual"]
    with pytest.raises(WrongArtifact, match="outlier_residual"):
        ClusterModel.from_json(json.dumps(document).encode(), "v")


def test_a_new_artifact_has_a_format_that_older_releases_refuse() -> None:
    assert FORMAT == 2
    assert open_store(BUNDLED).open("original").manifest.format <= FORMAT


def test_a_combination_names_two_features_at_least_and_no_more_than_weigh() -> None:
    assert combination(("a", "b", "c"), (3.0, 0.1, 0.1)) == ("a", "b")
    assert combination(("a", "b", "c"), (1.0, 2.0, 3.0)) == ("c", "b")
    assert combination(("a", "a", "b"), (1.0, 1.0, 1.0)) == ("a", "b")
