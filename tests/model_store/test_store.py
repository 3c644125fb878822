import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_store import (
    Conflict,
    FolderFiles,
    NotFound,
    Store,
    Temporary,
    WrongArtifact,
    open_store,
)

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
FILES = {"model.json": b"{}", "pipeline.joblib": b"\x00\x01"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def folder_of(store: Store, version: str) -> Path:
    return Path(str(store)) / "versions" / version


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


def test_a_version_without_manifest_does_not_exist(store: Store) -> None:
    """A crash before the manifest leaves nothing that a reader could see."""
    version = store.publish(FILES, {}, NOW).version
    (folder_of(store, version) / "manifest.json").unlink()
    assert store.versions() == []
    with pytest.raises(NotFound):
        store.open(version)


@pytest.mark.parametrize("damage", [b"{} ", b""])
def test_a_damaged_file_is_refused_with_a_remedy(store: Store, damage: bytes) -> None:
    version = store.publish(FILES, {}, NOW).version
    (folder_of(store, version) / "model.json").write_bytes(damage)
    with pytest.raises(WrongArtifact, match=r"model\.json is not the file .*publish it again"):
        store.open(version).verify()


def test_a_missing_file_is_refused(store: Store) -> None:
    version = store.publish(FILES, {}, NOW).version
    (folder_of(store, version) / "pipeline.joblib").unlink()
    with pytest.raises(WrongArtifact, match=r"pipeline\.joblib is missing"):
        store.open(version).verify()


def test_a_newer_format_asks_for_a_newer_release(store: Store) -> None:
    version = store.publish(FILES, {}, NOW).version
    path = folder_of(store, version) / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "format": 2}))
    with pytest.raises(WrongArtifact, match=r"format 2 .*install a newer release"):
        store.open(version)


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
def test_a_damaged_manifest_is_refused(store: Store, content: bytes) -> None:
    version = store.publish(FILES, {}, NOW).version
    (folder_of(store, version) / "manifest.json").write_bytes(content)
    with pytest.raises(WrongArtifact):
        store.open(version)


def test_an_alias_to_a_version_that_is_gone_says_so(store: Store) -> None:
    version = store.publish(FILES, {}, NOW).version
    store.point("champion", version)
    (folder_of(store, version) / "manifest.json").unlink()
    with pytest.raises(WrongArtifact, match="it is not there, though 'champion' means it"):
        store.open("champion")


def test_file_names_cannot_leave_the_artifact(store: Store) -> None:
    with pytest.raises(WrongArtifact, match="plain file name"):
        store.publish({"../model.json": b""}, {}, NOW)
    assert not Path(str(store)).exists()


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path)
    files.create("a/b.txt", b"first")
    with pytest.raises(Conflict):
        files.create("a/b.txt", b"second")
    assert files.read("a/b.txt") == b"first"
    assert files.list("a") == ["b.txt"]


def test_storage_that_cannot_be_written_is_a_temporary_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Temporary, match="could not write"):
        FolderFiles(tmp_path / "file").create("a.txt", b"")


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(NotFound, match="s3://bucket"):
        open_store("s3://bucket/prefix")
