"""Who may move an alias when, and what the record says of it."""

import itertools
import json
import threading
from datetime import UTC, datetime

import pytest

from model_store import (
    CHAMPION,
    PREVIOUS,
    Conflict,
    NotFound,
    Reason,
    Storage,
    Store,
    Temporary,
    WrongArtifact,
)
from tests.model_store.conftest import Backend
from tests.support.cutting import CutStorage

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def published(store: Store, text: str) -> str:
    return store.publish({"model.json": text.encode(), "pipeline.joblib": b"x"}, {}, NOW).version


def told(store: Store) -> list[tuple[str, str | None, str, bool]]:
    """Action, from, to and whether it took effect, for every event on record."""
    return [(event.reason.action, event.old, event.new, done) for event, done in store.history()]


def test_a_promotion_moves_champion_and_previous_and_a_rollback_moves_them_back(
    store: Store,
) -> None:
    old, new = published(store, "1"), published(store, "2")
    store.promote(old, "the first", "anna")
    assert store.aliases() == {CHAMPION: old}
    store.promote(new, "better", "ben", {"forced": True})
    assert store.aliases() == {CHAMPION: new, PREVIOUS: old}
    assert store.rollback("worse after all", "anna") == old
    assert store.aliases() == {CHAMPION: old, PREVIOUS: new}
    assert store.open(PREVIOUS).version == new
    assert told(store) == [
        ("promote", None, old, True),
        ("promote", old, new, True),
        ("rollback", new, old, True),
    ]
    event = store.history()[1][0]
    assert (event.alias, event.reason.who, event.reason.why) == (CHAMPION, "ben", "better")
    assert event.reason.details == {"forced": True}
    assert abs((datetime.now(UTC) - event.when).total_seconds()) < 60


def test_promoting_the_champion_again_changes_nothing(store: Store) -> None:
    """So that a promotion whose answer was lost can be repeated."""
    old, new = published(store, "1"), published(store, "2")
    for version in (old, new, new):
        store.promote(version, "why", "who")
    assert store.aliases() == {CHAMPION: new, PREVIOUS: old}
    assert len(store.history()) == 2


def test_without_a_previous_champion_there_is_no_way_back(store: Store) -> None:
    store.promote(published(store, "1"), "the first", "anna")
    with pytest.raises(NotFound, match="no model 'previous'"):
        store.rollback("why", "who")


def test_the_alias_previous_follows_the_champion_only(store: Store) -> None:
    with pytest.raises(NotFound, match="it follows 'champion'"):
        store.point(PREVIOUS, published(store, "1"))


def test_an_incomplete_version_is_not_promoted(backend: Backend) -> None:
    old, new = published(backend.store, "1"), published(backend.store, "2")
    backend.store.promote(old, "why", "who")
    backend.lose(new, "pipeline.joblib")
    with pytest.raises(WrongArtifact, match=r"pipeline\.joblib is missing"):
        backend.store.promote(new, "why", "who")
    assert backend.store.aliases() == {CHAMPION: old}


def test_a_champion_that_changed_since_it_was_compared_is_not_replaced(store: Store) -> None:
    first, second, third = (published(store, text) for text in "123")
    store.promote(first, "why", "who", instead_of=None)
    store.promote(second, "why", "who", instead_of=first)
    with pytest.raises(Conflict, match=r"alias 'champion' .*look, then retry"):
        store.promote(third, "why", "who", instead_of=first)
    with pytest.raises(Conflict):
        store.promote(third, "why", "who", instead_of=None)
    assert store.aliases() == {CHAMPION: second, PREVIOUS: first}


def test_aliases_of_an_older_release_are_read_and_moved(store: Store, storage: Storage) -> None:
    old, new = published(store, "1"), published(store, "2")
    storage.create("aliases/champion.json", json.dumps({"version": old}).encode())
    assert store.aliases() == {CHAMPION: old}
    store.promote(new, "why", "who")
    assert store.aliases() == {CHAMPION: new, PREVIOUS: old}
    assert told(store) == [("promote", old, new, True)]


def test_a_damaged_alias_is_mended_by_pointing_it_again(store: Store, storage: Storage) -> None:
    old, new = published(store, "1"), published(store, "2")
    store.promote(old, "why", "who")
    store.point("candidate", new)
    storage.replace("aliases/champion.json", b"{")
    assert store.resolve("candidate") == new  # another alias's damage is not its own
    with pytest.raises(WrongArtifact, match="point it at a version again"):
        store.resolve(CHAMPION)
    store.promote(new, "mended", "who")
    assert store.resolve(CHAMPION) == new
    assert [done for _, _, _, done in told(store)] == [True, True, True]


def test_a_damaged_event_is_named(store: Store, storage: Storage) -> None:
    store.promote(published(store, "1"), "why", "who")
    (name,) = storage.names("history")
    storage.replace(f"history/{name}", b"{}")
    with pytest.raises(WrongArtifact, match=rf"history/{name} is damaged"):
        store.history()


def test_of_promotions_at_once_each_takes_effect_or_is_refused_and_all_are_on_record(
    backend: Backend,
) -> None:
    start = published(backend.store, "start")
    backend.store.promote(start, "why", "who")
    versions = [published(backend.store, str(number)) for number in range(6)]
    gate, won, refused = threading.Barrier(len(versions)), [], []

    def promote(version: str) -> None:
        store = Store(backend.storage)
        gate.wait()
        try:
            won.append(store.promote(version, "race", version))
        except Conflict:
            refused.append(version)

    threads = [threading.Thread(target=promote, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won + refused) == sorted(versions)
    effective = [(old, new) for _, old, new, done in told(backend.store) if done]
    assert {new for _, new in effective} == {start, *won}
    assert len(effective) == len(won) + 1
    assert backend.store.resolve(CHAMPION) in won


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("action", ["promote", "rollback", "point"])
def test_a_promotion_cut_anywhere_took_effect_wholly_or_not_at_all(
    backend: Backend, action: str, done: bool
) -> None:
    """And the record says which, and the same or another move afterwards succeeds."""
    old, new = published(backend.store, "1"), published(backend.store, "2")
    for version in (new, old):
        backend.store.promote(version, "why", "who")
    for cut in range(100):
        before = backend.store.aliases()
        storage = CutStorage(backend.storage, cut, done)
        aim = before[PREVIOUS]
        try:
            act(Store(storage), action, aim)
        except Temporary:
            failed = True
        else:
            failed = False
        check(backend.store, before, aim)
        if not failed and storage.calls <= cut:
            break
        act(backend.store, action, backend.store.aliases()[PREVIOUS])
        check(backend.store, before, aim)
    assert cut >= 4


def act(store: Store, action: str, aim: str) -> None:
    if action == "promote":
        store.promote(aim, "why", "who")
    elif action == "rollback":
        store.rollback("why", "who")
    else:
        store.point(CHAMPION, aim, Reason("who", "why"))


def check(store: Store, before: dict[str, str], aim: str) -> None:
    """The champion is a complete version, old or new with the right previous; so is the record."""
    store.open(CHAMPION).verify()
    assert store.aliases() in (before, {CHAMPION: aim, PREVIOUS: before[CHAMPION]})
    effective = [event for event, done in store.history() if done]
    assert effective[-1].new == store.resolve(CHAMPION)
    for earlier, later in itertools.pairwise(effective):
        assert (later.old, later.after) == (earlier.new, earlier.id)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_publish_cut_anywhere_leaves_nothing_or_everything(backend: Backend, done: bool) -> None:
    old = published(backend.store, "1")
    backend.store.promote(old, "why", "who")
    for cut in range(100):
        storage = CutStorage(backend.storage, cut, done)
        try:
            published(Store(storage), "2")
            failed = False
        except Temporary:
            failed = True
        for version in backend.store.versions():
            backend.store.open(str(version)).verify()
        assert backend.store.resolve(CHAMPION) == old
        if not failed:
            break
    assert cut >= 4
    assert len(backend.store.versions()) == 2
