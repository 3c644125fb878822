"""Numbers that only grow, and versions that sort though clocks differ."""

from datetime import UTC, datetime, timedelta

import pytest

from model_store import Conflict, Storage, Store, WrongArtifact
from tests.model_store.conftest import Backend

NAME = "last-cluster-id"
NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)


def test_a_mark_only_grows(store: Store, storage: Storage) -> None:
    assert store.counters.read(NAME) == 0
    store.counters.reserve(NAME, 0, 5)
    store.counters.reserve(NAME, 3, 3)  # nothing new is taken
    assert store.counters.read(NAME) == 5
    store.counters.reserve(NAME, 5, 7)
    assert Store(storage).counters.read(NAME) == 7


def test_a_number_is_taken_once(store: Store) -> None:
    store.counters.reserve(NAME, 5, 6)
    with pytest.raises(Conflict, match="the number 6"):
        store.counters.reserve(NAME, 5, 7)
    assert store.counters.read(NAME) == 6


def test_of_two_that_take_a_number_at_once_one_gets_it(backend: Backend) -> None:
    """The other reads before the first has written."""

    class Late:
        def __init__(self, storage: Storage) -> None:
            self._storage = storage

        def __getattr__(self, name: str) -> object:
            return getattr(self._storage, name)

        def read_tagged(self, name: str) -> tuple[bytes, str]:
            found = self._storage.read_tagged(name)
            backend.store.counters.reserve(NAME, 5, 6)
            return found

    backend.store.counters.reserve(NAME, 5, 5)
    with pytest.raises(Conflict):
        Store(Late(backend.storage)).counters.reserve(NAME, 5, 6)  # type: ignore[arg-type]
    assert backend.store.counters.read(NAME) == 6


def test_a_damaged_mark_is_named(store: Store, storage: Storage) -> None:
    storage.create(f"marks/{NAME}.json", b"{")
    with pytest.raises(WrongArtifact, match=f"marks/{NAME}.json: it is damaged; restore"):
        store.counters.read(NAME)


@pytest.mark.parametrize("off", [timedelta(days=-400), timedelta(0), timedelta(days=400)])
def test_what_is_published_later_is_later_though_a_clock_is_off(
    store: Store, off: timedelta
) -> None:
    """Or a prune would remove the newest version, and keep an old one."""
    first = store.publish({"model.json": b"1"}, {}, NOW).version
    second = store.publish({"model.json": b"2"}, {}, NOW + off).version
    third = store.publish({"model.json": b"3"}, {}, NOW).version
    assert list(map(str, store.versions())) == [first, second, third]
    assert store.removable(keep=1) == [first, second]
    assert store.prune(keep=2) == [first]
