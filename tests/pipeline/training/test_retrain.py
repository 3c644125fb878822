"""The champion's recipe on new customers: one new version at most, and people decide."""

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from model_store import CANDIDATE, CHAMPION, Artifact, Store, WrongArtifact, open_store
from pipeline.model.contract import Contract
from pipeline.model.published.facts import facts_of
from pipeline.release import RELEASE
from pipeline.training import Budget, Recipe, Retrained, publish, retrain_champion, train

RECIPE = Recipe("gym", "A gym's members", ("visits", "fee", "plan"), 3, 2, n_init=5)
LIGHT = Budget(bootstraps=2, repeats=1)
Retrain = Callable[..., Retrained]


@pytest.fixture
def store(gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path) -> Store:
    """With a champion, which is no candidate any more."""
    store = open_store(tmp_path / "store")
    gym_members.to_csv(tmp_path / "members.csv", index=False)
    champion = train(tmp_path / "members.csv", gym_contract, RECIPE, lambda step: None, LIGHT)
    publish(champion, store, "first")
    return store


@pytest.fixture
def later(gym_members: pd.DataFrame, tmp_path: Path) -> Path:
    """New customers."""
    path = tmp_path / "later.csv"
    gym_members.sample(frac=0.8, random_state=3).to_csv(path, index=False)
    return path


def retrained(path: Path, store: Store, contract: Path | None = None) -> Retrained:
    return retrain_champion(path, store, contract=contract, who="anna", budget=LIGHT)


def candidates(store: Store) -> list[str]:
    """Every version that ever was the candidate, in order."""
    return [event.new for event, effective in store.history()
            if effective and event.alias == CANDIDATE]  # fmt: skip


def test_new_customers_make_a_candidate_and_the_champion_stays(store: Store, later: Path) -> None:
    champion = store.resolve(CHAMPION)
    result = retrained(later, store)
    assert result.status == "candidate"
    assert result.champion.version == store.resolve(CHAMPION) == champion
    assert result.artifact.version == store.resolve(CANDIDATE) != champion
    event, _ = store.history()[-1]
    assert (event.reason.who, event.reason.why) == ("anna", "trained on later.csv")


def test_the_same_customers_are_known_whatever_their_file_is_called_and_which_release_learns(
    store: Store, later: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = retrained(later, store)
    assert facts_of(first.artifact)["release"] == RELEASE
    monkeypatch.setattr(sys.modules[publish.__module__], "RELEASE", "9.9.9")
    again = retrained(later.rename(later.with_name("copy.csv")), store)
    assert again.status == "known"
    assert again.artifact.version == first.artifact.version
    assert candidates(store) == [first.artifact.version]


@pytest.mark.parametrize("declared", [False, True])
def test_a_candidate_that_people_replaced_does_not_come_back(
    store: Store, later: Path, gym_contract_path: Path, declared: bool
) -> None:
    contract = gym_contract_path if declared else None
    known = retrained(later, store, contract).artifact.version
    store.point(CANDIDATE, store.resolve(CHAMPION))
    assert retrained(later, store, contract).status == "known"
    assert store.resolve(CANDIDATE) == store.resolve(CHAMPION)
    assert candidates(store) == [known, store.resolve(CHAMPION)]


def test_a_version_that_a_crash_left_without_its_alias_becomes_the_candidate(
    store: Store, later: Path, tmp_path: Path
) -> None:
    version = retrained(later, store).artifact.version
    (tmp_path / "store" / "aliases" / "candidate.json").unlink()
    for path in (tmp_path / "store" / "history").iterdir():
        if version in path.read_text():
            path.unlink()
    result = retrained(later, store)
    assert (result.status, store.resolve(CANDIDATE)) == ("known", version)


@pytest.mark.parametrize("declared", [False, True])
def test_the_champion_is_never_made_the_candidate(
    store: Store, gym_contract_path: Path, tmp_path: Path, declared: bool
) -> None:
    result = retrained(tmp_path / "members.csv", store, gym_contract_path if declared else None)
    assert result.status == "champion"
    assert result.artifact.version == result.champion.version == store.resolve(CHAMPION)
    assert CANDIDATE not in store.aliases()
    assert len(store.versions()) == 1


def test_a_champion_without_a_recipe_cannot_be_retrained(store: Store, later: Path) -> None:
    champion = store.open(CHAMPION)
    unknown = republished(champion, store, recipe={"name": "of another release", "depth": 3})
    store.promote(unknown.version, "why", "anna")
    with pytest.raises(WrongArtifact, match="no recipe that this release knows"):
        retrained(later, store)


def republished(artifact: Artifact, store: Store, **facts: object) -> Artifact:
    """The same model as another version with other facts."""
    files = {name: artifact.read(name) for name in artifact.manifest.files}
    return store.publish(files | {"note.txt": b"another"}, {**artifact.manifest.facts, **facts})
