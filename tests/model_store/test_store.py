import json
from datetime import UTC, datetime

import pytest

from model_store import (
    FORMAT,
    NotFound,
    Storage,
    Store,
    WrongAddress,
    WrongArtifact,
    open_store,
)
from tests.model_store.conftest import Backend

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
FILES = {"model.json": b"{}", "pipeline.joblib": b"\x00\x01"}


def test_a_published_artifact_is_read_back_with_its_facts(store: Store) -> None:
    version = store.publish(FILES, {"metrics": {"silhouette": 0.5}}, NOW).version
    found = store.open(version)
    assert {name: found.read(name) for name in FILES} == FILES
    assert found.manifest.facts == {"metrics": {"silhouette": 0.5}}
    assert version.startswith("20260131T093000Z-")


def test_the_same_files_are_published_once(store: Store) -> None:
    first = store.publish(FILES, {}, NOW)
    again = store.publish(FILES, {}, NOW.replace(year=2027))
    assert again.version == first.version
    assert len(store.versions()) == 1


def test_an_alias_moves_and_versions_stay(store: Store) -> None:
    old = store.publish(FILES, {}, NOW).version
    new = store.publish({"model.json": b"[]"}, {}, NOW.replace(hour=10)).version
    for version in (old, new):
        store.point("champion", version)
    assert store.resolve("champion") == new
    assert [str(version) for version in store.versions()] == [old, new]
    assert store.open(old).read("model.json") == b"{}"


def test_an_unknown_reference_names_the_known_ones(store: Store) -> None:
    version = store.publish(FILES, {}, NOW).version
    store.point("champion", version)
    with pytest.raises(NotFound, match=f"no model 'challenger' .*champion, {version}"):
        store.open("challenger")


@pytest.mark.parametrize("alias", ["Champion", "../champion", "a b", ""])
def test_an_alias_must_be_a_plain_name(store: Store, alias: str) -> None:
    version = store.publish(FILES, {}, NOW).version
    with pytest.raises(NotFound, match="alias"):
        store.point(alias, version)


def test_a_version_without_manifest_does_not_exist(backend: Backend) -> None:
    """A crash before the manifest leaves nothing that a reader could see."""
    version = backend.store.publish(FILES, {}, NOW).version
    backend.lose(version, "manifest.json")
    assert backend.store.versions() == []
    with pytest.raises(NotFound):
        backend.store.open(version)


@pytest.mark.parametrize("damage", [b"{} ", b""])
def test_a_damaged_file_is_refused_with_a_remedy(backend: Backend, damage: bytes) -> None:
    version = backend.store.publish(FILES, {}, NOW).version
    backend.damage(version, "model.json", damage)
    with pytest.raises(WrongArtifact, match=r"model\.json is not the file .*publish it again"):
        backend.store.open(version).verify()


def test_a_missing_file_is_refused(backend: Backend) -> None:
    version = backend.store.publish(FILES, {}, NOW).version
    backend.lose(version, "pipeline.joblib")
    with pytest.raises(WrongArtifact, match=r"pipeline\.joblib is missing"):
        backend.store.open(version).verify()


def test_a_newer_format_asks_for_a_newer_release(backend: Backend) -> None:
    version = backend.store.publish(FILES, {}, NOW).version
    manifest = json.loads(backend.storage.read(f"versions/{version}/manifest.json"))
    backend.damage(
        version, "manifest.json", json.dumps({**manifest, "format": FORMAT + 1}).encode()
    )
    with pytest.raises(WrongArtifact, match=rf"format {FORMAT + 1} .*install a newer release"):
        backend.store.open(version)


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b"[]",
        b'{"format": 1}',
        b'{"format": 1, "version": "20260131T093000Z-00000000", "files": {}}',
        b'{"format": 1, "version": "x", "files": {"../up": {"sha256": "", "bytes": 0}}}',
    ],
)
def test_a_damaged_manifest_is_refused(backend: Backend, content: bytes) -> None:
    version = backend.store.publish(FILES, {}, NOW).version
    backend.damage(version, "manifest.json", content)
    with pytest.raises(WrongArtifact):
        backend.store.open(version)


def test_an_alias_to_a_version_that_is_gone_says_so(backend: Backend) -> None:
    version = backend.store.publish(FILES, {}, NOW).version
    backend.store.point("champion", version)
    backend.lose(version, "manifest.json")
    with pytest.raises(WrongArtifact, match="it is not there, though 'champion' means it"):
        backend.store.open("champion")


def test_file_names_cannot_leave_the_artifact(store: Store, storage: Storage) -> None:
    with pytest.raises(WrongArtifact, match="plain file name"):
        store.publish({"../model.json": b""}, {}, NOW)
    assert storage.names("versions") == []


@pytest.mark.parametrize("address", ["gs://bucket/prefix", "http://bucket"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(NotFound, match=address):
        open_store(address)


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix", "s3://B_ad/prefix"])
def test_an_address_without_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(WrongAddress, match="expected s3://bucket"):
        open_store(address)
