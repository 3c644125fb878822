"""The pipeline, loaded from its skops file, predicts the ids that people know."""

import io
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.pipeline import Pipeline

from model_store import BUNDLED, open_store
from pipeline.exports.sklearn_pipeline import TRUSTED, to_skops
from pipeline.model.cluster_model import ClusterModel
from tests.support.borders import Columns


def loaded(model: ClusterModel) -> Pipeline:
    """Only types that skops trusts by itself."""
    content = to_skops(model)
    assert skops.io.get_untrusted_types(data=content) == list(TRUSTED) == []
    return skops.io.loads(content, trusted=[])


def distances(pipeline: Pipeline, frame: pd.DataFrame) -> np.ndarray:
    points = pipeline[:-1].transform(frame)
    offsets = points[:, None] - pipeline[-1].centroids_
    return np.asarray(np.sqrt((offsets**2).sum(axis=2)).min(axis=1))


def test_all_real_customers_get_the_scorers_answer(
    bundled: ClusterModel, real_columns: Columns
) -> None:
    frame, pipeline = pd.DataFrame(real_columns), loaded(bundled)
    backwards = frame[frame.columns[::-1]]  # columns are found by name
    expected = bundled.assign_many(real_columns)
    np.testing.assert_array_equal(pipeline.predict(backwards), expected.cluster)
    np.testing.assert_allclose(distances(pipeline, frame), expected.distance, rtol=0, atol=1e-12)


def test_it_agrees_with_the_joblib_beside_it_but_for_the_numbers_of_clusters(
    reference: str, bundled: ClusterModel, real_columns: Columns
) -> None:
    artifact = open_store(BUNDLED).open(reference)
    fitted = joblib.load(io.BytesIO(artifact.read("pipeline.joblib")))
    frame = pd.DataFrame(real_columns)
    ids = np.array([cluster.id for cluster in bundled.clusters])
    np.testing.assert_array_equal(loaded(bundled).predict(frame), ids[fitted.predict(frame)])


def test_customers_off_the_borders_by_more_than_rounding_agree(
    bundled: ClusterModel, border_columns: Columns
) -> None:
    """scikit-learn measures |x|² - 2xc + |c|², which rounds otherwise."""
    expected = bundled.assign_many(border_columns)
    differ = loaded(bundled).predict(pd.DataFrame(border_columns)) != expected.cluster
    assert expected.margin[differ].max(initial=0) < 1e-13


def test_every_branch_of_the_transform(bent_model: tuple[ClusterModel, Columns]) -> None:
    model, columns = bent_model
    frame, pipeline = pd.DataFrame(columns), loaded(model)
    expected = model.assign_many(columns)
    np.testing.assert_array_equal(pipeline.predict(frame), expected.cluster)
    np.testing.assert_allclose(distances(pipeline, frame), expected.distance, rtol=0, atol=1e-12)


def test_categories_and_an_unknown_one(
    gym_model: ClusterModel, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    pipeline = loaded(gym_model)
    columns = {
        f.name: gym_members[f.name].to_numpy(float if f.numeric else object)
        for f in gym_model.contract.features
    }
    expected = gym_model.assign_many(columns)
    np.testing.assert_array_equal(pipeline.predict(gym_members), expected.cluster)
    with pytest.raises(ValueError, match="unknown categories"):
        pipeline.predict(gym_members.assign(plan="gold"))
