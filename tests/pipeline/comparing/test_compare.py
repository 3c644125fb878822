import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model_store import BUNDLED, Artifact, NotFound, Store, open_store
from pipeline.comparing import compare, count_customers
from pipeline.comparing.compare import FigureChange, rebinned
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.training import find_reference, publish, retrain_champion, train
from tests.support.gym import LIGHT, RECIPE
from tests.support.paths import CUSTOMERS as EXAMPLES


@pytest.fixture
def store(own_gym_models: Path) -> Store:
    """With a champion."""
    return open_store(own_gym_models)


def again(store: Store, frame: pd.DataFrame, contract: Path | None, folder: Path) -> Artifact:
    frame.to_csv(folder / "new.csv", index=False)
    return retrain_champion(folder / "new.csv", store, contract=contract, budget=LIGHT).artifact


def test_a_retrained_champion_is_compared_as_training_counted(
    store: Store, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    old = store.open("champion")
    dearer = gym_members.assign(fee=gym_members["fee"] * 1.5)
    new = again(store, dearer, None, tmp_path)
    assert new.manifest.facts["recipe"] == old.manifest.facts["recipe"] | {
        "features": RECIPE.features, "yeo_johnson": (), "risk_features": (),
    }  # fmt: skip
    found = compare(old, new)
    assert found.figures["customers"] == FigureChange(600, 600)
    assert found.crosswalk is not None
    assert found.crosswalk.old_version == old.version
    drift = {drift.name: drift.verdict for drift in found.drift}
    assert (drift["visits"], drift["plan"]) == ("stable", "stable")
    assert drift["fee"] in ("shifted", "implausible")
    back = compare(new, old)
    assert back.crosswalk is not None
    assert np.array(back.crosswalk.counts).T.tolist() == np.array(found.crosswalk.counts).tolist()
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["new"] == new.version


def test_the_contract_of_a_file_may_describe_more_columns(
    store: Store, gym_members: pd.DataFrame, gym_contract_path: Path, tmp_path: Path
) -> None:
    new = again(store, gym_members.sample(frac=1, random_state=1), gym_contract_path, tmp_path)
    found = compare(store.open("champion"), new)
    assert found.crosswalk is not None
    assert (found.crosswalk.moved_share, found.objections) == (0, ())
    assert all(drift.psi < 1e-9 for drift in found.drift)


def test_a_version_with_itself_is_the_same(store: Store, tmp_path: Path) -> None:
    champion = store.open("champion")
    found = compare(champion, champion, tmp_path / "members.csv")
    assert found.crosswalk is not None
    assert (found.crosswalk.moved_share, found.crosswalk.ari) == (0, 1)
    assert [drift.psi for drift in found.drift] == [pytest.approx(0, abs=1e-9)] * 3


def test_versions_that_nobody_matched_are_counted_on_a_file_or_not_at_all() -> None:
    store = open_store(BUNDLED)
    old, new = store.open("original"), store.open("champion")
    assert compare(old, new).crosswalk is None
    assert compare(old, new).drift[0].name == "Total_Revolving_Bal"  # the one that both read
    crosswalk = compare(old, new, EXAMPLES).crosswalk
    assert crosswalk is not None
    assert crosswalk.customers == 995
    assert (crosswalk.old_ids, crosswalk.new_ids) == ((1, 2, 3), (1, 2, 3, 4, 5))
    assert crosswalk.clusters[0].centre_shift is not None


def test_a_file_that_one_model_cannot_read_is_refused(tmp_path: Path) -> None:
    store = open_store(BUNDLED)
    old, new = store.open("original"), store.open("champion")
    frame = pd.read_csv(EXAMPLES, dtype=str)
    path = tmp_path / "customers.csv"
    frame.drop(columns="Credit_Limit").to_csv(path, index=False)
    with pytest.raises(WrongFile, match="no column Credit_Limit"):
        count_customers(path, old, new)
    frame.assign(Credit_Limit="lots").to_csv(path, index=False)
    with pytest.raises(WrongFile, match="has no customer that both models can read"):
        count_customers(path, old, new)


def test_without_a_champion_there_is_nothing_to_retrain(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no model 'champion'"):
        retrain_champion(tmp_path / "x.csv", open_store(tmp_path / "empty"))


def test_the_highest_id_of_all_counts_though_its_model_is_unreadable(
    store: Store, gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    broken = again(store, gym_members.iloc[:-1], None, tmp_path).version
    (tmp_path / "store" / "versions" / broken / "manifest.json").write_text("{")
    found = find_reference(store, gym_contract)
    assert found is not None
    assert found.last_id == 3


@pytest.mark.parametrize(
    ("edges", "own", "shares", "expected"),
    [
        ([1, 2], [1, 2], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3]),
        ([1.5], [1, 2], [0.2, 0.5, 0.3], [0.45, 0.55]),
        ([0.5, 2], [1, 2], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3]),
        ([-5, 9], [1, 2], [0.2, 0.5, 0.3], [0.0, 1.0, 0.0]),
        ([5], [5], [0.4, 0.6], [0.4, 0.6]),
        ([1], [3, 3.5], [0.1, 0.1, 0.8], [0.0, 1.0]),
    ],
)
def test_shares_are_told_in_other_bins(
    edges: list[float], own: list[float], shares: list[float], expected: list[float]
) -> None:
    assert rebinned(edges, own, shares) == pytest.approx(expected)


def test_other_seeds_are_told_apart_from_other_customers(
    store: Store, gym_contract: Contract, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, seed=7, n_init=6)
    reference_model = find_reference(store, gym_contract)
    path = tmp_path / "members.csv"
    trained = train(
        path, gym_contract, recipe, lambda step: None, LIGHT, reference_model=reference_model
    )
    found = compare(store.open("champion"), publish(trained, store))
    assert found.crosswalk is not None
    assert found.crosswalk.moved_share == 0
    assert not [drift for drift in found.drift if drift.verdict != "stable"]
