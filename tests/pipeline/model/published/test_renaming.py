"""Other words for a cluster, without a second training."""

import json
from pathlib import Path

import pandas as pd
import pytest

from model_store import Store, open_store
from pipeline.comparing.crosswalks import known_crosswalk
from pipeline.errors import WrongFile
from pipeline.model.published.column_aliases import declare_aliases
from pipeline.model.published.loading import load_model
from pipeline.model.published.renaming import rename_cluster
from pipeline.runs.challengers import load_challenger
from pipeline.training.retrain import retrain_champion
from tests.support.gym import LIGHT

NAME = 'Anna\'s <regulars> & "friends"'


@pytest.fixture
def store(own_gym_models: Path) -> Store:
    return open_store(own_gym_models)


def test_the_new_version_answers_as_before_but_for_its_words(store: Store) -> None:
    old = store.open("champion")
    renamed = rename_cluster(store, "champion", 2, NAME, description="They come often.", who="anna")
    before, after = load_model(old), load_model(renamed)
    assert [cluster.name for cluster in after.clusters][1] == NAME
    assert after.clusters[1].description == "They come often."
    assert [c.name for c in after.clusters if c.id != 2] == [
        c.name for c in before.clusters if c.id != 2
    ]
    golden = before.golden[0].customer
    assert before.assign(golden).distance == after.assign(golden).distance
    assert renamed.manifest.facts["texts_by_people"] == {"2": ["description", "name"]}


def test_every_alias_of_the_version_follows(store: Store) -> None:
    old = store.resolve("champion")
    store.point("monday", old)
    renamed = rename_cluster(store, "candidate", 1, "Regulars", who="anna")
    aliases = store.aliases()
    assert aliases == {
        **dict.fromkeys(("candidate", "champion", "monday"), renamed.version),
        "previous": old,
    }
    reasons = [event.reason for event, _ in store.history()]
    assert reasons[-1].who == "anna" and "cluster 1 is called 'Regulars'" in reasons[-1].why
    assert store.rollback("it was better before", "anna") == old


def test_report_and_picture_show_the_new_name(store: Store) -> None:
    old = store.open("champion")
    name = load_model(old).clusters[0].name
    renamed = rename_cluster(store, "champion", 1, NAME)
    again = rename_cluster(store, "champion", 1, "Regulars")
    text = "Anna&#39;s &lt;regulars&gt; &amp; &#34;friends&#34;"
    for file in ("report.html", "churn.svg"):
        pages = [artifact.read(file).decode() for artifact in (old, renamed, again)]
        assert [name in page for page in pages] == [True, False, False]
        assert [text in page for page in pages] == [False, True, False]
        assert f"1 · {text}" in pages[1] and "1 · Regulars" in pages[2]


def test_a_name_that_is_a_common_word_is_not_looked_for_in_sentences(store: Store) -> None:
    rename_cluster(store, "champion", 1, "Clusters")
    named = store.open("champion").read("report.html").decode()
    renamed = rename_cluster(store, "champion", 1, "Regulars").read("report.html").decode()
    assert 'aria-labelledby="clusters">\n<h2 id="clusters">' in renamed
    assert renamed.count("clusters") == named.count("clusters")


def test_what_cannot_be_is_refused_and_what_is_so_changes_nothing(store: Store) -> None:
    model = load_model(store.open("champion"))
    versions = store.versions()
    with pytest.raises(WrongFile, match="champion: has no cluster 9; there are: 1, 2, 3"):
        rename_cluster(store, "champion", 9, "Regulars")
    with pytest.raises(WrongFile, match=r"champion: cluster 1 is called .* already"):
        rename_cluster(store, "champion", 2, model.clusters[0].name)
    same = rename_cluster(store, "champion", 1, model.clusters[0].name)
    assert same.version == store.resolve("champion") and store.versions() == versions


def test_retraining_keeps_the_name_and_knows_what_was_trained(
    store: Store, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    declare_aliases(store, "champion", ["Besuche=visits"])
    renamed = rename_cluster(store, "champion", 3, "About to leave")
    path = tmp_path / "members.csv"
    assert retrain_champion(path, store, budget=LIGHT).artifact.version == renamed.version
    gym_members.iloc[:-20].to_csv(path, index=False)
    retrained = retrain_champion(path, store, budget=LIGHT).artifact
    assert load_model(retrained).clusters[2].name == "About to leave"
    assert load_model(retrained).contract.aliases == {"visits": ("Besuche",)}


def test_who_was_matched_with_the_old_version_is_matched_with_the_new_one(
    store: Store, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "members.csv"
    gym_members.iloc[:-20].to_csv(path, index=False)
    candidate = retrain_champion(path, store, budget=LIGHT).artifact
    old = store.open("champion")
    renamed = rename_cluster(store, "champion", 3, "About to leave")
    crosswalk = known_crosswalk(renamed, candidate)
    assert crosswalk is not None and crosswalk.customers == 580
    unmoved = known_crosswalk(old, renamed)
    assert unmoved is not None and unmoved.moved_share == 0
    challenger = load_challenger(store, candidate.version, renamed.version)
    assert challenger is not None and challenger.related


def test_the_manifest_says_what_the_version_was(store: Store) -> None:
    first = store.resolve("champion")
    second = rename_cluster(store, "champion", 1, "Regulars").version
    third = rename_cluster(store, "champion", 1, "Friends")
    assert json.loads(third.manifest.to_json())["renamed_from"] == [first, second]
