import io
import json
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from model_store import Artifact, WrongArtifact
from pipeline.errors import WrongRow
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Range

MILLION = 1_000_000


@pytest.fixture(scope="module")
def real(bank_churners: Path, model: ClusterModel) -> pd.DataFrame:
    return pd.read_csv(bank_churners)[[f.name for f in model.contract.features]].astype(float)


def predicted(artifact: Artifact, frame: pd.DataFrame) -> np.ndarray:
    """What the fitted scikit-learn pipeline answers: the independent reference."""
    pipeline = joblib.load(io.BytesIO(artifact.read("pipeline.joblib")))
    return np.asarray(pipeline.predict(frame)) + 1


def columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    return {str(name): frame[name].to_numpy() for name in frame}


def test_every_real_customer_gets_the_pipelines_cluster(
    original: Artifact, model: ClusterModel, real: pd.DataFrame
) -> None:
    found = model.assign_many(columns(real))
    np.testing.assert_array_equal(found.cluster, predicted(original, real))
    pipeline = joblib.load(io.BytesIO(original.read("pipeline.joblib")))
    distances = pipeline.transform(real).min(axis=1)
    np.testing.assert_allclose(found.distance, distances, atol=1e-9)


def test_a_million_customers_around_the_borders_get_the_pipelines_cluster(
    original: Artifact, model: ClusterModel
) -> None:
    """Points between two centres, off the border by down to a billionth of their distance."""
    rng = np.random.default_rng(3)
    space = model.space
    assert space.components is not None and space.pca_mean is not None
    centres = np.array([cluster.centre for cluster in model.clusters])
    pairs = np.array([(i, j) for i in range(3) for j in range(3) if i != j])
    a, b = np.moveaxis(centres[pairs[rng.integers(len(pairs), size=MILLION)]], 1, 0)
    along = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True)
    across = along[:, ::-1] * [-1, 1]
    off = rng.choice([-1, 1], MILLION) * 10.0 ** rng.uniform(-9, -1, MILLION)
    u = (a + b) / 2 + along * off[:, None] + across * rng.normal(0, 1, (MILLION, 1))
    z = u @ np.array(space.components) + np.array(space.pca_mean)
    frame = pd.DataFrame(
        z * space.scale + space.mean, columns=[column.feature for column in model.columns]
    )
    found = model.assign_many(columns(frame)).cluster
    np.testing.assert_array_equal(found, predicted(original, frame))


def test_one_customer_and_many_agree_to_the_last_bit(
    model: ClusterModel, real: pd.DataFrame
) -> None:
    sample = real.sample(2_000, random_state=1)
    many = model.assign_many(columns(sample))
    for index, row in enumerate(sample.to_dict("records")):
        one = model.assign({str(name): value for name, value in row.items()})
        assert one.cluster.id == many.cluster[index]
        assert one.distance == many.distance[index]
        assert one.margin == many.margin[index]
        assert one.outlier == many.outlier[index]


def test_reasons_add_up_to_the_difference_of_squared_distances(
    model: ClusterModel, real: pd.DataFrame
) -> None:
    for row in real.sample(2_000, random_state=2).to_dict("records"):
        found = model.assign({str(name): value for name, value in row.items()})
        difference = found.runner_up_distance**2 - found.distance**2
        assert sum(r.contribution for r in found.reasons) == pytest.approx(difference, abs=1e-9)


def test_columns_are_bound_by_name_in_any_order(
    model: ClusterModel, customer: dict[str, object]
) -> None:
    backwards = dict(reversed(customer.items()))
    assert model.assign(backwards) == model.assign(customer)
    assert model.assign({**customer, "Customer_Age": 99}) == model.assign(customer)


def test_the_weightiest_reason_comes_first_and_says_why(
    model: ClusterModel, customer: dict[str, object]
) -> None:
    reasons = model.assign(customer).reasons
    weights = [abs(reason.contribution) for reason in reasons]
    assert weights == sorted(weights, reverse=True)
    assert reasons[0].sentence == (
        "Credit limit: 12,691 USD speaks for this group; "
        "group 2 would begin at 16,890 USD if nothing else changed."
    )


def test_a_customer_at_the_centre_has_margin_one(model: ClusterModel) -> None:
    """Between two centres the margin falls to zero."""
    space = model.space
    assert space.components is not None and space.pca_mean is not None
    own = np.array(model.clusters[0].centre)
    z = own @ np.array(space.components) + np.array(space.pca_mean)
    customer = dict(
        zip((c.feature for c in model.columns), z * space.scale + space.mean, strict=True)
    )
    free = tuple(
        replace(f, type="number", valid=Range(None, None)) for f in model.contract.features
    )
    relaxed = replace(model, contract=replace(model.contract, features=free))
    found = relaxed.assign({name: float(value) for name, value in customer.items()})
    assert found.cluster.id == 1
    assert found.margin == pytest.approx(1, abs=1e-9)


def test_an_unusual_value_makes_an_outlier(
    model: ClusterModel, customer: dict[str, object]
) -> None:
    found = model.assign({**customer, "Credit_Limit": 5_000_000})
    assert found.outlier
    assert found.unusual == ("Credit_Limit",)
    assert not model.assign(customer).outlier


def test_unusable_customers_are_refused(model: ClusterModel, customer: dict[str, object]) -> None:
    with pytest.raises(WrongRow, match="Credit_Limit: expected a number"):
        model.assign({**customer, "Credit_Limit": float("nan")})


def test_a_tie_goes_to_the_lowest_id(model: ClusterModel, customer: dict[str, object]) -> None:
    clusters = tuple(replace(c, centre=model.clusters[0].centre) for c in model.clusters)
    tied = replace(model, clusters=clusters)
    one = tied.assign(customer)
    many = tied.assign_many({name: np.array([float(str(v))]) for name, v in customer.items()})
    assert (one.cluster.id, one.runner_up.id) == (1, 2)
    assert many.cluster[0] == 1
    assert one.margin == many.margin[0] == 0


def test_a_model_reads_back_what_it_writes(model: ClusterModel) -> None:
    again = ClusterModel.from_json(model.to_json(), "again")
    assert again == model
    assert again.to_json() == model.to_json()


def test_a_model_that_no_longer_gives_its_golden_answers_is_refused(model: ClusterModel) -> None:
    document = json.loads(model.to_json())
    document["space"]["mean"][0] += 0.001
    with pytest.raises(WrongArtifact, match=r"was expected for .*train again"):
        ClusterModel.from_json(json.dumps(document).encode(), "damaged")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"contract": null, "space": {"components": null}}']
)
def test_something_else_than_a_model_is_refused(content: bytes) -> None:
    with pytest.raises(WrongArtifact, match="not a usable model"):
        ClusterModel.from_json(content, "damaged")


def test_an_unknown_cluster_is_a_key_error(model: ClusterModel) -> None:
    assert model.cluster(2).id == 2
    with pytest.raises(KeyError):
        model.cluster(4)
