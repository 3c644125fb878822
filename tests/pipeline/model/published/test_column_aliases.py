"""Other names for the columns of a published model, without a second training."""

from pathlib import Path

import pytest

from model_store import Store, open_store
from pipeline.errors import WrongFile
from pipeline.model.published.column_aliases import declare_aliases
from pipeline.model.published.loading import load_model
from pipeline.reading.open import open_customers


@pytest.fixture
def store(own_gym_models: Path) -> Store:
    return open_store(own_gym_models)


def test_a_new_version_knows_the_names_and_assigns_as_before(store: Store, tmp_path: Path) -> None:
    old = store.open("champion")
    pairs = ["Besuche=visits", "Mitglied=member", "besuche=Visits"]
    knowing = declare_aliases(store, "champion", pairs, who="anna")
    before, after = load_model(old), load_model(knowing)
    assert after.contract.aliases == {"visits": ("Besuche",), "member": ("Mitglied",)}
    assert after.contract.unmarked() == before.contract.unmarked()
    golden = before.golden[0].customer
    assert before.assign(golden).distance == after.assign(golden).distance
    assert knowing.manifest.facts["contract_sha256"] == after.contract.digest
    assert store.resolve("champion") == knowing.version
    assert store.resolve("previous") == old.version
    path = tmp_path / "a.csv"
    path.write_text("Mitglied,BESUCHE\n7,3\n")
    with open_customers(path, after.contract) as file:
        assert file.indexes(["visits", "member"]) == {"visits": 1, "member": 0}


def test_names_are_added_and_what_is_known_changes_nothing(store: Store) -> None:
    declare_aliases(store, "champion", ["Besuche=visits"])
    both = declare_aliases(store, "champion", ["times=visits"])
    assert load_model(both).contract.aliases == {"visits": ("Besuche", "times")}
    assert declare_aliases(store, "champion", ["VISITS=visits"]).version == both.version


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        ("x=nothing", "champion: reads no column nothing; there are: "),
        ("member=visits", "'member', by which member is found"),
    ],
)
def test_what_cannot_be_is_refused(store: Store, pair: str, problem: str) -> None:
    versions = store.versions()
    with pytest.raises(WrongFile, match=problem):
        declare_aliases(store, "champion", [pair])
    assert store.versions() == versions
