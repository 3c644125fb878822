"""What a folder adds to storage: disks that know no hard links, and errors of the system."""

import errno
import os
from pathlib import Path

import pytest

from model_store import Conflict, FolderStorage, Temporary


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_a_folder_that_cannot_be_written_is_a_temporary_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Temporary, match="could not write"):
        FolderStorage(tmp_path / "file").create("a.txt", b"")


def test_a_local_file_that_is_not_there_is_a_temporary_error(tmp_path: Path) -> None:
    with pytest.raises(Temporary, match=r"could not write a\.csv .*No such file"):
        FolderStorage(tmp_path / "store").upload(tmp_path / "nothing.csv", "a.csv")
    assert FolderStorage(tmp_path / "store").names() == []


def test_on_the_same_disk_a_local_file_is_linked(tmp_path: Path) -> None:
    local = tmp_path / "local.csv"
    local.write_bytes(b"x")
    FolderStorage(tmp_path / "store").upload(local, "a.csv")
    assert (tmp_path / "store" / "a.csv").samefile(local)


@pytest.mark.usefixtures("without_links")
def test_a_disk_without_links_still_never_replaces_a_new_file(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "store")
    storage.create("a/b.txt", b"first")
    with pytest.raises(Conflict):
        storage.create("a/b.txt", b"second")
    assert storage.read("a/b.txt") == b"first"
    assert storage.names() == ["a"]


@pytest.mark.usefixtures("without_links")
def test_a_disk_without_links_gets_a_copy_of_a_local_file(tmp_path: Path) -> None:
    local, storage = tmp_path / "local.csv", FolderStorage(tmp_path / "store")
    local.write_bytes(b"x")
    storage.upload(local, "a.csv")
    assert storage.read("a.csv") == b"x"
    assert not (tmp_path / "store" / "a.csv").samefile(local)
