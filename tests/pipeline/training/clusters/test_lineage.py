"""Who clusters are after retraining."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from model_store import CHAMPION, Artifact, Conflict, Store, open_store
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.training import (
    RECIPES,
    Recipe,
    Trained,
    find_reference,
    publish,
    rename_clusters,
    train,
)
from pipeline.training.clusters.lineage import LAST_ID, counter_of, last_id, matches
from tests.support.gym import LIGHT, RECIPE


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture
def gym_store(own_gym_models: Path) -> Store:
    """A store whose champion was trained on all members of the gym."""
    return open_store(own_gym_models)


def retrained(
    frame: pd.DataFrame, contract: Contract, store: Store, folder: Path, recipe: Recipe = RECIPE
) -> Trained:
    path = folder / "members.csv"
    frame.to_csv(path, index=False)
    reference_model = find_reference(store, contract)
    return train(path, contract, recipe, lambda step: None, LIGHT, reference_model=reference_model)


def model_of(artifact: Artifact) -> ClusterModel:
    return load_model(artifact)


def crosswalk_of(artifact: Artifact) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(artifact.read("crosswalk.json"))
    return document


def test_into_an_empty_store_nothing_of_this_is_written(
    gym_members: pd.DataFrame, gym_contract: Contract, store: Store, tmp_path: Path
) -> None:
    artifact = publish(retrained(gym_members, gym_contract, store, tmp_path), store)
    assert "crosswalk.json" not in artifact.manifest.files
    assert not {"lineage", "texts_by_people"} & set(artifact.manifest.facts)


def test_ids_and_names_stay_though_the_order_by_churn_is_another(
    gym_members: pd.DataFrame, gym_contract: Contract, gym_store: Store, tmp_path: Path
) -> None:
    """Clusters are numbered by churn rate, so turning churn about would turn the ids about."""
    turned = gym_members["cancelled"].map({"yes": "no", "no": "yes"})
    trained = retrained(gym_members.assign(cancelled=turned), gym_contract, gym_store, tmp_path)
    old, new = model_of(gym_store.open(CHAMPION)), trained.model
    assert [(c.id, c.name, c.size) for c in new.clusters] == [
        (c.id, c.name, c.size) for c in old.clusters
    ]
    assert [c.centre for c in new.clusters] == [c.centre for c in old.clusters]
    rates = trained.metrics["cluster_churn_rates"]
    assert rates is not None
    assert rates[0] > 0.9
    frame = trained.customers.features
    ids = np.array([cluster.id for cluster in new.clusters])
    found = new.assign_many({str(name): frame[name].to_numpy() for name in frame})
    np.testing.assert_array_equal(ids[trained.fitted.pipeline.predict(frame)], found.cluster)
    crosswalk = crosswalk_of(publish(trained, gym_store))
    assert crosswalk["counts"] == [[200, 0, 0], [0, 200, 0], [0, 0, 200]]
    assert (crosswalk["moved_share"], crosswalk["ari"]) == (0, 1)
    assert [transition["became"] for transition in crosswalk["clusters"]] == ["kept"] * 3
    assert crosswalk["clusters"][0]["churn_change"] > 0.9
    assert crosswalk["clusters"][0]["centre_shift"] == pytest.approx(0, abs=1e-12)


def test_a_vanished_cluster_is_retired_and_its_id_is_never_used_again(
    gym_members: pd.DataFrame, gym_contract: Contract, gym_store: Store, tmp_path: Path
) -> None:
    store = gym_store
    few = gym_members[gym_members["visits"] > 5]
    two = publish(retrained(few, gym_contract, store, tmp_path, replace(RECIPE, k=2)), store, "two")
    assert [c.id for c in model_of(two).clusters] == [1, 2]
    assert two.manifest.facts["lineage"]["retired"] == [3]
    assert crosswalk_of(two)["clusters"][2]["became"] == "retired"
    store.promote(two.version, "why", "who")

    again = publish(retrained(gym_members, gym_contract, store, tmp_path), store, "again")
    assert [c.id for c in model_of(again).clusters] == [1, 2, 4]
    assert again.manifest.facts["lineage"] == {
        "champion": two.version, "retired": [3], "last_id": 4,
    }  # fmt: skip
    other = publish(
        retrained(gym_members, gym_contract, store, tmp_path, replace(RECIPE, seed=1, n_init=6)),
        store,
    )
    assert max(c.id for c in model_of(other).clusters) == 5  # 4 was seen, though never promoted
    report = other.read("report.html").decode()
    assert "Cluster 5" in report


def test_an_id_is_never_given_again_though_its_version_was_pruned(
    gym_members: pd.DataFrame, gym_contract: Contract, store: Store, tmp_path: Path
) -> None:
    few = gym_members[gym_members["visits"] > 5]
    two = replace(RECIPE, k=2)
    publish(retrained(few, gym_contract, store, tmp_path, two), store)
    seen = publish(retrained(gym_members, gym_contract, store, tmp_path), store)
    assert [c.id for c in model_of(seen).clusters] == [1, 2, 3]
    store.point("candidate", store.resolve(CHAMPION))
    publish(retrained(few.iloc[:-9], gym_contract, store, tmp_path, two), store, "other")
    assert seen.version in store.prune(keep=1)
    again = publish(retrained(gym_members[:-9], gym_contract, store, tmp_path), store)
    assert [c.id for c in model_of(again).clusters] == [1, 2, 4]


def test_training_that_was_done_before_makes_no_new_version(
    gym_members: pd.DataFrame, gym_contract: Contract, store: Store, tmp_path: Path
) -> None:
    few = gym_members[gym_members["visits"] > 5]
    two = replace(RECIPE, k=2)
    champion = publish(retrained(few, gym_contract, store, tmp_path, two), store)
    itself = publish(retrained(few, gym_contract, store, tmp_path, two), store)
    assert itself.version == champion.version
    candidate = publish(retrained(gym_members, gym_contract, store, tmp_path), store)
    again = publish(retrained(gym_members, gym_contract, store, tmp_path), store, "again")
    assert again.version == candidate.version  # though its new cluster was to get another id
    assert store.resolve("again") == candidate.version
    assert len(store.versions()) == 2
    changed = publish(retrained(gym_members[:-1], gym_contract, store, tmp_path), store)
    assert changed.version != candidate.version


def test_of_two_trainings_at_once_that_need_the_same_new_id_one_is_refused(
    gym_members: pd.DataFrame, gym_contract: Contract, store: Store, tmp_path: Path
) -> None:
    few = gym_members[gym_members["visits"] > 5]
    publish(retrained(few, gym_contract, store, tmp_path, replace(RECIPE, k=2)), store)
    first = retrained(gym_members, gym_contract, store, tmp_path)
    second = retrained(gym_members[:-9], gym_contract, store, tmp_path)
    publish(first, store)
    with pytest.raises(Conflict, match="the number 3"):
        publish(second, store)


def test_what_people_wrote_stays_and_what_was_stated_is_stated_anew(
    gym_trained: Trained, gym_members: pd.DataFrame, gym_contract: Contract, store: Store,
    tmp_path: Path, write: Callable[..., Path],
) -> None:  # fmt: skip
    names = write('[clusters.3]\nname = "Sleepers"\ndescription = "Pay, stay away."', "names.toml")
    first = rename_clusters(gym_trained, names)
    publish(first, store)
    fewer = gym_members.drop(index=range(0, 30)).drop(index=range(400, 500))
    second = retrained(fewer, gym_contract, store, tmp_path)
    texts = [(c.name, c.description) for c in second.model.clusters]
    assert texts[2] == ("Sleepers", "Pay, stay away.")
    assert texts[0][0] == first.model.clusters[0].name
    assert texts[0][1] != first.model.clusters[0].description
    renamed = rename_clusters(second, write('[clusters.1]\nname = "Regulars"', "more.toml"))
    facts = store.open(publish(renamed, store).version).manifest.facts
    assert facts["texts_by_people"] == {"1": ["name"], "3": ["description", "name"]}


def test_a_new_cluster_is_not_called_like_one_that_stays(
    gym_members: pd.DataFrame, gym_contract: Contract, store: Store, tmp_path: Path
) -> None:
    publish(retrained(gym_members, gym_contract, store, tmp_path, replace(RECIPE, k=2)), store)
    three = retrained(gym_members, gym_contract, store, tmp_path).model
    assert len({cluster.name for cluster in three.clusters}) == 3
    assert three.clusters[-1].id == 3


def test_with_other_features_members_alone_say_who_is_who(
    gym_members: pd.DataFrame, gym_contract: Contract, gym_store: Store, tmp_path: Path
) -> None:
    members = gym_members.astype(object)
    members.loc[:4, "fee"] = "free"  # whom the champion cannot read
    recipe = Recipe("visits", "", ("visits", "plan"), 3, None, n_init=5)
    trained = retrained(members, gym_contract, gym_store, tmp_path, recipe)
    assert [cluster.id for cluster in trained.model.clusters] == [1, 2, 3]
    assert trained.crosswalk is not None
    assert trained.crosswalk.customers == 595
    assert trained.crosswalk.moved_share < 0.01


def test_data_that_the_champion_cannot_read_are_refused_with_a_way_out(
    gym_members: pd.DataFrame, gym_contract: Contract, gym_store: Store, tmp_path: Path
) -> None:
    recipe = Recipe("visits", "", ("visits", "plan"), 3, None, n_init=5)
    with pytest.raises(WrongFile, match=r"no column fee, which the champion .*--fresh-ids"):
        retrained(gym_members.drop(columns="fee"), gym_contract, gym_store, tmp_path, recipe)


def test_another_contracts_champion_is_no_ancestor(
    gym_contract: Contract, store: Store, gym_models: Path
) -> None:
    assert find_reference(store, gym_contract) is None
    gym_store = open_store(gym_models)
    assert find_reference(gym_store, gym_contract) is not None
    assert find_reference(gym_store, replace(gym_contract, name="another")) is None


@pytest.mark.parametrize(
    ("counts", "apart", "expected"),
    [
        ([[50, 0], [0, 50]], [[9, 0], [0, 9]], [(0, 0), (1, 1)]),
        ([[50, 50]], [[1, 0]], [(0, 1)]),  # split in equal halves: the nearer one
        ([[50, 51]], [[0, 9]], [(0, 1)]),  # one customer weighs more than any distance
        ([[30, 40, 30]], [[0, 0, 0]], []),  # nobody has half of it
        ([[60, 40], [0, 0]], [[0, 0], [0, 0]], [(0, 0)]),  # an old one without customers
        ([[49], [51]], [[0], [0]], [(1, 0)]),
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]], []),
    ],
)
def test_a_cluster_is_matched_by_its_members(
    counts: list[list[int]], apart: list[list[float]], expected: list[tuple[int, int]]
) -> None:
    assert matches(np.array(counts), np.array(apart, float)) == expected


@pytest.fixture(scope="module")
def real(bank_churners: Path) -> pd.DataFrame:
    return pd.read_csv(bank_churners)


@pytest.fixture(scope="module")
def bank_store(
    bank_churners: Path, bank_contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    store = open_store(tmp_path_factory.mktemp("bank"))
    publish(train(bank_churners, bank_contract, RECIPES["original"], print, LIGHT), store)
    return store


@pytest.mark.parametrize("seed", [1, 2])
def test_half_of_the_real_customers_keep_ids_and_names(
    real: pd.DataFrame, bank_contract: Contract, bank_store: Store, tmp_path: Path, seed: int
) -> None:
    recipe = replace(RECIPES["original"], seed=seed)
    half = real.sample(frac=0.5, random_state=seed)
    trained = retrained(half, bank_contract, bank_store, tmp_path, recipe)
    old = model_of(bank_store.open(CHAMPION))
    assert [(c.id, c.name) for c in trained.model.clusters] == [
        (c.id, c.name) for c in old.clusters
    ]
    crosswalk = trained.crosswalk
    assert crosswalk is not None
    counts = np.array(crosswalk.counts)
    assert np.trace(counts) / counts.sum() > 0.95
    assert (np.diag(counts) / counts.sum(axis=1)).min() > 0.9  # of each cluster alone


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_without_one_of_the_real_clusters_its_id_is_retired(
    real: pd.DataFrame, bank_contract: Contract, bank_store: Store, tmp_path: Path, gone: int
) -> None:
    old = model_of(bank_store.open(CHAMPION))
    names = [feature.name for feature in old.contract.features]
    found = old.assign_many({name: real[name].to_numpy(float) for name in names})
    rest = real[found.cluster != gone]
    trained = retrained(rest, bank_contract, bank_store, tmp_path, RECIPES["original"])
    artifact = publish(trained, bank_store)
    ids = [cluster.id for cluster in trained.model.clusters]
    assert gone not in ids
    assert gone in artifact.manifest.facts["lineage"]["retired"]
    assert max(ids) > 3
    became = {row["id"]: row["became"] for row in crosswalk_of(artifact)["clusters"]}
    assert became[gone] == "retired"
    assert model_of(artifact) == trained.model  # its golden customers answer with their ids


def test_contracts_of_one_store_count_their_ids_apart(
    gym_store: Store, gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    other = replace(gym_contract, name="Another gym: Köln/1")
    gym_store.counters.reserve(counter_of("gym"), 3, 40)
    artifact = publish(retrained(gym_members, other, gym_store, tmp_path), gym_store)
    gym_store.promote(artifact.version, "a test", "anna")
    reference = find_reference(gym_store, other)
    assert reference is not None and reference.last_id == 3
    assert last_id(gym_store, "gym") == 40
    assert last_id(gym_store, "nobody's") == 0


def test_a_store_that_kept_one_counter_goes_on_with_it(
    gym_store: Store, gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    (tmp_path / "store" / "marks" / "last-cluster-id-gym.json").unlink()
    gym_store.counters.reserve(LAST_ID, 3, 12)
    assert last_id(gym_store, "gym") == 12
    assert last_id(gym_store, "another") == 0
    path = tmp_path / "members.csv"
    gym_members.to_csv(path, index=False)
    anew = train(path, gym_contract, replace(RECIPE, k=2), lambda step: None, LIGHT)
    publish(anew, gym_store)
    assert gym_store.counters.read(counter_of("gym")) == 12
