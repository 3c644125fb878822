"""The smallest single change, against brute force over fine grids."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from model_store import BUNDLED, open_store
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel, Column
from pipeline.model.contract import Contract, Feature, Range, Value
from pipeline.model.contract.feature import WAYS, Actionable
from pipeline.model.counterfactuals import (
    Counterfactual,
    find_counterfactuals,
    smallest_counterfactual,
)
from pipeline.model.geometry import Space, yeo_johnson, yeo_johnson_inverse
from pipeline.model.published.loading import load_model

GRID = 500


def bundled(reference: str) -> ClusterModel:
    artifact = open_store(BUNDLED).open(reference)
    return load_model(artifact)


def marked(model: ClusterModel, **ways: Actionable) -> ClusterModel:
    """The model, whose features can be changed in these ways alone, the others in any."""
    features = tuple(replace(f, actionable=ways.get(f.name)) for f in model.contract.features)
    return replace(model, contract=replace(model.contract, features=features))


CHAMPION, ORIGINAL = marked(bundled("champion")), marked(bundled("original"))
SPANS = {
    "Total_Revolving_Bal": st.floats(0, 4_000),
    "Total_Trans_Amt": st.floats(0, 30_000),
    "Total_Trans_Ct": st.integers(0, 200).map(float),
    "Contacts_Count_12_mon": st.integers(0, 12).map(float),
    "Credit_Limit": st.floats(0, 60_000),
    "Avg_Utilization_Ratio": st.floats(0, 1),
}


def customers_of(model: ClusterModel) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries({f.name: SPANS[f.name] for f in model.contract.features})


def clusters_along(
    model: ClusterModel, customer: dict[str, Value], name: str, values: np.ndarray
) -> np.ndarray:
    """The cluster for each value of one feature, the others as they are."""
    columns = {other: np.full(len(values), customer[other]) for other in customer}
    return model.assign_many({**columns, name: values}).cluster


def shorter_changes(
    model: ClusterModel, customer: dict[str, Value], feature: Feature, change: Counterfactual | None
) -> np.ndarray:
    """Valid values that move less than 97 % as far as the change, in either direction."""
    low, high = feature.valid.low, feature.valid.high
    assert low is not None and high is not None
    start = float(customer[feature.name])
    column = model.columns.index(Column(feature.name))
    space = model.space

    def limit(sign: int) -> float:
        if change is None:
            return low if sign < 0 else high
        moved = model.standardise(customer)[column] + sign * 0.97 * change.size
        raw = moved * space.scale[column] + space.mean[column]
        return min(max(yeo_johnson_inverse(raw, space.lambdas[column]), low), high)

    tried = np.linspace(limit(-1), limit(1), GRID)
    if feature.type == "integer":
        whole = np.unique(np.trunc(tried - start)) + start
        tried = whole[(whole >= low) & (whole <= high)]
    return tried


@pytest.mark.parametrize("model", [CHAMPION, ORIGINAL], ids=["champion", "original"])
@given(data=st.data())
def test_the_stated_change_moves_the_customer_and_no_smaller_one_does(
    model: ClusterModel, data: st.DataObject
) -> None:
    customer = data.draw(customers_of(model))
    found = model.locate(customer)
    assume(found.margin > 1e-6)
    changes = find_counterfactuals(model, customer)
    for feature in model.contract.features:
        change = changes[feature.name]
        if change is not None:
            assert feature.parse(change.value) == change.value
            moved = model.locate({**customer, feature.name: change.value})
            assert moved.cluster == change.cluster != found.cluster
        tried = shorter_changes(model, customer, feature, change)
        reached = clusters_along(model, customer, feature.name, tried)
        assert (reached == found.cluster.id).all()
    sizes = [change.size for change in changes.values() if change]
    smallest = smallest_counterfactual(changes.values())
    assert (smallest.size if smallest else None) == (min(sizes) if sizes else None)


def test_values_are_rounded_for_people() -> None:
    customer = CHAMPION.golden[1].customer
    found = {name: change and change.value for name, change in
             find_counterfactuals(CHAMPION, customer).items()}  # fmt: skip
    assert found == {
        "Total_Revolving_Bal": 303.0,
        "Total_Trans_Amt": 12_030.0,
        "Total_Trans_Ct": 108.0,
    }


def test_a_feature_that_cannot_change_the_cluster_has_no_change() -> None:
    changes = find_counterfactuals(ORIGINAL, ORIGINAL.golden[0].customer)
    assert changes["Avg_Utilization_Ratio"] is None  # it would have to be above 1
    smallest = smallest_counterfactual(changes.values())
    assert smallest is not None and smallest.feature == "Total_Revolving_Bal"


def test_rounding_stays_within_the_valid_range() -> None:
    customer: dict[str, Value] = {**ORIGINAL.golden[1].customer}
    change = find_counterfactuals(ORIGINAL, customer)["Avg_Utilization_Ratio"]
    assert change is not None and change.value == 0.671
    features = tuple(
        replace(f, valid=Range(0, 0.67051)) if f.name == "Avg_Utilization_Ratio" else f
        for f in ORIGINAL.contract.features
    )
    narrow = replace(ORIGINAL, contract=replace(ORIGINAL.contract, features=features))
    change = find_counterfactuals(narrow, customer)["Avg_Utilization_Ratio"]
    assert change is not None and change.value == 0.67051


def two_clusters(feature: Feature, columns: tuple[Column, ...], *centres: float) -> ClusterModel:
    clusters = tuple(
        Cluster(index, str(index), "", (centre,) * len(columns), 1, 0.5, None, 1, {})
        for index, centre in enumerate(centres, start=1)
    )
    space = Space((None,) * len(columns), (0.0,) * len(columns), (1.0,) * len(columns))
    contract = Contract("made up", "Made up", (feature,))
    return ClusterModel(contract, columns, space, clusters, {}, ())


def plain(model: ClusterModel, value: Value) -> Counterfactual | None:
    """The change without its reasons, which need profiles."""
    silent = replace(model, clusters=tuple(
        replace(c, profile={"x": PROFILE}) for c in model.clusters
    ))  # fmt: skip
    return find_counterfactuals(silent, {"x": value})["x"]


PROFILE = CHAMPION.clusters[0].profile["Total_Trans_Ct"]


@pytest.mark.parametrize(("start", "value"), [(0.0, 3.0), (2.0, 3.0), (4.0, 2.0), (9.0, 2.0)])
def test_a_tie_belongs_to_the_lowest_id(start: float, value: float) -> None:
    """The border lies at 2.5 for 1 and 4; at 2 exactly for 0 and 4 it belongs to cluster 1."""
    feature = Feature("x", "integer", "X")
    change = plain(two_clusters(feature, (Column("x"),), 0.0, 4.0), start)
    assert change is not None
    assert change.value == value


def test_a_customer_on_the_border_needs_the_smallest_step() -> None:
    number = Feature("x", "number", "X")
    change = plain(two_clusters(number, (Column("x"),), 0.0, 4.0), 2.0)
    assert change is not None
    assert change.value == 2.00001
    change = plain(two_clusters(number, (Column("x"),), -1.0, 1.0), 0.0)
    assert change is not None
    assert change.value == 1e-8


def test_a_category_changes_to_the_value_that_moves_least() -> None:
    feature = Feature("x", "category", "X", values=("a", "b", "c"))
    columns = (Column("x", "a"), Column("x", "b"), Column("x", "c"))
    model = two_clusters(feature, columns, 0.0, 1.0)
    centres = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.4))
    clusters = tuple(
        replace(cluster, centre=centre)
        for cluster, centre in zip(model.clusters, centres, strict=True)
    )
    space = Space((None,) * 3, (0.0,) * 3, (1.0, 1.0, 0.5))
    change = plain(replace(model, clusters=clusters, space=space), "a")
    assert change is not None
    assert (change.value, change.cluster.id) == ("b", 2)
    assert change.size == pytest.approx(math.sqrt(2))


def test_clusters_that_differ_elsewhere_cannot_be_reached() -> None:
    feature = Feature("x", "number", "X")
    assert plain(two_clusters(feature, (Column("x"),), 1.0, 1.0), 0.0) is None


@pytest.mark.parametrize("power", [None, -1.5, -0.14, 0.0, 0.4, 1.0, 2.0, 2.7])
@given(x=st.floats(-1e3, 1e3))
@example(x=0.0)
def test_the_inverse_undoes_yeo_johnson(power: float | None, x: float) -> None:
    y = yeo_johnson(x, power)
    again = yeo_johnson_inverse(y, power)
    assert yeo_johnson(again, power) == pytest.approx(y, rel=1e-9, abs=1e-12)


def test_beyond_the_reach_of_yeo_johnson_there_is_nothing() -> None:
    assert yeo_johnson_inverse(2.0, -0.5) == math.inf  # the transform stays below 2
    assert yeo_johnson_inverse(-2.0, 2.5) == -math.inf
    assert yeo_johnson_inverse(1e6, 0.0) == math.inf  # more than a float can hold


def test_what_nobody_can_change_is_not_proposed() -> None:
    customer = CHAMPION.golden[1].customer
    found = find_counterfactuals(marked(CHAMPION, Total_Trans_Ct="no"), customer)
    assert found["Total_Trans_Ct"] is None
    before = find_counterfactuals(marked(CHAMPION), customer)
    assert {**found, "Total_Trans_Ct": before["Total_Trans_Ct"]} == before


def test_a_change_goes_the_ways_that_are_declared() -> None:
    for golden in CHAMPION.golden:
        (up, down, both) = (
            find_counterfactuals(marked(CHAMPION, Total_Trans_Ct=way), golden.customer)
            for way in WAYS[:3]
        )
        old = float(golden.customer["Total_Trans_Ct"])
        ups, downs, either = (found["Total_Trans_Ct"] for found in (up, down, both))
        assert ups is None or float(ups.value) > old
        assert downs is None or float(downs.value) < old
        assert either == smallest_counterfactual([ups, downs])
