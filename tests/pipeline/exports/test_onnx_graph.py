"""The graph, run by onnxruntime, answers as the scorer does."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.exports.errors import WrongExport
from pipeline.exports.onnx_graph import OUTPUTS, to_onnx
from pipeline.model.cluster_model import Assignments, ClusterModel
from tests.support.borders import Columns


def answers(model: ClusterModel, columns: dict[str, Any]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(to_onnx(model, "v1"))
    return dict(zip(OUTPUTS, session.run(list(OUTPUTS), columns), strict=True))


def assert_equal(found: dict[str, np.ndarray], model: ClusterModel, expected: Assignments) -> None:
    np.testing.assert_array_equal(found["cluster"], expected.cluster)
    np.testing.assert_allclose(found["distance"], expected.distance, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["margin"], expected.margin, rtol=0, atol=1e-12)
    names = {cluster.id: cluster.name for cluster in model.clusters}
    assert found["cluster_name"].tolist() == [names[i] for i in expected.cluster.tolist()]


def test_all_real_customers_get_the_scorers_answer(
    bundled: ClusterModel, real_columns: Columns
) -> None:
    found = answers(bundled, real_columns)
    assert_equal(found, bundled, bundled.assign_many(real_columns))
    rates = {c.id: c.churn.rate for c in bundled.clusters if c.churn}
    assert found["churn_rate"].tolist() == [rates[i] for i in found["cluster"].tolist()]


def test_a_million_customers_on_the_borders_differ_by_rounding_only(
    bundled: ClusterModel, border_columns: Columns
) -> None:
    found, expected = answers(bundled, border_columns), bundled.assign_many(border_columns)
    differ = found["cluster"] != expected.cluster
    assert expected.margin[differ].max(initial=0) < 1e-13
    assert differ.mean() < 0.001


def test_every_branch_of_the_transform(bent_model: tuple[ClusterModel, Columns]) -> None:
    model, columns = bent_model
    found = answers(model, columns)
    assert_equal(found, model, model.assign_many(columns))
    assert np.isnan(found["churn_rate"]).all()  # of a model without a label


def test_a_refused_value_has_no_cluster(gym_model: ClusterModel) -> None:
    visits = np.array([4, np.nan, 2.5, -1, 201, np.inf, 20, 20, 14])
    fee = np.array([20, 20.5, 20, 20, 20, 20, np.nan, 25, 80])
    plan = np.array([*["basic"] * 7, "gold", "plus"], object)
    found = answers(gym_model, {"visits": visits, "fee": fee, "plan": plan})
    good = [0, 1, 8]
    expected = gym_model.assign_many(
        {"visits": np.array([4.0, 0, 14]), "fee": fee[good], "plan": plan[good]}
    )
    assert_equal({name: found[name][good] for name in found}, gym_model, expected)
    bad = [2, 3, 4, 5, 6, 7]
    assert set(found["cluster"][bad]) == {0}
    assert set(found["cluster_name"][bad]) == {""}
    for name in ("churn_rate", "distance", "margin"):
        assert np.isnan(found[name][bad]).all()


def test_a_tie_belongs_to_the_lowest_id(bent_model: tuple[ClusterModel, Columns]) -> None:
    model, columns = bent_model
    same = replace(model.clusters[1], centre=model.clusters[0].centre)
    found = answers(replace(model, clusters=(model.clusters[0], same)), columns)
    assert set(found["cluster"]) == {2}
    assert set(found["margin"]) == {0.0}


def test_the_graph_says_what_it_is_and_what_it_reads(champion: ClusterModel) -> None:
    graph = onnx.load_from_string(to_onnx(champion, "20260131T093000Z-1a2b3c4d"))
    facts = {fact.key: fact.value for fact in graph.metadata_props}
    assert facts == {
        "model_version": "20260131T093000Z-1a2b3c4d",
        "contract": "bank_churners",
        "contract_sha256": champion.contract.digest,
    }
    texts = {value.name: value.doc_string for value in graph.graph.input}
    assert texts["Total_Trans_Amt"] == "Amount spent [USD]: a number from 0 to 100,000,000"


def test_a_feature_with_the_name_of_an_answer_is_refused(
    bent_model: tuple[ClusterModel, Columns],
) -> None:
    model, _ = bent_model
    features = (replace(model.contract.features[0], name="margin"), *model.contract.features[1:])
    renamed = replace(model, contract=replace(model.contract, features=features))
    with pytest.raises(WrongExport, match="feature margin has the name of an answer"):
        to_onnx(renamed, "v1")
