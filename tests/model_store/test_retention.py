"""What may be removed, and in which order."""

from datetime import UTC, datetime, timedelta

import pytest

from model_store import CHAMPION, NotFound, Store, Temporary, Version
from tests.model_store.conftest import Backend
from tests.support.cutting import CutStorage

NOW = datetime.now(UTC)


def published(store: Store, days_ago: int) -> str:
    files = {"model.json": str(days_ago).encode(), "pipeline.joblib": b"x"}
    return store.publish(files, {}, NOW - timedelta(days=days_ago)).version


def names(store: Store) -> list[str]:
    return [str(version) for version in store.versions()]


def test_the_newest_and_those_that_an_alias_names_stay(store: Store) -> None:
    versions = [published(store, days) for days in (6, 5, 4, 3, 2, 1)]
    store.promote(versions[1], "why", "who")
    store.promote(versions[3], "why", "who")  # the previous one counts as well
    store.point("candidate", versions[2])
    assert store.removable(1) == [versions[0], versions[4]]
    assert names(store) == versions
    assert store.prune(1) == [versions[0], versions[4]]
    assert names(store) == [*versions[1:4], versions[5]]
    assert store.prune(1) == []


def test_half_a_version_does_not_exist_and_the_next_publish_removes_it(backend: Backend) -> None:
    store, gone = backend.store, published(backend.store, 3)
    cut = Store(CutStorage(backend.storage, calls_to_first_delete(backend), done=True))
    with pytest.raises(Temporary):
        cut.prune(0)
    assert names(store) == []
    with pytest.raises(NotFound):
        store.open(gone)
    assert backend.storage.names(f"versions/{gone}") == ["model.json", "pipeline.joblib"]
    kept = published(store, 0)
    assert backend.storage.names("versions") == [kept]


def calls_to_first_delete(backend: Backend) -> int:
    """The number of the call that removes the manifest."""
    calls: list[str] = []

    class Noting(CutStorage):
        def delete(self, name: str) -> None:
            calls.append(name)
            raise Temporary("delete", name, "noted")

    noting = Noting(backend.storage, 1000, done=False)
    with pytest.raises(Temporary):
        Store(noting).prune(0)
    assert calls[0].endswith("manifest.json")
    return noting.calls


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_prune_cut_anywhere_leaves_whole_versions_only(backend: Backend, done: bool) -> None:
    champion, spare = published(backend.store, 9), published(backend.store, 5)
    newest = published(backend.store, 0)
    backend.store.promote(champion, "why", "who")
    for cut in range(100):
        try:
            Store(CutStorage(backend.storage, cut, done)).prune(1)
            failed = False
        except Temporary:
            failed = True
        for name in names(backend.store):
            backend.store.open(name).verify()
        assert {champion, newest} <= set(names(backend.store))
        if not failed:
            break
    assert names(backend.store) == [champion, newest]
    assert backend.storage.names("versions") == [champion, newest]
    assert spare not in names(backend.store)


def test_a_publish_under_way_is_left_alone(backend: Backend) -> None:
    young = str(Version.of("a" * 64, NOW - timedelta(hours=20)))
    backend.storage.create(f"versions/{young}/model.json", b"{}")
    published(backend.store, 0)
    assert backend.store.removable(1) == []
    assert young in backend.storage.names("versions")


def test_what_is_left_of_the_champion_is_left_alone(backend: Backend) -> None:
    """Somebody may still mend it; nothing here makes it worse."""
    champion = published(backend.store, 9)
    backend.store.promote(champion, "why", "who")
    backend.lose(champion, "manifest.json")
    published(backend.store, 0)
    assert backend.store.prune(1) == []
    assert backend.storage.names(f"versions/{champion}") == ["model.json", "pipeline.joblib"]


def test_a_version_that_is_promoted_while_it_is_removed_stays(backend: Backend) -> None:
    old, spare = published(backend.store, 9), published(backend.store, 5)
    backend.store.promote(old, "why", "who")
    published(backend.store, 0)

    class Slow(CutStorage):
        def delete(self, name: str) -> None:
            if name.endswith("manifest.json"):
                backend.store.promote(spare, "just now", "who")
            super().delete(name)

    assert Store(Slow(backend.storage, 1000, done=False)).prune(1) == []
    backend.store.open(CHAMPION).verify()
    assert backend.store.resolve(CHAMPION) == spare
